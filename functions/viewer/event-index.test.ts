import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '@faascam/core/clock';
import { eventKey } from '@faascam/core/ids';
import { createLogger } from '@faascam/core/log';
import { openStore, type ListOptions, type ObjectStore } from '@faascam/core/store';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EventIndex } from './event-index.ts';
import { storeEvent } from './fixture.ts';
import { StoreListing } from './store-listing.ts';

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
    expect(await idsOf(9)).toEqual([second, first, late, old]);
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
    const page = await index.page({ limit: 9, label: 'person' });
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
