import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDirectoryStore } from '@faascam/core/directory-store';
import type { ByteRange, ObjectStore } from '@faascam/core/store';
import { fetchObject, type Wanted } from './fetch-object.ts';

const body = randomBytes(300_000);
const wanted: Wanted = {
  key: 'yard/clip.mp4',
  sha256: createHash('sha256').update(body).digest('hex'),
  sizeBytes: body.length,
};

let folder: string;
let store: ObjectStore;
let asked: (ByteRange | undefined)[];
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'faascam-fetch-'));
  store = await openDirectoryStore(join(folder, 'store'));
  await store.put(wanted.key, body, { contentType: 'video/mp4' });
  asked = [];
  const get = store.get.bind(store);
  store.get = (key, range) => {
    asked.push(range);
    return get(key, range);
  };
  path = join(folder, 'clip.mp4');
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

const { signal } = new AbortController();
const files = async (): Promise<string[]> =>
  (await readdir(folder)).filter((name) => name !== 'store').sort();

describe('fetching an object to a file', () => {
  it('brings it whole, and leaves a file alone that is right already', async () => {
    await fetchObject(store, wanted, path, signal);
    expect((await readFile(path)).equals(body)).toBe(true);
    await fetchObject(store, wanted, path, signal);
    expect(asked).toEqual([undefined]);
    expect(await files()).toEqual(['clip.mp4']);
  });

  it('goes on where it broke off', async () => {
    await writeFile(`${path}.part`, body.subarray(0, 100_000));
    await fetchObject(store, wanted, path, signal);
    expect(asked).toEqual([{ start: 100_000, end: body.length - 1 }]);
    expect((await readFile(path)).equals(body)).toBe(true);
    expect(await files()).toEqual(['clip.mp4']);
  });

  it.each([
    ['of something else', 1000],
    ['that is too long', 400_000],
    ['as long as it should be', body.length],
  ])('begins anew after a part %s', async (_, sizeBytes) => {
    await writeFile(`${path}.part`, Buffer.alloc(sizeBytes));
    await fetchObject(store, wanted, path, signal);
    expect((await readFile(path)).equals(body)).toBe(true);
  });

  it('replaces a file that is wrong, but only with one that is right', async () => {
    await writeFile(path, 'old');
    const other = { ...wanted, sha256: 'ab'.repeat(32) };
    await expect(fetchObject(store, other, path, signal)).rejects.toMatchObject({ code: 'clip-damaged' });
    expect(await readFile(path, 'utf8')).toBe('old');
    expect(await files()).toEqual(['clip.mp4']);
    await fetchObject(store, wanted, path, signal);
    expect((await readFile(path)).equals(body)).toBe(true);
  });

  it('by several at the same time gives the same', async () => {
    // The one that comes last may find nothing more to put in place; then it says so.
    const outcomes = await Promise.allSettled([1, 2, 3].map(() => fetchObject(store, wanted, path, signal)));
    expect(outcomes.map(({ status }) => status)).toContain('fulfilled');
    expect((await readFile(path)).equals(body)).toBe(true);
  });

  it('says what is missing, and where it cannot be written', async () => {
    await expect(fetchObject(store, { ...wanted, key: 'gone.mp4' }, path, signal)).rejects.toMatchObject({
      code: 'clip-missing',
    });
    await expect(fetchObject(store, wanted, join(folder, 'no/clip.mp4'), signal)).rejects.toMatchObject({
      code: 'clip-not-written',
    });
  });
});
