import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from './clock.ts';
import { openDirectoryStore } from './directory-store.ts';
import { storeEvent, type EventFixture } from './event-fixture.ts';
import { keepEvent } from './event-keeping.ts';
import { storedEvents } from './event-walk.ts';
import { eventIdOf, eventKey } from './ids.ts';
import { createLogger } from './log.ts';
import { retentionSettings, type RetentionSettings } from './retention-settings.ts';
import { pruneTraces, sweep, type Swept, type SweepOptions } from './retention-sweep.ts';
import { RetentionSweeper } from './retention-sweeper.ts';
import type { ObjectStore } from './store.ts';

const DAY_US = 86_400_000_000;
const HOUR_US = 3_600_000_000;
const NOW_US = Date.UTC(2026, 10, 21, 18, 30) * 1000;

let directory: string;
let store: ObjectStore;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-sweep-'));
  store = await openDirectoryStore(directory);
});
afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true });
});

const settingsOf = (value: unknown): RetentionSettings => retentionSettings.parse(value);

const aged = (days: number, fixture: Partial<EventFixture> = {}): Promise<string> =>
  storeEvent(store, {
    camera: 'yard',
    startUs: Math.round(NOW_US - days * DAY_US),
    clip: Buffer.alloc(1000),
    ...fixture,
  });

/** Ids of the events with a receipt, oldest first. */
async function receipts(): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id, objects } of storedEvents(store, { order: 'oldest' })) {
    if (objects.has('event.json')) ids.push(id);
  }
  return ids;
}

async function swept(settings: unknown, options: Partial<SweepOptions> = {}) {
  const gone: Swept[] = [];
  const report = await sweep(store, settingsOf(settings), {
    ...{ nowUs: NOW_US, dryRun: false, full: true },
    ...options,
    onEvent: (event) => gone.push(event),
  });
  return { report, ids: gone.map(({ id }) => id), gone };
}

describe('a sweep', () => {
  it('removes what is too old by its labels and its camera, and leaves the traces', async () => {
    const settings = { days: 30, labels: { person: 90, car: 7 }, cameras: { gate: { days: 10 } } };
    const old = [
      await aged(91),
      await aged(61, { labels: ['dog'] }),
      await aged(20, { camera: 'gate', labels: ['dog'] }),
      await aged(8, { labels: ['car'] }),
    ];
    const stay = [
      await aged(60),
      await aged(59, { labels: ['car', 'person'] }),
      await aged(20, { labels: ['dog'] }),
      await aged(6, { labels: ['car'] }),
    ];
    const dry = await swept(settings, { dryRun: true });
    expect([...dry.ids].sort()).toEqual([...old].sort());
    expect(await receipts()).toHaveLength(old.length + stay.length);
    const { report, ids } = await swept(settings);
    expect([...ids].sort()).toEqual([...old].sort());
    expect(report).toMatchObject({ events: old.length, kept: 0 });
    expect(report.sizeBytes).toBe(dry.report.sizeBytes);
    expect(await receipts()).toEqual(stay);
    for (const id of old) expect(await store.head(eventKey(id, 'removed.json'))).toBeDefined();
    expect(await pruneTraces(store, { dryRun: false })).toBe(old.length);
    for (const id of old) expect(await store.head(eventKey(id, 'removed.json'))).toBeUndefined();
    expect((await swept(settings)).report.events).toBe(0);
  });

  it('spares what was kept, and what has only now been stored', async () => {
    const kept = await aged(400);
    await keepEvent(store, kept, { atUs: NOW_US });
    const replayed = await aged(400, { camera: 'replay', storedAtUs: NOW_US - HOUR_US });
    const { report } = await swept({ days: 30 });
    expect(report).toMatchObject({ events: 0, kept: 1 });
    expect(await receipts()).toEqual([replayed, kept].sort());
  });

  it('removes the oldest until the rest is small enough, and tells what kept events do not allow', async () => {
    const clip = Buffer.alloc(400_000);
    const ids: string[] = [];
    for (const days of [5, 4, 3, 2, 1]) ids.push(await aged(days, { clip }));
    await keepEvent(store, ids[0] ?? '', { atUs: NOW_US });
    const settings = { days: 30, megabytes: 1 };
    const dry = await swept(settings, { dryRun: true });
    const { report, gone } = await swept(settings);
    expect(gone.map(({ id, reason }) => [id, reason])).toEqual([
      [ids[1], 'size'],
      [ids[2], 'size'],
      [ids[3], 'size'],
    ]);
    expect(dry.gone).toEqual(gone);
    expect(report.overBytes).toBe(0);
    await keepEvent(store, ids[4] ?? '', { atUs: NOW_US });
    const { report: over } = await swept({ days: 30, megabytes: 0.5 });
    expect(over).toMatchObject({ events: 0, kept: 2 });
    expect(over.overBytes).toBeGreaterThan(300_000);
  });

  it('counts what goes for its age before it looks at the size, also when it is dry', async () => {
    const clip = Buffer.alloc(400_000);
    const old = await aged(40, { clip });
    await aged(2, { clip });
    await aged(1, { clip });
    expect((await swept({ days: 30, megabytes: 1 }, { dryRun: true })).ids).toEqual([old]);
    expect((await swept({ days: 30, megabytes: 1 })).ids).toEqual([old]);
  });

  it('finishes removals that were cut off, and removes clips that never got their receipt', async () => {
    const cut = await aged(40);
    await store.put(eventKey(cut, 'removed.json'), Buffer.from('{}'), { contentType: 'application/json' });
    await store.delete(eventKey(cut, 'event.json'));
    const unstored = eventIdOf('yard', NOW_US - 41 * DAY_US);
    await store.put(eventKey(unstored, 'clip.mp4'), Buffer.alloc(10), { contentType: 'video/mp4' });
    // It was stored just now, however old it is: its receipt may be on its way.
    expect((await swept({ days: 30 })).gone).toMatchObject([{ id: cut, reason: 'cut-off' }]);
    const later = Date.now() * 1000 + 31 * DAY_US;
    expect((await swept({ days: 30 }, { nowUs: later })).gone).toMatchObject([{ id: unstored }]);
    expect(await store.head(eventKey(unstored, 'clip.mp4'))).toBeUndefined();
  });

  it('goes on past receipts that cannot be read, and keeps them for the longest period', async () => {
    const id = await aged(40);
    await store.put(eventKey(id, 'event.json'), Buffer.from('{"v":2}'), { contentType: 'application/json' });
    const later = Date.now() * 1000;
    expect((await swept({ days: 30, labels: { cat: 60 } }, { nowUs: later + 50 * DAY_US })).ids).toEqual([]);
    expect((await swept({ days: 30, labels: { cat: 60 } }, { nowUs: later + 61 * DAY_US })).ids).toEqual([
      id,
    ]);
  });
});

describe('sweeps that come by themselves', () => {
  let nowUs = NOW_US;
  const clock: Clock = { nowUs: () => nowUs, sleep: () => Promise.resolve() };
  const sweeperOf = (settings: unknown): RetentionSweeper =>
    new RetentionSweeper({
      ...{ settings: settingsOf(settings), clock, log: createLogger('test') },
      signal: new AbortController().signal,
    });

  it('only tell at first and after a change of settings, and act an hour later', async () => {
    nowUs = NOW_US;
    const [older, newer] = [await aged(40), await aged(20)];
    await sweeperOf({ days: 30 }).sweepIfDue(store);
    expect(await receipts()).toEqual([older, newer]);
    nowUs += HOUR_US / 2;
    await sweeperOf({ days: 30 }).sweepIfDue(store);
    expect(await receipts()).toEqual([older, newer]);
    nowUs += HOUR_US / 2;
    await sweeperOf({ days: 30 }).sweepIfDue(store);
    expect(await receipts()).toEqual([newer]);
    nowUs += HOUR_US;
    await sweeperOf({ days: 10 }).sweepIfDue(store);
    expect(await receipts()).toEqual([newer]);
    nowUs += HOUR_US;
    await sweeperOf({ days: 10 }).sweepIfDue(store);
    expect(await receipts()).toEqual([]);
  });

  it('do nothing when the clock leaps ahead, until it has gone on for an hour', async () => {
    nowUs = NOW_US;
    const id = await aged(1);
    const sweeper = sweeperOf({ days: 30 });
    await sweeper.sweepIfDue(store);
    nowUs += HOUR_US;
    await sweeper.sweepIfDue(store);
    nowUs += 365 * DAY_US;
    await sweeper.sweepIfDue(store);
    expect(await receipts()).toEqual([id]);
    nowUs = NOW_US + 2 * HOUR_US;
    await sweeperOf({ days: 30 }).sweepIfDue(store);
    nowUs += HOUR_US;
    await sweeperOf({ days: 30 }).sweepIfDue(store);
    expect(await receipts()).toEqual([id]);
  });

  it('of many at the same time leave the same as one, and a failure is tried again', async () => {
    nowUs = NOW_US;
    for (let index = 0; index < 10; index += 1) await aged(40 + index);
    const stay = await aged(1);
    await sweeperOf({ days: 30 }).sweepIfDue(store);
    nowUs += HOUR_US;
    const put = store.put.bind(store);
    store.put = () => Promise.reject(new Error('no route'));
    await sweeperOf({ days: 30 }).sweepIfDue(store);
    store.put = put;
    expect(await receipts()).toHaveLength(11);
    await Promise.all([1, 2, 3].map(() => sweeperOf({ days: 30 }).sweepIfDue(store)));
    expect(await receipts()).toEqual([stay]);
  });
});
