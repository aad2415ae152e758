import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '@faascam/core/clock';
import { keepEvent } from '@faascam/core/event-keeping';
import { eventKey } from '@faascam/core/ids';
import { createLogger } from '@faascam/core/log';
import { openStore, type ListOptions, type ObjectStore } from '@faascam/core/store';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EventIndex, type EventQuery } from './event-index.ts';
import { storeEvent } from './fixture.ts';
import { StoreListing } from './store-listing.ts';

const WAIT = { timeout: 30_000, interval: 20 };
const DAY_US = 86_400_000_000;
const START_US = Date.UTC(2026, 2, 4, 12) * 1000;

let directory: string;
let store: ObjectStore;
let listed: string[];
let nowUs: number;
let hears: boolean;
let index: EventIndex;

const clock: Clock = { nowUs: () => nowUs, sleep: () => Promise.resolve() };

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-index-'));
  store = await openStore({ kind: 'directory', path: '' }, directory);
  listed = [];
  const list = store.list.bind(store);
  store.list = (prefix: string, options?: ListOptions) => {
    listed.push(prefix);
    return list(prefix, options);
  };
  nowUs = START_US;
  hears = false;
  index = new EventIndex({ store, clock, log: createLogger('test'), hearsStored: () => hears });
});

afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true });
});

const idsOf = async (limit: number): Promise<string[]> =>
  (await index.page({ limit })).events.map(({ id }) => id);

describe('the index', () => {
  it('lists only the days that a page reaches, and them once', async () => {
    for (let day = 0; day < 20; day += 1) {
      await storeEvent(store, { camera: 'yard', startUs: START_US - day * DAY_US });
    }
    await idsOf(3);
    const days = (): string[] => listed.filter((prefix) => /\d{4}\/\d{2}\/\d{2}\/$/.test(prefix));
    expect(days()).toEqual(['yard/2026/03/04/', 'yard/2026/03/03/', 'yard/2026/03/02/', 'yard/2026/03/01/']);
    listed = [];
    await idsOf(3);
    expect(listed).toEqual([]);
  });

  it('begins at the day of the cursor', async () => {
    const ids: string[] = [];
    for (let day = 0; day < 20; day += 1) {
      ids.push(await storeEvent(store, { camera: 'yard', startUs: START_US - day * DAY_US }));
    }
    const { events } = await index.page({ limit: 2, before: ids[9] });
    expect(events.map(({ id }) => id)).toEqual([ids[10], ids[11]]);
    expect(listed).not.toContain('yard/2026/03/04/');
  });

  it('looks at the newest day again after a few seconds, at older ones after a minute', async () => {
    const first = await storeEvent(store, { camera: 'yard', startUs: START_US });
    const old = await storeEvent(store, { camera: 'yard', startUs: START_US - 3 * DAY_US });
    expect(await idsOf(9)).toEqual([first, old]);
    const second = await storeEvent(store, { camera: 'yard', startUs: START_US + 1 });
    const late = await storeEvent(store, { camera: 'yard', startUs: START_US - 3 * DAY_US + 1 });
    expect(await idsOf(9)).toEqual([first, old]);
    nowUs += 4_000_000;
    expect(await idsOf(9)).toEqual([second, first, old]);
    nowUs += 60_000_000;
    // Whoever asks then need not wait for it.
    expect(await idsOf(9)).toEqual([second, first, old]);
    await vi.waitFor(async () => expect(await idsOf(9)).toEqual([second, first, late, old]), WAIT);
  });

  it('does not list again while it hears of what is stored, but shows it at once', async () => {
    hears = true;
    const first = await storeEvent(store, { camera: 'yard', startUs: START_US });
    expect(await idsOf(9)).toEqual([first]);
    listed = [];
    nowUs += 20_000_000;
    expect(await idsOf(9)).toEqual([first]);
    expect(listed).toEqual([]);
    const other = await storeEvent(store, { camera: 'new', startUs: START_US - 40 * DAY_US });
    index.noteStored(other);
    expect(await idsOf(9)).toEqual([first, other]);
  });

  it('tells the newest event it looked at, whatever its label', async () => {
    const newest = await storeEvent(store, { camera: 'yard', startUs: START_US + 1, labels: ['car'] });
    await storeEvent(store, { camera: 'yard', startUs: START_US, labels: ['person'] });
    const page = await index.page({ limit: 9, labels: ['person'] });
    expect(page.newest).toBe(newest);
    expect(page.events).toHaveLength(1);
  });

  it('shows a removed event no longer than a listing is remembered, and asks for none of what is left', async () => {
    const removed = await storeEvent(store, { camera: 'yard', startUs: START_US });
    const other = await storeEvent(store, { camera: 'yard', startUs: START_US - 1 });
    expect(await idsOf(9)).toEqual([removed, other]);
    await store.put(eventKey(removed, 'removed.json'), Buffer.from('{}'), {
      contentType: 'application/json',
    });
    await store.delete(eventKey(removed, 'event.json'));
    nowUs += 4_000_000;
    expect(await idsOf(9)).toEqual([other]);
    index = new EventIndex({ store, clock, log: createLogger('test'), hearsStored: () => hears });
    const asked: string[] = [];
    const get = store.get.bind(store);
    store.get = (key: string) => {
      asked.push(key);
      return get(key);
    };
    expect(await idsOf(9)).toEqual([other]);
    expect(asked).toEqual([eventKey(other, 'event.json')]);
  });

  it('filters by several labels, zone, score, time, and by what is kept', async () => {
    const ids: string[] = [];
    const store10 = async (
      offset: number,
      fixture: Partial<Parameters<typeof storeEvent>[1]>,
    ): Promise<void> => {
      ids.push(await storeEvent(store, { camera: 'yard', startUs: START_US - offset * DAY_US, ...fixture }));
    };
    await store10(0, { labels: ['person', 'dog'], score: 0.9, told: { zones: ['porch'] } });
    await store10(1, { labels: ['car'], score: 0.5, told: { zones: ['street', 'porch'] } });
    await store10(2, { labels: ['cat'], score: 0.7, camera: 'hall' });
    await store10(3, { labels: ['car'], score: 0.95 });
    const found = async (query: Partial<EventQuery>): Promise<number[]> =>
      (await index.page({ limit: 9, ...query })).events.map(({ id }) => ids.indexOf(id));
    for (const read of [false, true]) {
      if (read) await index.readAll();
      expect(await found({})).toEqual([0, 1, 2, 3]);
      expect(await found({ labels: ['dog', 'cat'] })).toEqual([0, 2]);
      expect(await found({ labels: ['car'], camera: 'hall' })).toEqual([]);
      expect(await found({ zone: 'porch' })).toEqual([0, 1]);
      expect(await found({ minScore: 0.9 })).toEqual([0, 3]);
      expect(await found({ fromUs: START_US - 2 * DAY_US, toUs: START_US })).toEqual([1, 2]);
      expect(await found({ zone: 'porch', minScore: 0.6, labels: ['person', 'car'] })).toEqual([0]);
      expect(await found({ kept: true })).toEqual([]);
      expect(await found({ kept: false, labels: ['car'] })).toEqual([1, 3]);
    }
    await keepEvent(store, ids[3] ?? '', { atUs: nowUs });
    index.noteStored(ids[3] ?? '');
    expect(await found({ kept: true })).toEqual([3]);
    expect((await index.page({ limit: 9 })).events.map(({ kept }) => kept)).toEqual([
      false,
      false,
      false,
      true,
    ]);
  });

  it('finds a rare label over pages that each cost little, and in one once all was read', async () => {
    const rare = new Set([3, 450, 499]);
    await Promise.all(
      Array.from({ length: 500 }, async (_, number) => {
        const labels = [rare.has(number) ? 'deer' : 'person'];
        await storeEvent(store, { camera: 'yard', startUs: START_US - number * 1_000_000, labels });
      }),
    );
    let read = 0;
    const get = store.get.bind(store);
    store.get = (key: string) => {
      read += 1;
      return get(key);
    };
    const starts: number[] = [];
    let before: string | undefined;
    const costs: number[] = [];
    do {
      read = 0;
      const page = await index.page({ limit: 5, labels: ['deer'], before });
      costs.push(read);
      starts.push(...page.events.map(({ startUs }) => (START_US - startUs) / 1_000_000));
      before = page.before;
    } while (before !== undefined);
    expect(starts).toEqual([...rare]);
    expect(costs.length).toBeGreaterThan(1);
    expect(Math.max(...costs)).toBeLessThan(420);
    read = 0;
    const page = await index.page({ limit: 5, labels: ['deer'] });
    expect(page.events).toHaveLength(3);
    expect(page.before).toBeUndefined();
    expect(read).toBe(0);
  });

  it('gives pages that join without a gap or a repetition while events are added', async () => {
    hears = true;
    const expected: string[] = [];
    for (let number = 0; number < 20; number += 1) {
      const camera = number % 2 === 0 ? 'yard' : 'gate';
      // Pairs that began at the very same time.
      const startUs = START_US - Math.floor(number / 2) * DAY_US;
      expected.push(await storeEvent(store, { camera, startUs }));
    }
    const shown: string[] = [];
    let before: string | undefined;
    do {
      const page = await index.page({ limit: 3, before });
      shown.push(...page.events.map(({ id }) => id));
      before = page.before;
      index.noteStored(await storeEvent(store, { camera: 'yard', startUs: START_US + shown.length }));
    } while (before !== undefined);
    expect(shown).toEqual(expected);
  });

  it('reads everything ahead from the bucket alone, and then no more than what it shows', async () => {
    for (let day = 0; day < 40; day += 1) {
      await storeEvent(store, { camera: 'yard', startUs: START_US - day * DAY_US, labels: [`label-${day}`] });
    }
    await index.readAll();
    expect(index.listed).toBe(40);
    expect(index.labels()).toHaveLength(40);
    listed = [];
    let read = 0;
    const get = store.get.bind(store);
    store.get = (key: string) => {
      read += 1;
      return get(key);
    };
    const page = await index.page({ limit: 24, labels: ['label-39', 'label-2'] });
    expect(page.events.map(({ labels }) => labels)).toEqual([['label-2'], ['label-39']]);
    expect([listed, read]).toEqual([[], 0]);
  });

  it('ignores what else lies in the store', async () => {
    const id = await storeEvent(store, { camera: 'yard', startUs: START_US });
    const options = { contentType: 'text/plain' };
    for (const key of [
      'README.txt',
      'Upper/2026/03/04/x/event.json',
      'yard/notes/x/event.json',
      'yard/2026/03/04/something/event.json',
      `yard/2026/03/05/${id}/event.json`,
      'yard/2026/03/04/gate-20260304t120000-000000/event.json',
      'yard/2026/123/04/x/event.json',
    ]) {
      await store.put(key, Buffer.from('{}'), options);
    }
    expect(await idsOf(9)).toEqual([id]);
  });
});

describe('remembered listings', () => {
  it('are shared by callers at the same time, and dropped the longest unused first when there are too many', async () => {
    const names = new Map([
      ['a/', 40],
      ['b/', 40],
      ['c/', 40],
    ]);
    const asked: string[] = [];
    const source: Pick<ObjectStore, 'list'> = {
      async *list(prefix) {
        asked.push(prefix);
        await Promise.resolve();
        for (let index = 0; index < (names.get(prefix) ?? 0); index += 1)
          yield { prefix: `${prefix}${index}/` };
      },
    };
    const listing = new StoreListing(source, clock, 100);
    const [one, two] = await Promise.all([listing.children('a/', 1000), listing.children('a/', 1000)]);
    expect(one).toHaveLength(40);
    expect(two).toEqual(one);
    await listing.children('b/', 1000);
    await listing.children('a/', 1000);
    await listing.children('c/', 1000);
    expect(asked).toEqual(['a/', 'b/', 'c/']);
    await listing.children('a/', 1000);
    expect(asked).toEqual(['a/', 'b/', 'c/']);
    await listing.children('b/', 1000);
    expect(asked).toEqual(['a/', 'b/', 'c/', 'b/']);
  });

  it('are not remembered when they fail', async () => {
    let fail = true;
    const source: Pick<ObjectStore, 'list'> = {
      async *list(prefix) {
        await Promise.resolve();
        if (fail) throw new Error('no route');
        yield { prefix: `${prefix}x/` };
      },
    };
    const listing = new StoreListing(source, clock);
    await expect(listing.children('', 1000)).rejects.toThrow('no route');
    fail = false;
    expect(await listing.children('', 1000)).toEqual(['x']);
  });
});
