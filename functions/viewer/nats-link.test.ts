import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@faascam/core/clock';
import { messageHeadersOf } from '@faascam/core/frame';
import { eventKey } from '@faascam/core/ids';
import { createLogger } from '@faascam/core/log';
import type { ClipStored } from '@faascam/core/clip-messages';
import type { AgentHealth } from '@faascam/core/messages';
import { connectNats, ensureStreams, type Messaging } from '@faascam/core/messaging';
import { startNatsServer, type NatsServer } from '@faascam/core/nats-server';
import { freePort } from '@faascam/core/ports';
import { openStore, type ObjectStore } from '@faascam/core/store';
import { buckets, headers, subjects } from '@faascam/core/subjects';
import { Kvm } from '@nats-io/kv';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { hostHandler, manifestOf, storeEvent, type HandlerHost } from './fixture.ts';
import { camerasAnswer, eventsAnswer, type CamerasAnswer } from './page/api.ts';
import { PageFiles } from './page-files.ts';
import { Viewer } from './viewer.ts';

const WAIT = { timeout: 30_000, interval: 50 };

let directory: string;
let port: number;
let server: NatsServer | undefined;
let store: ObjectStore;
let viewer: Viewer;
let host: HandlerHost;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-viewer-'));
  port = await freePort();
  store = await openStore({ kind: 'directory', path: '' }, directory);
  viewer = new Viewer({
    store,
    page: new PageFiles('', new Map()),
    nats: { url: `nats://127.0.0.1:${port}` },
    clock: systemClock,
    log: createLogger('test'),
  });
  host = await hostHandler(async (event, context) => await viewer.handle(event, context));
});

afterEach(async () => {
  await host.stop();
  await viewer.close();
  await server?.stop();
  await store.close();
  await rm(directory, { recursive: true });
});

async function startNats(): Promise<NatsServer> {
  server = await startNatsServer({ directory: join(directory, 'nats'), port });
  return server;
}

async function withNats<T>(use: (messaging: Messaging) => Promise<T>): Promise<T> {
  const messaging = await connectNats(`nats://127.0.0.1:${port}`, 'test');
  try {
    return await use(messaging);
  } finally {
    await messaging.nc.close();
  }
}

async function cameras(): Promise<CamerasAnswer> {
  return camerasAnswer(await (await fetch(`${host.url}api/cameras`)).json(), 'the answer');
}

async function connected(): Promise<void> {
  await vi.waitFor(async () => expect((await cameras()).notice).toBeUndefined(), WAIT);
}

function healthOf(atUs: number): AgentHealth {
  return {
    v: 1,
    agent: 'host',
    atUs,
    software: 'test',
    cameras: {
      yard: {
        state: 'streaming',
        framesPublished: 3,
        framesDropped: 0,
        lastFrameAtUs: atUs,
        restarts: 1,
        ring: { segments: 2, bytes: 1000, spanMs: 4000 },
      },
    },
  };
}

it('cameras are none before any agent has reported, then as it reports them, and offline when it stops', async () => {
  await startNats();
  await connected();
  expect(await cameras()).toEqual({ cameras: [], notice: undefined });
  await withNats(async ({ js }) => {
    const agents = await new Kvm(js).create(buckets.agents);
    await agents.put('broken', '{"v":2}');
    await agents.put('gone', JSON.stringify(healthOf(systemClock.nowUs())));
    await agents.delete('gone');
    await agents.put('host', JSON.stringify(healthOf(systemClock.nowUs())));
    await vi.waitFor(async () => {
      expect((await cameras()).cameras).toMatchObject([
        {
          id: 'yard',
          agent: 'host',
          state: 'streaming',
          restarts: 1,
          urls: { frame: 'api/cameras/yard/frame.jpg' },
        },
      ]);
    }, WAIT);
    await agents.put('host', JSON.stringify(healthOf(systemClock.nowUs() - 60_000_000)));
    await vi.waitFor(
      async () => expect((await cameras()).cameras).toMatchObject([{ state: 'offline' }]),
      WAIT,
    );
  });
});

it("a camera's newest picture is given once, and none while there is no stream, no frame, or the camera is lost", async () => {
  await startNats();
  await connected();
  const url = `${host.url}api/cameras/yard/frame.jpg`;
  expect((await fetch(url)).status).toBe(404);
  await withNats(async ({ js, jsm }) => {
    await ensureStreams(jsm);
    expect((await fetch(url)).status).toBe(404);
    const publish = async (seq: number, kind: 'image' | 'lost', body: string): Promise<void> => {
      const header = messageHeadersOf({ camera: 'yard', agent: 'host', capturedAtUs: 1000 + seq, seq, kind });
      await js.publish(subjects.frames('yard'), body, { headers: header });
    };
    await publish(1, 'image', 'first');
    await publish(2, 'image', 'second');
    const response = await fetch(url);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('image/jpeg');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get(headers.capturedAt)).toBe('1002');
    expect(await response.text()).toBe('second');
    const tag = response.headers.get('etag') ?? '';
    expect((await fetch(url, { headers: { 'If-None-Match': tag } })).status).toBe(304);
    await publish(3, 'image', 'third');
    expect(await (await fetch(url, { headers: { 'If-None-Match': tag } })).text()).toBe('third');
    await publish(4, 'lost', '');
    expect((await fetch(url)).status).toBe(404);
  });
});

it('events are shown while NATS is away, at once when it tells of them, and after it comes back', async () => {
  const listed = async (): Promise<string[]> =>
    eventsAnswer(await (await fetch(`${host.url}api/events`)).json(), 'the answer').events.map(
      ({ id }) => id,
    );
  const startUs = Date.UTC(2026, 2, 4, 12) * 1000;
  const first = await storeEvent(store, { camera: 'yard', startUs });
  expect(await listed()).toEqual([first]);

  const running = await startNats();
  await connected();
  expect(await listed()).toEqual([first]);
  const second = await storeEvent(store, { camera: 'yard', startUs: startUs + 1_000_000 });
  await withNats(async ({ nc }) => {
    const { requested } = manifestOf({ camera: 'yard', startUs });
    const stored: ClipStored = {
      v: 1,
      eventId: second,
      camera: 'yard',
      keys: { manifest: eventKey(second, 'event.json') },
      requested,
      gaps: [],
      complete: true,
    };
    nc.publish(subjects.clipsStored('yard'), 'no JSON');
    nc.publish(subjects.clipsStored('yard'), JSON.stringify(stored));
    await nc.flush();
  });
  // The listing is younger than what is relied on while NATS is heard: only the message can have told.
  await vi.waitFor(async () => expect(await listed()).toEqual([second, first]), WAIT);

  await running.stop();
  await vi.waitFor(async () => expect((await cameras()).notice).toMatch(/was lost/), WAIT);
  expect((await fetch(`${host.url}api/cameras/yard/frame.jpg`)).status).toBe(503);
  const third = await storeEvent(store, { camera: 'gate', startUs: startUs + 2_000_000 });
  await startNats();
  await connected();
  await vi.waitFor(async () => expect(await listed()).toEqual([third, second, first]), WAIT);
});
