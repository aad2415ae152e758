import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Kvm } from '@nats-io/kv';
import { systemClock } from '@faascam/core/clock';
import { createLogger } from '@faascam/core/log';
import type { AgentHealth, CameraHealth } from '@faascam/core/messages';
import { connectNats, ensureStreams, type Messaging } from '@faascam/core/messaging';
import { startNatsServer, type NatsServer } from '@faascam/core/nats-server';
import { openStore, type ObjectStore } from '@faascam/core/store';
import { buckets, headers, subjects } from '@faascam/core/subjects';
import { headers as newHeaders } from '@nats-io/transport-node';
import { chromium, type Browser } from 'playwright-core';
import { hostHandler, type HandlerHost } from './fixture.ts';
import { loadPageFiles } from './page-files.ts';
import { Viewer } from './viewer.ts';

const run = promisify(execFile);

/** For the page's tests: a viewer with a real store and NATS, and an agent's messages in it. */
export interface PageSite {
  /** With a slash at its end. */
  url: string;
  store: ObjectStore;
  viewer: Viewer;
  nats: Messaging;
  /** Tells of these cameras as their agent does, every second until the site stops. */
  tell(cameras: Record<string, Partial<CameraHealth>>): Promise<void>;
  /** Publishes a camera's picture as its agent does. */
  show(camera: string, jpeg: Buffer): Promise<void>;
  stop(): Promise<void>;
}

export async function startPageSite(prefix = '/function/viewer'): Promise<PageSite> {
  const directory = await mkdtemp(join(tmpdir(), 'faascam-page-site-'));
  const server: NatsServer = await startNatsServer({ directory: join(directory, 'nats') });
  const store = await openStore({ kind: 'directory', path: '' }, join(directory, 'data'));
  const page = await loadPageFiles();
  const viewer = new Viewer({
    ...{ store, page, clock: systemClock, log: createLogger('test') },
    nats: { url: server.url },
  });
  const host: HandlerHost = await hostHandler(
    async (event, context) => await viewer.handle(event, context),
    prefix,
  );
  const nats = await connectNats(server.url, 'test');
  await ensureStreams(nats.jsm);
  const agents = await new Kvm(nats.js).create(buckets.agents);
  let told: Record<string, Partial<CameraHealth>> = {};
  let seq = 0;
  const put = async (): Promise<void> => {
    await agents.put('host', JSON.stringify(healthOf(told)));
  };
  const timer = setInterval(() => {
    if (Object.keys(told).length > 0) void put().catch(() => undefined);
  }, 1000);
  return {
    ...{ url: host.url, store, viewer, nats },
    tell: async (cameras) => {
      told = cameras;
      await put();
    },
    show: async (camera, jpeg) => {
      seq += 1;
      const about = newHeaders();
      about.set(headers.capturedAt, String(systemClock.nowUs()));
      about.set(headers.seq, String(seq));
      about.set(headers.agent, 'host');
      await nats.js.publish(subjects.frames(camera), jpeg, { headers: about });
    },
    stop: async () => {
      clearInterval(timer);
      await nats.nc.close();
      await host.stop();
      await viewer.close();
      await store.close();
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function healthOf(cameras: Record<string, Partial<CameraHealth>>): AgentHealth {
  const atUs = systemClock.nowUs();
  const usual: CameraHealth = {
    ...{ state: 'streaming', framesPublished: 3, framesDropped: 0, lastFrameAtUs: atUs, restarts: 0 },
    ...{ framesPerSecond: 5, ring: { segments: 2, bytes: 9_000_000, spanMs: 600_000 } },
  };
  return {
    ...{ v: 1, agent: 'host', atUs, software: 'test' },
    cameras: Object.fromEntries(Object.entries(cameras).map(([id, own]) => [id, { ...usual, ...own }])),
  };
}

/** A test pattern as ffmpeg makes it: a clip, or a picture by a name that ends in .jpg. */
export async function makeMedia(name: string, args: readonly string[]): Promise<Buffer> {
  const directory = await mkdtemp(join(tmpdir(), 'faascam-media-'));
  try {
    const path = join(directory, name);
    const source = ['-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=25'];
    await run('nice', ['ffmpeg', '-v', 'error', ...source, ...args, path]);
    return await readFile(path);
  } finally {
    await rm(directory, { recursive: true });
  }
}

export const H264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '25'] as const;

export async function startBrowser(): Promise<Browser> {
  return await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--autoplay-policy=no-user-gesture-required',
    ],
  });
}
