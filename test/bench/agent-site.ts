import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Msg } from '@nats-io/transport-node';
import { connectNats, ensureStreams, type Messaging } from '@faascam/core/messaging';
import { startNatsServer, type NatsServer } from '@faascam/core/nats-server';
import { cameraOf, headers, subjects } from '@faascam/core/subjects';

/** A NATS server for agents, and what they send to it. */
export interface BenchSite {
  readonly scratch: string;
  readonly server: NatsServer;
  readonly messaging: Messaging;
  /** Starts `faascam agent` with these cameras (the config's keys), and `more` of a config; it runs when this resolves. */
  agent(id: string, cameras: Record<string, object>, more?: object): Promise<BenchAgent>;
  /** Ends the agents, then the server. */
  close(): Promise<void>;
}

export interface BenchAgent {
  readonly pid: number;
  readonly data: string;
  /** What it printed and logged. */
  output(): string;
  /** Writes its config file anew. */
  configure(cameras: Record<string, object>): void;
  stop(): Promise<void>;
}

export interface SeenFrame {
  camera: string;
  kind: 'image' | 'lost';
  capturedAtUs: number;
  seq: number;
  /** When it came here, in ms since the Unix epoch. */
  arrivedMs: number;
  jpeg: Uint8Array;
}

const program = new URL('../../../bin/faascam.js', import.meta.url).pathname;

export async function openBenchSite(scratch: string): Promise<BenchSite> {
  mkdirSync(scratch, { recursive: true });
  const server = await startNatsServer({ directory: join(scratch, 'nats') });
  const messaging = await connectNats(server.url, 'bench');
  await ensureStreams(messaging.jsm);
  const agents: BenchAgent[] = [];
  return {
    scratch,
    server,
    messaging,
    agent: async (id, cameras, more = {}) => {
      const agent = await startAgent(id, cameras, scratch, { nats: { url: server.url }, ...more });
      agents.push(agent);
      return agent;
    },
    close: async () => {
      await Promise.all(agents.map((agent) => agent.stop()));
      await messaging.nc.close();
      await server.stop();
    },
  };
}

async function startAgent(
  id: string,
  cameras: Record<string, object>,
  scratch: string,
  more: object,
): Promise<BenchAgent> {
  const data = join(scratch, id);
  const config = join(scratch, `${id}.yml`);
  const configure = (now: Record<string, object>): void => {
    // JSON is YAML.
    writeFileSync(config, JSON.stringify({ data, agent: { id }, cameras: now, ...more }));
  };
  configure(cameras);
  const child = spawn(process.execPath, [program, 'agent', '--config', config], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, FAASCAM_LOG: process.env['FAASCAM_LOG'] ?? 'warn' },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-200_000)));
  }
  const over = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const up = await Promise.race([
    once(child.stdout, 'data').then(() => true),
    once(child.stderr, 'data').then(() => true),
    over.then(() => false),
  ]);
  if (!up) throw new Error(`The agent ended before it ran: ${output}`);
  return { pid: pidOf(child), data, output: () => output, configure, stop: () => endOf(child) };
}

/** Asks a process to end, and waits for it. */
export async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const kill = setTimeout(() => child.kill('SIGKILL'), 15_000);
  await ended;
  clearTimeout(kill);
}

export function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error(`${child.spawnfile} could not be started`);
  return child.pid;
}

/** Calls `onFrame` with all frames of a camera, or of every camera (`*`), as they are published. */
export function watchFrames({ nc }: Messaging, camera: string, onFrame: (frame: SeenFrame) => void): void {
  nc.subscribe(subjects.frames(camera), {
    callback: (_error, message) => onFrame(frameOf(message)),
  });
}

function frameOf(message: Msg): SeenFrame {
  const header = (name: string): string => message.headers?.get(name) ?? '';
  return {
    camera: cameraOf(message.subject),
    kind: header(headers.kind) === 'lost' ? 'lost' : 'image',
    capturedAtUs: Number(header(headers.capturedAt)),
    seq: Number(header(headers.seq)),
    arrivedMs: Date.now(),
    jpeg: message.data,
  };
}

/** Polls until `condition` holds. Throws, saying what was waited for, when it does not within `limitMs`. */
export async function until(what: string, limitMs: number, condition: () => boolean): Promise<void> {
  const giveUpAt = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > giveUpAt) throw new Error(`Waited ${limitMs / 1000} s in vain for ${what}.`);
    await wait(20);
  }
}
