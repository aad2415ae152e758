import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { connectNats, ensureStreams, type Messaging } from '@faascam/core/messaging';
import { freePort } from '@faascam/core/ports';
import { storeSettings } from '@faascam/core/store-settings';
import { openStore, type ObjectStore } from '@faascam/core/store';
import { parseSegmentName } from '@faascam/edge-agent/ring/segment';
import { usageBelow } from '../bench/processes.ts';
import { checkout } from './checkout.ts';
import { cable, relay, type Link } from './link.ts';
import { Part } from './part.ts';
import { StoreServer } from './store-server.ts';

export interface SiteOptions {
  scratch: string;
  store: 's3' | 'directory';
  /** Which functions run; default: all that have a part in storing clips. */
  functions?: readonly string[];
  /** Sources by camera. */
  cameras: Record<string, string>;
  /** Networks can be cut and disks made. */
  namespaces: boolean;
  /** The agent's clock can be moved: libfaketime. */
  fakeClock?: string | undefined;
}

const AGENT = 'edge';
/** Small, so that they can be filled. */
const RING_MEGABYTES = 256;
const CLIPS_MEGABYTES = 192;

/**
 * Everything as on a cluster, each part a process of its own: NATS, the store, gateways with a process a function,
 * connectors, and an agent behind a network that can be cut.
 */
export class Site {
  readonly #lastRecorded = new Map<string, { endUs: number; atMs: number }>();
  readonly options: SiteOptions;
  /** `faascam.yml` of the agent, which also names the store as it really is. */
  readonly config: string;
  readonly natsUrl: string;
  readonly link: Link;
  readonly agent: Part;
  readonly nats: Part;
  readonly storeServer: StoreServer;
  /** The suite's own way to NATS, and past the relay to the store. */
  readonly messaging: Messaging;
  readonly store: ObjectStore;
  readonly gateways: Part[] = [];
  readonly connectors: Part[] = [];

  private constructor(
    options: SiteOptions,
    natsUrl: string,
    parts: Pick<Site, 'config' | 'link' | 'nats' | 'agent' | 'messaging' | 'store' | 'storeServer'>,
  ) {
    this.options = options;
    this.natsUrl = natsUrl;
    this.config = parts.config;
    this.link = parts.link;
    this.nats = parts.nats;
    this.agent = parts.agent;
    this.messaging = parts.messaging;
    this.store = parts.store;
    this.storeServer = parts.storeServer;
  }

  /** Starts everything; resolves when the functions can be called. The caller closes it. */
  static async open(options: SiteOptions): Promise<Site> {
    const { scratch, namespaces } = options;
    for (const folder of ['logs', 'tmp', 'ring', 'clips', 'agent'])
      mkdirSync(join(scratch, folder), { recursive: true });
    if (namespaces) {
      disk(join(scratch, 'ring'), RING_MEGABYTES);
      disk(join(scratch, 'clips'), CLIPS_MEGABYTES);
    }
    const port = await freePort();
    const natsUrl = `nats://127.0.0.1:${port}`;
    const nats = new Part({
      name: 'nats-server',
      command: [
        ...['nats-server', '--addr', namespaces ? '0.0.0.0' : '127.0.0.1', '--port', String(port)],
        ...['--jetstream', '--store_dir', join(scratch, 'nats')],
      ],
      log: join(scratch, 'logs', 'nats-server.log'),
    });
    const ends = [() => nats.stop()];
    try {
      const link = await (namespaces ? cable(port) : relay(port));
      ends.push(() => link.close());
      await nats.said(/Server is ready/);
      const messaging = await connectNats(natsUrl, 'fault suite');
      ends.push(() => messaging.nc.close());
      await ensureStreams(messaging.jsm);
      const storeServer = await StoreServer.start(scratch, options.store);
      ends.push(() => storeServer.close());
      const store = await openStore(storeSettings.parse(storeServer.direct), scratch);
      ends.push(() => store.close());
      await store.check();
      const config = writeConfig(options, link, storeServer);
      const agent = new Part({
        name: 'agent',
        command: [
          ...link.within,
          process.execPath,
          join(checkout, 'bin/faascam.js'),
          'agent',
          '--config',
          config,
        ],
        env: options.fakeClock === undefined ? {} : clockEnv(options.fakeClock, clockFile(scratch)),
        log: join(scratch, 'logs', 'agent.log'),
      });
      ends.push(() => agent.stop());
      const site = new Site(options, natsUrl, { config, link, nats, agent, messaging, store, storeServer });
      ends.push(() => site.#closeFunctions());
      await site.addReplicas();
      return site;
    } catch (error) {
      for (const end of ends.reverse()) await end();
      throw error;
    }
  }

  /** One more gateway with a process a function, and one more connector that brings it messages. */
  async addReplicas(): Promise<void> {
    const number = this.gateways.length + 1;
    const port = await freePort();
    const log = (name: string): string => join(this.options.scratch, 'logs', `${name}-${number}.log`);
    const gateway = new Part({
      name: `gateway ${number}`,
      command: [process.execPath, join(checkout, 'local/dist/gateway/main.js')],
      env: {
        ...this.#functionEnv(),
        FAASCAM_STACK: stackOf(this.options),
        GATEWAY_HOST: '127.0.0.1',
        GATEWAY_PORT: String(port),
      },
      log: log('gateway'),
    });
    this.gateways.push(gateway);
    await gateway.said(/"ready":true/);
    const connector = new Part({
      name: `connector ${number}`,
      command: [process.execPath, join(checkout, 'connector/dist/main.js')],
      env: { NATS_URL: this.natsUrl, gateway_url: `http://127.0.0.1:${port}` },
      log: log('connector'),
    });
    this.connectors.push(connector);
    await connector.said(/every topic has its consumer/);
  }

  async removeReplicas(): Promise<void> {
    await this.connectors.pop()?.stop();
    await this.gateways.pop()?.stop();
  }

  #functionEnv(): Record<string, string> {
    const { scratch } = this.options;
    return {
      NATS_URL: this.natsUrl,
      TMPDIR: join(scratch, 'tmp'),
      FAASCAM_DATA: scratch,
      FAASCAM_STORE: JSON.stringify(this.storeServer.given),
      FAASCAM_EVENTS: JSON.stringify({ preRollMs: 2000, postRollMs: 2000 }),
    };
  }

  /** Processes of a function, one a gateway. */
  functionPids(name: string): number[] {
    return this.gateways.flatMap(({ pid }) =>
      pid === 0
        ? []
        : usageBelow(pid).flatMap((usage) => (usage.name === `function ${name}` ? [usage.pid] : [])),
    );
  }

  /** The agent's ffmpegs. */
  ffmpegPids(): number[] {
    const { pid } = this.agent;
    return pid === 0 ? [] : usageBelow(pid).flatMap(({ name, pid }) => (name === 'ffmpeg' ? [pid] : []));
  }

  /** Moves the agent's wall clock this far from the real one, in seconds. */
  stepAgentClock(seconds: number): void {
    setClock(this.options.scratch, seconds);
  }

  /** Events whose footage is pinned in the agent's ring, or whose request it keeps. */
  pins(): string[] {
    const { cameras, scratch } = this.options;
    const names = Object.keys(cameras).flatMap((camera) =>
      ['pins', 'requests'].flatMap((folder) => {
        try {
          return readdirSync(join(scratch, 'ring', camera, folder));
        } catch {
          return []; // The camera has not begun to record.
        }
      }),
    );
    return [...new Set(names.map((name) => name.replace(/\.json$/, '')))];
  }

  /** The segment that a camera has written last ends here, in microseconds by the agent's clock. */
  recordedUntilUs(camera: string): number {
    const folder = join(this.options.scratch, 'ring', camera);
    let last = { writtenMs: 0, endUs: 0 };
    try {
      for (const name of readdirSync(folder)) {
        const times = parseSegmentName(name);
        const writtenMs = times === undefined ? 0 : statSync(join(folder, name)).ctimeMs;
        if (times !== undefined && writtenMs > last.writtenMs) last = { writtenMs, endUs: times.endUs };
      }
    } catch {
      // It has not begun to record, or has just dropped a segment.
    }
    return last.endUs;
  }

  /** The same; where nothing lies in the ring any more, as much later than it last was as has gone by since. */
  lastRecordedUs(camera: string): number {
    const endUs = this.recordedUntilUs(camera);
    if (endUs > 0) this.#lastRecorded.set(camera, { endUs, atMs: performance.now() });
    const last = this.#lastRecorded.get(camera);
    if (last === undefined) throw new Error(`The camera ${camera} has not begun to record.`);
    return last.endUs + Math.round((performance.now() - last.atMs) * 1000);
  }

  async close(): Promise<void> {
    await this.agent.stop();
    await this.#closeFunctions();
    await this.store.close();
    await this.messaging.nc.close();
    await this.storeServer.close();
    await this.nats.stop();
    await this.link.close();
    const { namespaces, scratch } = this.options;
    if (namespaces) for (const name of ['ring', 'clips']) execFileSync('umount', [join(scratch, name)]);
  }

  async #closeFunctions(): Promise<void> {
    while (this.gateways.length > 0) await this.removeReplicas();
  }
}

/** Writes the agent's config file, and gives its path. */
function writeConfig({ scratch, cameras }: SiteOptions, link: Link, { direct }: StoreServer): string {
  const path = join(scratch, 'agent.yml');
  const settings = { frames: { idleFps: 0.5 }, ring: { minutes: 10, segmentMs: 1500 } };
  const config = {
    data: join(scratch, 'agent'),
    agent: { id: AGENT, ringPath: join(scratch, 'ring') },
    nats: { url: `nats://${link.host}:${link.port}` },
    cameras: Object.fromEntries(Object.entries(cameras).map(([id, source]) => [id, { source, ...settings }])),
    store: direct,
  };
  writeFileSync(path, stringify(config));
  setClock(scratch, 0);
  return path;
}

function clockFile(scratch: string): string {
  return join(scratch, 'clock');
}

function setClock(scratch: string, seconds: number): void {
  writeFileSync(clockFile(scratch), `${seconds < 0 ? '' : '+'}${seconds}\n`);
}

function disk(path: string, megabytes: number): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path]);
}

function clockEnv(library: string, file: string): Record<string, string> {
  return {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_CACHE_DURATION: '1',
    // A step of the wall clock moves no timer.
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
}

const stack = z.looseObject({ functions: z.record(z.string(), z.looseObject({ handler: z.string() })) });

/** The page has no part in storing clips. */
const ALL_FUNCTIONS = ['motion', 'detect', 'events', 'clip'];

/** The path of a stack file with the functions that run. */
function stackOf({ scratch, functions = ALL_FUNCTIONS }: SiteOptions): string {
  const path = join(scratch, 'stack.yml');
  const parsed = stack.parse(parse(readFileSync(join(checkout, 'stack.yml'), 'utf8')));
  const chosen = Object.entries(parsed.functions).filter(([name]) => functions.includes(name));
  const here = chosen.map(
    ([name, spec]) => [name, { ...spec, handler: join(checkout, spec.handler) }] as const,
  );
  writeFileSync(path, stringify({ ...parsed, functions: Object.fromEntries(here) }));
  return path;
}
