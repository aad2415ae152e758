import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ListOptions, ObjectStore } from './store.ts';

const text = { contentType: 'text/plain' };

/** What every store promises, as tests: each implementation runs the same ones. Every test has keys of its own. */
export function storeContract(
  name: string,
  openStores: () => Promise<{ first: ObjectStore; second: ObjectStore }>,
) {
  describe(`${name} keeps the contract of a store`, () => {
    let store: ObjectStore;
    /** The same place, opened once more, as another process has it. */
    let other: ObjectStore;
    let folder: string;

    beforeAll(async () => {
      const opened = await openStores();
      store = opened.first;
      other = opened.second;
      folder = await mkdtemp(join(tmpdir(), 'faascam-contract-'));
    });
    afterAll(async () => {
      await store.close();
      await other.close();
      await rm(folder, { recursive: true });
    });

    test('an object comes back as it was put: bytes, content type and metadata', async () => {
      const metadata = {
        'event-id': 'yard-20260102t030405-000006',
        labels: 'person, dog',
        sha256: 'ab'.repeat(32),
      };
      const before = Date.now();
      expect(
        await store.put('whole/clip.mp4', Buffer.from('moving'), { contentType: 'video/mp4', metadata }),
      ).toBe('created');
      const found = await other.get('whole/clip.mp4');
      expect(found && (await textOf(found.stream))).toBe('moving');
      expect(found?.object).toMatchObject({
        key: 'whole/clip.mp4',
        sizeBytes: 6,
        contentType: 'video/mp4',
        metadata,
      });
      expect(found?.object.etag).toMatch(/^[^"]+$/);
      // S3 tells whole seconds, and two machines' clocks differ.
      expect(Math.abs((found?.object.modifiedMs ?? 0) - before)).toBeLessThan(60_000);
      expect(await other.head('whole/clip.mp4')).toEqual(found?.object);
    });

    test('an empty object is an object', async () => {
      await store.put('empty', Buffer.alloc(0), text);
      expect(await store.head('empty')).toMatchObject({ sizeBytes: 0 });
      const found = await store.get('empty');
      expect(found && (await textOf(found.stream))).toBe('');
    });

    test('a missing object is undefined to head and get, and deleting it is no error', async () => {
      expect(await store.head('missing/object')).toBeUndefined();
      expect(await store.get('missing/object')).toBeUndefined();
      expect(await store.get('missing/object', { start: 0, end: 9 })).toBeUndefined();
      await store.delete('missing/object');
    });

    test('a put without a condition replaces the object with its metadata', async () => {
      await store.put('replaced', Buffer.from('old'), { ...text, metadata: { version: 'one' } });
      const old = await store.head('replaced');
      expect(
        await other.put('replaced', Buffer.from('newer'), { ...text, metadata: { version: 'two' } }),
      ).toBe('created');
      const found = await store.get('replaced');
      expect(found && (await textOf(found.stream))).toBe('newer');
      expect(found?.object.metadata).toEqual({ version: 'two' });
      expect(found?.object.etag).not.toBe(old?.etag);
    });

    test('a conditional put leaves what is there and says so', async () => {
      expect(await store.put('once', Buffer.from('first'), { ...text, ifAbsent: true })).toBe('created');
      expect(
        await other.put('once', Buffer.from('second'), {
          ...text,
          ifAbsent: true,
          metadata: { late: 'yes' },
        }),
      ).toBe('exists');
      const found = await store.get('once');
      expect(found && (await textOf(found.stream))).toBe('first');
      expect(found?.object.metadata).toEqual({});
    });

    test('of many conditional puts at the same time one wins, and its object stays', async () => {
      const rivals = Array.from({ length: 12 }, (_, index) => `rival-${index}`);
      const outcomes = await Promise.all(
        rivals.map((rival, index) =>
          (index % 2 === 0 ? store : other).put('race/event.json', Buffer.from(rival), {
            contentType: 'application/json',
            metadata: { rival },
            ifAbsent: true,
          }),
        ),
      );
      const winners = rivals.filter((_, index) => outcomes[index] === 'created');
      expect(winners).toHaveLength(1);
      const found = await store.get('race/event.json');
      expect(found && (await textOf(found.stream))).toBe(winners[0]);
      expect(found?.object.metadata).toEqual({ rival: winners[0] });
    });

    test('a range gives exactly its bytes, and the size of the whole', async () => {
      const bytes = randomBytes(100_000);
      await store.put('ranged', bytes, text);
      for (const [start, end, last] of [
        [0, 0, 0],
        [0, 99_999, 99_999],
        [1, 65_536, 65_536],
        [99_990, 200_000, 99_999],
      ] as const) {
        const found = await store.get('ranged', { start, end });
        expect(found?.object.sizeBytes).toBe(100_000);
        expect(found && (await buffer(found.stream)).equals(bytes.subarray(start, last + 1))).toBe(true);
      }
      await expect(store.get('ranged', { start: 100_000, end: 100_001 })).rejects.toThrow(RangeError);
      await expect(store.get('ranged', { start: 5, end: 4 })).rejects.toThrow(RangeError);
    });

    test('a reader that turns away early does no harm', async () => {
      await store.put('left', randomBytes(3_000_000), text);
      const found = await store.get('left');
      found?.stream.destroy();
      const again = await store.get('left');
      expect(again && (await buffer(again.stream)).length).toBe(3_000_000);
    });

    test('a file of many megabytes is stored as it is, also conditionally', async () => {
      const bytes = randomBytes(70 * 1024 * 1024);
      const file = join(folder, 'large');
      await writeFile(file, bytes);
      expect(await store.put('large/clip.mp4', { file }, { contentType: 'video/mp4', ifAbsent: true })).toBe(
        'created',
      );
      expect(await other.put('large/clip.mp4', { file }, { contentType: 'video/mp4', ifAbsent: true })).toBe(
        'exists',
      );
      expect(await store.put('large/clip.mp4', { file }, { contentType: 'video/mp4' })).toBe('created');
      const found = await other.get('large/clip.mp4');
      expect(found && (await buffer(found.stream)).equals(bytes)).toBe(true);
    });

    test('a list is in order of keys, and a prefix need not end at a slash', async () => {
      const keys = [
        'order/a-b/1',
        'order/a/1',
        'order/a/2',
        'order/a/b/c',
        'order/a0',
        'order/B',
        'order/a.x',
        'order-other/1',
      ];
      await putAll(store, keys);
      const sorted = [
        'order/B',
        'order/a-b/1',
        'order/a.x',
        'order/a/1',
        'order/a/2',
        'order/a/b/c',
        'order/a0',
      ];
      expect(await names(other, 'order/')).toEqual(sorted);
      expect(await names(other, 'ord')).toEqual(['order-other/1', ...sorted]);
      expect(await names(other, 'order/a/')).toEqual(['order/a/1', 'order/a/2', 'order/a/b/c']);
      expect(await names(other, 'order/a/b/')).toEqual(['order/a/b/c']);
      expect(await names(other, 'order/a0')).toEqual(['order/a0']);
      expect(await names(other, 'none/')).toEqual([]);
      expect(await names(other, 'order/a/1/')).toEqual([]);
      const sizes: number[] = [];
      for await (const entry of store.list('order-other/')) if ('key' in entry) sizes.push(entry.sizeBytes);
      expect(sizes).toEqual(['order-other/1'.length]);
    });

    test('a list begins after the key it is told', async () => {
      const keys = ['s/a/1', 's/a/2', 's/b/1', 's/c'];
      await putAll(store, keys);
      expect(await names(store, 's/', { startAfter: 's/a/1' })).toEqual(['s/a/2', 's/b/1', 's/c']);
      expect(await names(store, 's/', { startAfter: 's/a/~' })).toEqual(['s/b/1', 's/c']);
      expect(await names(store, 's/', { startAfter: 's/c' })).toEqual([]);
      expect(await names(store, 's/', { startAfter: 'a' })).toEqual(keys);
    });

    test('a list with a delimiter names each group once, among the keys', async () => {
      await putAll(store, [
        'g/2026/01/x',
        'g/2026/02/y',
        'g/2026-note',
        'g/2026/02/z',
        'g/2027/01/x',
        'g/readme',
      ]);
      const options = { delimiter: '/' } as const;
      expect(await names(store, 'g/', options)).toEqual(['g/2026-note', 'g/2026/', 'g/2027/', 'g/readme']);
      expect(await names(store, 'g/2026/', options)).toEqual(['g/2026/01/', 'g/2026/02/']);
      expect(await names(store, 'g/2026', options)).toEqual(['g/2026-note', 'g/2026/']);
      expect(await names(store, 'g/', { ...options, startAfter: 'g/2026/' })).toEqual([
        'g/2027/',
        'g/readme',
      ]);
      expect(await names(store, 'g/', { ...options, startAfter: 'g/2026/01/x' })).toEqual([
        'g/2027/',
        'g/readme',
      ]);
    });

    test('a list is complete beyond a thousand keys, and shows neither deleted nor half-written objects', async () => {
      const keys = Array.from(
        { length: 1203 },
        (_, index) => `many/${String(index).padStart(4, '0')}/event.json`,
      );
      await putAll(store, keys);
      const doomed = keys.filter((_, index) => index % 400 === 0);
      for (const key of doomed) await store.delete(key);
      const left = keys.filter((key) => !doomed.includes(key));
      expect(await names(other, 'many/')).toEqual(left);
      const groups = left.map((key) => key.slice(0, -'event.json'.length));
      expect(await names(other, 'many/', { delimiter: '/' })).toEqual(groups);
    });

    test('a deleted object is gone, and its key is free for a conditional put', async () => {
      await store.put('d/e/f', Buffer.from('one'), { ...text, metadata: { old: 'yes' } });
      await other.delete('d/e/f');
      expect(await store.head('d/e/f')).toBeUndefined();
      expect(await names(store, 'd', { delimiter: '/' })).toEqual([]);
      expect(await store.put('d/e/f', Buffer.from('two'), { ...text, ifAbsent: true })).toBe('created');
      expect((await store.head('d/e/f'))?.metadata).toEqual({});
    });

    test('tags come back as they were given, with the object or later, and change nothing else', async () => {
      const tags = { label: 'person and dog', camera: 'yard', number: '007', empty: '' };
      await store.put('tags/clip.mp4', Buffer.from('moving'), {
        ...{ contentType: 'video/mp4', metadata: { sha256: 'ab' }, tags },
      });
      expect(await other.getTags('tags/clip.mp4')).toEqual(tags);
      const before = await other.head('tags/clip.mp4');
      expect(await other.setTags('tags/clip.mp4', { keep: 'yes' })).toBe(true);
      expect(await store.getTags('tags/clip.mp4')).toEqual({ keep: 'yes' });
      const after = await store.get('tags/clip.mp4');
      // Ceph counts it as a change of the object.
      expect(after?.object).toEqual({ ...before, modifiedMs: after?.object.modifiedMs });
      expect(after && (await textOf(after.stream))).toBe('moving');
      expect(await store.setTags('tags/clip.mp4', {})).toBe(true);
      expect(await other.getTags('tags/clip.mp4')).toEqual({});
      expect(await names(store, 'tags/')).toEqual(['tags/clip.mp4']);
    });

    test('an object that is put again has the tags of the new one only', async () => {
      await store.put('tags/again', Buffer.from('one'), { ...text, tags: { keep: 'yes' } });
      await store.put('tags/again', Buffer.from('two'), text);
      expect(await other.getTags('tags/again')).toEqual({});
    });

    test('an object that is not there has no tags, and cannot be given any', async () => {
      expect(await store.getTags('tags/missing')).toBeUndefined();
      expect(await store.setTags('tags/missing', { keep: 'yes' })).toBe(false);
      expect(await store.setTags('tags/missing', {})).toBe(false);
      expect(await store.head('tags/missing')).toBeUndefined();
    });

    test('a put whose signal has fired stores nothing and throws the reason', async () => {
      const reason = new Error('closing');
      const signal = AbortSignal.abort(reason);
      await expect(store.put('given-up', Buffer.from('x'), { ...text, signal })).rejects.toBe(reason);
      expect(await store.head('given-up')).toBeUndefined();
    });

    test('tags that a store could not keep are refused', async () => {
      const many = Object.fromEntries(Array.from({ length: 11 }, (_, index) => [`tag${index}`, 'x']));
      for (const tags of [many, { 'a&b': 'x' }, { a: 'zwölf' }, { '': 'x' }, { a: 'x'.repeat(257) }]) {
        await expect(store.put('tags/bad', Buffer.from('x'), { ...text, tags })).rejects.toThrow(RangeError);
        await expect(store.setTags('tags/bad', tags)).rejects.toThrow(RangeError);
      }
    });

    test('keys and metadata that a store could not keep are refused', async () => {
      for (const key of [
        '',
        '/a',
        'a/',
        'a//b',
        '../a',
        'a/../b',
        '.hidden',
        'a/.b',
        'a\\b',
        'a\0b',
        'ü',
        'a b',
      ]) {
        await expect(store.put(key, Buffer.from('x'), text), key).rejects.toThrow(RangeError);
        await expect(store.get(key), key).rejects.toThrow(RangeError);
        await expect(store.delete(key), key).rejects.toThrow(RangeError);
      }
      await expect(names(store, '../')).rejects.toThrow(RangeError);
      for (const value of ['zwölf', 'two\nlines', ' padded', '']) {
        const metadata = { note: value };
        await expect(store.put('metadata', Buffer.from('x'), { ...text, metadata })).rejects.toThrow(
          RangeError,
        );
      }
    });

    test('its check passes and leaves nothing behind', async () => {
      await store.check();
      expect(await names(store, 'faascam-check')).toEqual([]);
    });

    test('tidying up leaves what is stored', async () => {
      await store.put('tidy/kept', Buffer.from('x'), text);
      await store.tidy();
      expect(await names(store, 'tidy/')).toEqual(['tidy/kept']);
    });
  });
}

async function putAll(store: ObjectStore, keys: string[]): Promise<void> {
  for (let start = 0; start < keys.length; start += 16) {
    const batch = keys.slice(start, start + 16);
    await Promise.all(batch.map((key) => store.put(key, Buffer.from(key), text)));
  }
}

/** Keys and prefixes of a list. */
export async function names(store: ObjectStore, prefix: string, options?: ListOptions): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of store.list(prefix, options))
    found.push('key' in entry ? entry.key : entry.prefix);
  return found;
}

async function textOf(stream: Readable): Promise<string> {
  return (await buffer(stream)).toString();
}
