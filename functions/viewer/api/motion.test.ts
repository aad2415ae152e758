import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ACTIVITY_STREAM, activityKey, hourOf, levelOf, type ActivityHour } from '@faascam/core/activity';
import { createLogger } from '@faascam/core/log';
import { connectNats, type Messaging } from '@faascam/core/messaging';
import { startNatsServer, type NatsServer } from '@faascam/core/nats-server';
import { ensureSite, openActivity } from '@faascam/core/site-buckets';
import { openStore, type ObjectStore } from '@faascam/core/store';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { HandClock } from '../auth/fixture.ts';
import { hostHandler, type HandlerHost } from '../fixture.ts';
import { PageFiles } from '../page-files.ts';
import { Viewer } from '../viewer.ts';
import type { Identity } from './authorizer.ts';

const HOUR_US = 3_600_000_000;
const SLOT_US = 10_000_000;
const answerShape = z.object({ fromUs: z.number(), slotMs: z.number(), levels: z.array(z.number()) });

let directory: string;
let server: NatsServer;
let nats: Messaging;
let store: ObjectStore;
let viewer: Viewer;
let host: HandlerHost;
let identity: Identity;
const clock = new HandClock();
/** Two hours ago, at the full hour. */
const startUs = hourOf(clock.nowUs()) - 2 * HOUR_US;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-motion-api-'));
  server = await startNatsServer({ directory: join(directory, 'nats') });
  nats = await connectNats(server.url, 'test');
  await ensureSite(nats);
  store = await openStore({ kind: 'directory', path: '' }, directory);
  viewer = new Viewer({
    ...{ store, page: new PageFiles('', new Map()), nats: { url: server.url } },
    ...{ clock, log: createLogger('test') },
    authorizer: { identify: () => Promise.resolve(identity) },
  });
  host = await hostHandler(async (event, context) => await viewer.handle(event, context));
  identity = { name: 'ann', role: 'viewer', provenBy: 'session' };
  await vi.waitFor(async () => expect((await ask(startUs, startUs + 1)).status).toBe(200), {
    timeout: 30_000,
    interval: 50,
  });
});

beforeEach(() => {
  identity = { name: 'ann', role: 'viewer', provenBy: 'session', cameras: ['yard'] };
});

afterAll(async () => {
  await host.stop();
  await viewer.close();
  await store.close();
  await nats.nc.close();
  await server.stop();
  await rm(directory, { recursive: true });
});

async function ask(fromUs: number, toUs: number, camera = 'yard'): Promise<Response> {
  return await fetch(`${host.url}api/cameras/${camera}/motion?fromUs=${fromUs}&toUs=${toUs}`);
}

async function levels(fromUs: number, toUs: number): Promise<z.infer<typeof answerShape>> {
  return answerShape.parse(await (await ask(fromUs, toUs)).json());
}

async function put(hourUs: number, moved: Record<number, number>): Promise<void> {
  const digits = Array.from({ length: 360 }, (_, slot) => moved[slot] ?? 0).join('');
  const hour: ActivityHour = { v: 1, camera: 'yard', startUs: hourUs, levels: digits };
  await (await openActivity(nats)).put(activityKey('yard', hourUs), JSON.stringify(hour));
}

it('levels of several hours are one row, from the slot that was asked for to now', async () => {
  await put(startUs, { 359: 3 });
  await put(startUs + HOUR_US, { 0: 9, 100: 1 });
  const found = await levels(startUs + HOUR_US - SLOT_US + 5, startUs + HOUR_US + 101 * SLOT_US);
  expect(found).toMatchObject({ fromUs: startUs + HOUR_US - SLOT_US, slotMs: 10_000 });
  expect(found.levels).toEqual([3, 9, ...new Array<number>(99).fill(0), 1]);
  // What is yet to come is nothing that did not move.
  const rest = await levels(startUs, startUs + 25 * HOUR_US);
  expect(rest.levels).toHaveLength(Math.ceil((clock.nowUs() - startUs) / SLOT_US));
  expect((await levels(clock.nowUs() + SLOT_US, clock.nowUs() + HOUR_US)).levels).toEqual([]);
  // An hour that a newer version has written is left out.
  await (await openActivity(nats)).put(activityKey('yard', startUs + HOUR_US), '{"v":2}');
  expect((await levels(startUs, startUs + 2 * HOUR_US)).levels.reduce((sum, level) => sum + level)).toBe(3);
});

it('more than a day, a time that ends before it begins, and another camera are refused', async () => {
  expect((await ask(startUs, startUs + 25 * HOUR_US + 1)).status).toBe(400);
  expect((await ask(startUs, startUs)).status).toBe(400);
  expect((await ask(startUs, startUs + 1, 'gate')).status).toBe(404);
});

it('the bucket lets go of what is too old or too much, the oldest first', async () => {
  const { config } = await nats.jsm.streams.info(ACTIVITY_STREAM);
  expect(config).toMatchObject({ max_age: 31 * 24 * HOUR_US * 1000, discard: 'old', storage: 'file' });
  expect(config.max_bytes).toBeLessThanOrEqual(32 * 1024 * 1024);
});

it('a level is twice the share of the one below', () => {
  expect([0, 0.0001, 0.001, 0.0019, 0.002, 0.1, 0.256, 1].map(levelOf)).toEqual([0, 1, 1, 1, 2, 7, 9, 9]);
});
