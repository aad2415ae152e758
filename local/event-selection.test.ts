import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDirectoryStore } from '@faascam/core/directory-store';
import { storeEvent } from '@faascam/core/event-fixture';
import { keepEvent } from '@faascam/core/event-keeping';
import { eventIdOf, eventKey } from '@faascam/core/ids';
import type { ObjectStore } from '@faascam/core/store';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { choosesEvents, selectEvents, selectionOf, type SelectionOptions } from './event-selection.ts';

const HOUR_US = 3_600_000_000;
const NOON_US = Date.UTC(2026, 2, 4, 12) * 1000;

let folder: string;
let store: ObjectStore;
/** Events of the hours from noon on, and one that cannot be read. */
let [a, b, c, d] = ['', '', '', ''];
const broken = eventIdOf('yard', NOON_US + 4 * HOUR_US);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'faascam-selection-'));
  store = await openDirectoryStore(folder);
  const gaps = [{ fromUs: NOON_US, toUs: NOON_US + 1, cause: 'evicted' as const }];
  const at = (hour: number) => ({ camera: 'yard', startUs: NOON_US + hour * HOUR_US });
  a = await storeEvent(store, { ...at(0), labels: ['person'], score: 0.9 });
  b = await storeEvent(store, { ...at(1), labels: ['car'], score: 0.7, told: { zones: ['drive'] } });
  c = await storeEvent(store, { ...at(2), camera: 'gate', labels: ['cat', 'dog'], score: 0.5 });
  d = await storeEvent(store, { ...at(3), labels: ['bus'], score: 0.4, gaps });
  await keepEvent(store, c, { atUs: NOON_US });
  await store.put(eventKey(broken, 'event.json'), Buffer.from('{'), { contentType: 'application/json' });
});
afterAll(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

async function chosen(options: SelectionOptions, told: string[] = []): Promise<string[]> {
  const ids: string[] = [];
  const selection = selectionOf(options, NOON_US + 5 * HOUR_US);
  for await (const { stored } of selectEvents(store, selection, (sentence) => told.push(sentence))) {
    ids.push(stored.id);
  }
  return ids;
}

describe('choosing events', () => {
  it('goes by camera, label, zone, score, time, completeness and protection, in either order', async () => {
    expect(await chosen({})).toEqual([d, c, b, a]);
    expect(await chosen({ oldestFirst: true, limit: 2 })).toEqual([a, b]);
    expect(await chosen({ camera: ['gate', 'yard'], limit: 2 })).toEqual([d, c]);
    expect(await chosen({ camera: ['gate'] })).toEqual([c]);
    expect(await chosen({ label: ['dog', 'person'] })).toEqual([c, a]);
    expect(await chosen({ label: ['dog', 'person'], limit: 1 })).toEqual([c]);
    expect(await chosen({ zone: ['drive'] })).toEqual([b]);
    expect(await chosen({ minScore: 0.7 })).toEqual([b, a]);
    expect(await chosen({ from: '2026-03-04T12:30Z', to: '2026-03-04T15:00+01:00' })).toEqual([b]);
    expect(await chosen({ from: '3.5h' })).toEqual([d, c]);
    expect(await chosen({ incomplete: true })).toEqual([d]);
    expect(await chosen({ kept: true })).toEqual([c]);
    expect(await chosen({ label: ['unicorn'] })).toEqual([]);
  });

  it('passes over a receipt that cannot be read, and says so', async () => {
    const told: string[] = [];
    await chosen({}, told);
    expect(told).toEqual([`${eventKey(broken, 'event.json')} in the store is not JSON.`]);
  });

  it.each<[SelectionOptions, RegExp]>([
    [{ camera: ['../etc'] }, /is no camera's id/],
    [{ from: 'noon' }, /"noon" is no time: give one like/],
    [{ from: '2026-03-05', to: '2026-03-04' }, /exchange --from and --to/],
  ])('refuses %j in one sentence', (options, sentence) => {
    expect(() => selectionOf(options)).toThrow(sentence);
  });

  it('is not done by the order alone', () => {
    expect(choosesEvents({ oldestFirst: true })).toBe(false);
    expect(choosesEvents({ limit: 1 })).toBe(true);
  });
});
