import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { removedEvent } from './attestation.ts';
import { openDirectoryStore } from './directory-store.ts';
import { keepEvent, letGoEvent } from './event-keeping.ts';
import { removalStateOf, removeEvent, type Removal } from './event-removal.ts';
import { storedEvent } from './event-walk.ts';
import { eventIdOf, eventKey, type EventObject } from './ids.ts';
import { readObject } from './read-object.ts';
import type { ObjectStore } from './store.ts';

const START_US = Date.UTC(2026, 0, 1, 12) * 1000;
const AT_US = START_US + 1_000_000;
const ID = eventIdOf('yard', START_US);
const NAMES: EventObject[] = ['clip.mp4', 'clip-2.mp4', 'snapshot.jpg', 'event.json'];
const byHand: Removal = { atUs: AT_US, reason: 'by-hand', by: 'anna' };
const options = { contentType: 'application/octet-stream' };

let directory: string;
let store: ObjectStore;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-removal-'));
  store = await openDirectoryStore(directory);
  for (const name of NAMES) await store.put(eventKey(ID, name), Buffer.alloc(10), options);
});
afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true });
});

const left = async (): Promise<string[]> => [...(await storedEvent(store, ID)).objects.keys()];

/** The store as a process sees it that is killed at its nth change. */
function dyingAt(changes: number): ObjectStore {
  let left = changes;
  const spend = (): void => {
    left -= 1;
    if (left < 0) throw new Error('killed');
  };
  return new Proxy(store, {
    get: (target, property) => {
      if (property === 'put' || property === 'delete') spend();
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

describe('removing an event', () => {
  it('leaves its trace alone', async () => {
    expect(await removeEvent(store, ID, byHand)).toEqual({ outcome: 'removed', sizeBytes: 40 });
    expect(await left()).toEqual(['removed.json']);
    const bytes = await readObject(store, eventKey(ID, 'removed.json'), 10_000);
    expect(removedEvent.parse(JSON.parse(String(bytes)))).toEqual({
      v: 1,
      eventId: ID,
      camera: 'yard',
      removedAtUs: AT_US,
      reason: 'by-hand',
      by: 'anna',
    });
  });

  it('twice, or at the same time, is harmless, and the first trace stays', async () => {
    const outcomes = await Promise.all(
      [1, 2, 3, 4].map((n) => removeEvent(store, ID, { atUs: AT_US + n, reason: 'retention' })),
    );
    expect(outcomes.map(({ outcome }) => outcome)).toContain('removed');
    const trace = await readObject(store, eventKey(ID, 'removed.json'), 10_000);
    expect(await removeEvent(store, ID, byHand)).toEqual({ outcome: 'was-removed', sizeBytes: 0 });
    expect(await readObject(store, eventKey(ID, 'removed.json'), 10_000)).toEqual(trace);
    expect(await removeEvent(store, eventIdOf('yard', 1), byHand)).toMatchObject({ outcome: 'absent' });
  });

  it('never leaves a receipt without its clip and without a trace, wherever it is cut off, and is finished later', async () => {
    for (let changes = 0; changes < NAMES.length + 2; changes += 1) {
      for (const name of NAMES) await store.put(eventKey(ID, name), Buffer.alloc(10), options);
      await store.delete(eventKey(ID, 'removed.json'));
      await expect(removeEvent(dyingAt(changes), ID, byHand)).rejects.toThrow('killed');
      const names = await left();
      if (changes > 0) expect(names).toContain('removed.json');
      if (names.includes('event.json')) expect(names).toEqual(expect.arrayContaining(NAMES));
      await removeEvent(store, ID, byHand);
      expect(await left()).toEqual(['removed.json']);
    }
  });
});

describe('an event that is kept', () => {
  it('is not removed without force', async () => {
    expect(await keepEvent(store, ID, { atUs: AT_US })).toBe('kept');
    expect(await keepEvent(store, ID, { atUs: AT_US })).toBe('was-kept');
    expect(await removeEvent(store, ID, byHand)).toEqual({ outcome: 'kept', sizeBytes: 0 });
    expect(await left()).toHaveLength(NAMES.length + 1);
    expect(await removeEvent(store, ID, { ...byHand, force: true })).toMatchObject({ outcome: 'removed' });
    expect(await left()).toEqual(['removed.json']);
  });

  it('is removed after it was let go', async () => {
    await keepEvent(store, ID, { atUs: AT_US });
    expect(await letGoEvent(store, ID)).toBe('let-go');
    expect(await letGoEvent(store, ID)).toBe('was-not-kept');
    expect(await removeEvent(store, ID, byHand)).toMatchObject({ outcome: 'removed' });
  });

  it('stays when it is kept in the very moment in which its removal begins', async () => {
    const head = store.head.bind(store);
    store.head = async (key) => {
      await keepEvent(store, ID, { atUs: AT_US });
      return await head(key);
    };
    expect(await removeEvent(store, ID, byHand)).toMatchObject({ outcome: 'kept' });
    expect(await left()).toEqual(['clip-2.mp4', 'clip.mp4', 'event.json', 'keep.json', 'snapshot.jpg']);
  });

  it('takes back a removal that was cut off before anything had gone', async () => {
    await expect(removeEvent(dyingAt(1), ID, byHand)).rejects.toThrow('killed');
    expect(removalStateOf(await storedEvent(store, ID))).toBe('half-removed');
    expect(await keepEvent(store, ID, { atUs: AT_US })).toBe('kept');
    expect(removalStateOf(await storedEvent(store, ID))).toBe('kept');
  });

  it('cannot be one that is removed, half removed, or never was', async () => {
    await expect(removeEvent(dyingAt(2), ID, byHand)).rejects.toThrow('killed');
    await expect(keepEvent(store, ID, { atUs: AT_US })).rejects.toMatchObject({ code: 'event-removed' });
    await removeEvent(store, ID, byHand);
    await expect(keepEvent(store, ID, { atUs: AT_US })).rejects.toMatchObject({ code: 'event-removed' });
    expect(await left()).toEqual(['removed.json']);
    await expect(keepEvent(store, eventIdOf('yard', 1), { atUs: AT_US })).rejects.toMatchObject({
      code: 'no-event',
    });
  });
});
