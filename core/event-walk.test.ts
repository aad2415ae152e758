import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDirectoryStore } from './directory-store.ts';
import { sizeOf, storedEvent, storedEvents, type EventRange } from './event-walk.ts';
import { eventIdOf, eventKey } from './ids.ts';
import type { ObjectStore } from './store.ts';

const DAY_US = 86_400_000_000;
const START_US = Date.UTC(2026, 0, 1, 12) * 1000;
const json = { contentType: 'application/json' };

let directory: string;
let store: ObjectStore;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-walk-'));
  store = await openDirectoryStore(directory);
});
afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true });
});

async function put(camera: string, startUs: number): Promise<string> {
  const id = eventIdOf(camera, startUs);
  await store.put(eventKey(id, 'clip.mp4'), Buffer.alloc(100), json);
  await store.put(eventKey(id, 'event.json'), Buffer.from('{}'), json);
  return id;
}

async function walked(range: EventRange): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of storedEvents(store, range)) ids.push(id);
  return ids;
}

describe('a walk over the store', () => {
  it('gives the events of all cameras in order, over years, months and days', async () => {
    const offsets = [-400, -31, -1, 0, 1, 40];
    const ids: string[] = [];
    for (const days of offsets) {
      ids.push(await put('zebra', START_US + days * DAY_US));
      ids.push(await put('ant', START_US + days * DAY_US + 1));
    }
    expect(await walked({ order: 'oldest' })).toEqual(ids);
    expect(await walked({ order: 'newest' })).toEqual(ids.toReversed());
    expect(await walked({ order: 'oldest', cameras: ['ant'] })).toEqual(
      ids.filter((id) => id.startsWith('ant')),
    );
  });

  it('gives what began from one time on and before another, to the microsecond', async () => {
    const ids = [];
    for (let index = 0; index < 4; index += 1) ids.push(await put('yard', START_US + index));
    await put('yard', START_US - DAY_US);
    await put('yard', START_US + DAY_US);
    const range = { fromUs: START_US + 1, toUs: START_US + 3 };
    expect(await walked({ order: 'oldest', ...range })).toEqual([ids[1], ids[2]]);
  });

  it('lists no day outside the times that are asked for', async () => {
    for (let day = 0; day < 5; day += 1) await put('yard', START_US + day * DAY_US);
    const listed: string[] = [];
    const watched: Pick<ObjectStore, 'list'> = {
      list: (prefix, options) => {
        listed.push(prefix);
        return store.list(prefix, options);
      },
    };
    const range = { fromUs: START_US + DAY_US, toUs: START_US + DAY_US + 1 };
    for await (const event of storedEvents(watched, { order: 'newest', ...range }))
      expect(event).toBeDefined();
    expect(listed.filter((prefix) => prefix.split('/').length === 5)).toEqual(['yard/2026/01/02/']);
  });

  it('tells what lies under an event’s id, with sizes, and of one that is not there nothing', async () => {
    const id = await put('yard', START_US);
    const event = await storedEvent(store, id);
    expect(event).toMatchObject({ id, camera: 'yard', startUs: START_US });
    expect([...event.objects]).toEqual([
      ['clip.mp4', 100],
      ['event.json', 2],
    ]);
    expect(sizeOf(event)).toBe(102);
    expect((await storedEvent(store, eventIdOf('yard', START_US + 1))).objects.size).toBe(0);
  });
});
