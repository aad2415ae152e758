import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { profileOf } from '@faascam/core/camera-profile';
import { cameraSettings } from '@faascam/core/camera-settings';
import { systemClock } from '@faascam/core/clock';
import { createLogger } from '@faascam/core/log';
import { connectNats, type Messaging } from '@faascam/core/messaging';
import { startNatsServer, type NatsServer } from '@faascam/core/nats-server';
import { openStore, type ObjectStore } from '@faascam/core/store';
import { buckets } from '@faascam/core/subjects';
import { Kvm } from '@nats-io/kv';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { hostHandler, type HandlerHost } from '../fixture.ts';
import { PageFiles } from '../page-files.ts';
import { Viewer } from '../viewer.ts';
import type { Identity } from './authorizer.ts';

let directory: string;
let server: NatsServer;
let nats: Messaging;
let store: ObjectStore;
let viewer: Viewer;
let host: HandlerHost;
let identity: Identity;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-profile-'));
  server = await startNatsServer({ directory: join(directory, 'nats') });
  nats = await connectNats(server.url, 'test');
  store = await openStore({ kind: 'directory', path: '' }, directory);
  viewer = new Viewer({
    ...{ store, page: new PageFiles('', new Map()), nats: { url: server.url } },
    ...{ clock: systemClock, log: createLogger('test') },
    authorizer: { identify: () => Promise.resolve(identity) },
  });
  host = await hostHandler(async (event, context) => await viewer.handle(event, context));
});

afterAll(async () => {
  await host.stop();
  await viewer.close();
  await store.close();
  await nats.nc.close();
  await server.stop();
  await rm(directory, { recursive: true });
});

async function ask(camera: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`${host.url}api/cameras/${camera}/profile`);
  return { status: response.status, text: await response.text() };
}

it('an operator gets what the functions go by for a camera, and nothing of how it is reached', async () => {
  identity = { name: 'ann', role: 'operator', provenBy: 'session', cameras: ['yard', 'gate', 'new'] };
  // There is no bucket before there was an agent.
  await vi.waitFor(async () => expect((await ask('yard')).status).toBe(404), {
    timeout: 30_000,
    interval: 50,
  });
  const bucket = await new Kvm(nats.js).create(buckets.cameras);
  const settings = cameraSettings.parse({
    source: 'rtsp://root:pass-of-yard@192.0.2.10/1',
    zones: {
      porch: {
        polygon: [
          [0, 0],
          [1, 0],
          [1, 1],
        ],
      },
    },
    objects: { dog: { minScore: 0.5 } },
    motion: { minArea: 0.002 },
  });
  await bucket.put('yard', JSON.stringify(profileOf('yard', settings)));
  await bucket.put('new', '{"v":2}');
  const { status, text } = await ask('yard');
  expect(status).toBe(200);
  expect(JSON.parse(text)).toEqual({
    ...{ camera: 'yard', revision: profileOf('yard', settings).revision, masks: [], lines: {}, events: {} },
    ...{ zones: settings.zones, objects: settings.objects, motion: settings.motion },
  });
  expect(text).not.toMatch(/pass-of-yard|192\.0\.2/);
  expect((await ask('gate')).status).toBe(404);
  // It says what to do rather than show half of it.
  expect(await ask('new')).toMatchObject({ status: 503, text: expect.stringMatching(/version/) as string });
});

it('who may only look, or may not see the camera, is told no shape of it', async () => {
  identity = { name: 'vera', role: 'viewer', provenBy: 'session' };
  expect((await ask('yard')).status).toBe(403);
  identity = { name: 'otto', role: 'operator', provenBy: 'session', cameras: ['gate'] };
  const { status, text } = await ask('yard');
  expect(status).toBe(404);
  expect(z.object({ error: z.string() }).parse(JSON.parse(text)).error).toMatch(/no such camera/);
});
