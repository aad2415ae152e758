import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@faascam/core/clock';
import { createLogger } from '@faascam/core/log';
import type { AgentHealth, CameraHealth } from '@faascam/core/messages';
import { connectNats, type Messaging } from '@faascam/core/messaging';
import { startNatsServer, type NatsServer } from '@faascam/core/nats-server';
import { openStore, type ObjectStore } from '@faascam/core/store';
import { buckets, subjects } from '@faascam/core/subjects';
import type { TracksMessage } from '@faascam/core/track-message';
import { Kvm } from '@nats-io/kv';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { hostHandler, type HandlerHost } from '../fixture.ts';
import { PageFiles } from '../page-files.ts';
import { Viewer } from '../viewer.ts';
import { boxesNews } from './boxes.ts';
import type { Identity } from './authorizer.ts';

const WAIT = { timeout: 30_000, interval: 50 };

let directory: string;
let server: NatsServer;
let nats: Messaging;
let store: ObjectStore;
let viewer: Viewer;
let host: HandlerHost;
let identity: Identity;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-boxes-'));
  server = await startNatsServer({ directory: join(directory, 'nats') });
  nats = await connectNats(server.url, 'test');
  store = await openStore({ kind: 'directory', path: '' }, directory);
  viewer = new Viewer({
    ...{ store, page: new PageFiles('', new Map()), nats: { url: server.url } },
    ...{ clock: systemClock, log: createLogger('test') },
    authorizer: { identify: () => Promise.resolve(identity) },
  });
  host = await hostHandler(async (event, context) => await viewer.handle(event, context));
  const camera: CameraHealth = {
    ...{ state: 'streaming', framesPublished: 0, framesDropped: 0, restarts: 0 },
    ring: { segments: 0, bytes: 0, spanMs: 0 },
  };
  const health: AgentHealth = {
    ...{ v: 1, agent: 'host', atUs: systemClock.nowUs(), software: 'test' },
    cameras: { yard: camera, gate: camera },
  };
  await (await new Kvm(nats.js).create(buckets.agents)).put('host', JSON.stringify(health));
});

beforeEach(() => {
  identity = { name: 'vera', role: 'viewer', provenBy: 'session', cameras: ['yard', 'nowhere'] };
});

afterAll(async () => {
  await viewer.close();
  await host.stop();
  await store.close();
  await nats.nc.close();
  await server.stop();
  await rm(directory, { recursive: true });
});

const frame = (camera: string, capturedAtUs: number): TracksMessage => ({
  ...{ v: 1, camera, capturedAtUs, inferred: true },
  objects: [{ track: 3, label: 'dog', score: 0.7, box: [0.1, 0.2, 0.3, 0.4], confirmed: true }],
});

function publish(camera: string, capturedAtUs: number): void {
  nats.nc.publish(subjects.tracks(camera), JSON.stringify(frame(camera, capturedAtUs)));
}

/** Whether anybody at all listens to the camera's objects: NATS itself says so. */
async function isHeard(camera: string): Promise<boolean> {
  let refused = false;
  const subscription = nats.nc.subscribe('answer.of.nobody', {
    callback: (_, { headers }) => {
      refused ||= headers?.code === 503;
    },
  });
  nats.nc.publish(subjects.tracks(camera), '{}', { reply: 'answer.of.nobody' });
  // The server answers in order.
  await nats.nc.flush();
  subscription.unsubscribe();
  return !refused;
}

/** What is told of a camera: its text so far, until it is left. */
async function listen(camera: string, lastId?: string) {
  const left = new AbortController();
  const response = await fetch(`${host.url}api/cameras/${camera}/boxes`, {
    signal: left.signal,
    ...(lastId === undefined ? {} : { headers: { 'Last-Event-ID': lastId } }),
  });
  let text = '';
  const reading = (async () => {
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) text += chunk;
  })().catch(() => undefined);
  return {
    status: response.status,
    text: () => text,
    leave: async () => {
      left.abort();
      await reading;
    },
  };
}

it('the objects of a frame come as they are told, nothing of another camera, and nobody listens when nobody watches', async () => {
  await vi.waitFor(async () => {
    const first = await listen('yard');
    await first.leave();
    expect(first.status).toBe(200);
  }, WAIT);
  await vi.waitFor(async () => expect(await isHeard('yard')).toBe(false), WAIT);
  const watching = await listen('yard');
  await vi.waitFor(async () => expect(await isHeard('yard')).toBe(true), WAIT);
  expect(await isHeard('gate')).toBe(false);
  publish('gate', 5_000_000);
  publish('yard', 6_000_000);
  nats.nc.publish(subjects.tracks('yard'), '{"v":2}');
  publish('yard', 7_000_000);
  await vi.waitFor(() => expect(watching.text()).toContain('7000000'), WAIT);
  const told = boxesNews.parse(frame('yard', 6_000_000));
  expect(watching.text()).toMatch(/^retry: 100\nid: .*\nevent: hello\n/);
  expect(watching.text()).toContain(`\nevent: boxes\ndata: ${JSON.stringify(told)}\n\n`);
  expect(watching.text()).not.toContain('gate');
  // Who comes back goes on where it was.
  const id = /id: (.*)\nevent: boxes\n.*6000000/.exec(watching.text())?.[1];
  await watching.leave();
  const again = await listen('yard', id);
  await vi.waitFor(() => expect(again.text()).toContain('7000000'), WAIT);
  expect(again.text()).not.toContain('6000000');
  await again.leave();
  await vi.waitFor(async () => expect(await isHeard('yard')).toBe(false), WAIT);
});

it('who may not see a camera is told of no object of it, and of none that does not exist', async () => {
  for (const camera of ['gate', 'nowhere']) {
    const refused = await listen(camera);
    await refused.leave();
    expect(refused.status).toBe(404);
  }
  expect(await isHeard('gate')).toBe(false);
});
