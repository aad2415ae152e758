import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDirectoryStore } from './directory-store.ts';
import { directoryErrorOf } from './directory-errors.ts';
import { messageOf, StoreError } from './errors.ts';
import { storeSettings } from './store-settings.ts';
import { names, storeContract } from './store-contract.ts';
import { openStore, type ObjectStore } from './store.ts';

const run = promisify(execFile);
const text = { contentType: 'text/plain' };
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'faascam-directory-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

storeContract('the directory store', async () => {
  const path = await mkdtemp(join(folder, 'contract-'));
  return { first: await openDirectoryStore(path), second: await openDirectoryStore(path) };
});

test('without a path it is the folder clips in the data folder, made on opening', async () => {
  const store = await openStore(storeSettings.parse({ kind: 'directory' }), join(folder, 'data'));
  await store.put('yard/clip.mp4', Buffer.from('x'), { contentType: 'video/mp4' });
  expect(await readFile(join(folder, 'data', 'clips', 'yard', 'clip.mp4'), 'utf8')).toBe('x');
  expect(store.description).toContain(join('data', 'clips'));
});

test('a file that someone put there is an object with the type of its name', async () => {
  const path = join(folder, 'by-hand');
  await mkdir(join(path, 'yard'), { recursive: true });
  await writeFile(join(path, 'yard', 'snapshot.jpg'), 'x');
  const store = await openDirectoryStore(path);
  expect(await store.head('yard/snapshot.jpg')).toMatchObject({ contentType: 'image/jpeg', metadata: {} });
});

test('a copy of the folder, as from a backup, keeps types and metadata', async () => {
  const store = await openDirectoryStore(join(folder, 'original'));
  await store.put('yard/thing', Buffer.from('x'), { contentType: 'video/mp4', metadata: { event: 'one' } });
  await run('cp', ['-r', join(folder, 'original'), join(folder, 'copy')]);
  const copy = await openDirectoryStore(join(folder, 'copy'));
  expect(await copy.head('yard/thing')).toMatchObject({
    contentType: 'video/mp4',
    metadata: { event: 'one' },
  });
});

test('tags stay with a copy of the folder, also those that are given there', async () => {
  const original = await openDirectoryStore(join(folder, 'tagged'));
  await original.put('yard/thing', Buffer.from('x'), { contentType: 'video/mp4', tags: { keep: 'yes' } });
  await run('cp', ['-r', join(folder, 'tagged'), join(folder, 'tagged-copy')]);
  const copy = await openDirectoryStore(join(folder, 'tagged-copy'));
  expect(await copy.getTags('yard/thing')).toEqual({ keep: 'yes' });
  expect(await copy.setTags('yard/thing', { keep: 'no' })).toBe(true);
  await run('cp', ['-r', join(folder, 'tagged-copy'), join(folder, 'tagged-again')]);
  const again = await openDirectoryStore(join(folder, 'tagged-again'));
  expect(await again.getTags('yard/thing')).toEqual({ keep: 'no' });
  expect(await again.head('yard/thing')).toMatchObject({ contentType: 'video/mp4' });
});

test('a file that was put there by hand can be labelled, and deleting it leaves nothing over', async () => {
  const path = join(folder, 'labelled-by-hand');
  await mkdir(join(path, 'yard'), { recursive: true });
  await writeFile(join(path, 'yard', 'snapshot.jpg'), 'x');
  const store = await openDirectoryStore(path);
  expect(await store.setTags('yard/snapshot.jpg', { keep: 'yes' })).toBe(true);
  expect(await store.getTags('yard/snapshot.jpg')).toEqual({ keep: 'yes' });
  expect(await store.head('yard/snapshot.jpg')).toMatchObject({ contentType: 'image/jpeg' });
  await store.delete('yard/snapshot.jpg');
  expect(await readdir(path)).toEqual(['.incoming']);
  expect(await readdir(join(path, '.incoming'))).toEqual([]);
});

test('whatever is done to one object at the same time succeeds, and leaves nothing over', async () => {
  const path = join(folder, 'at-once');
  const stores = [await openDirectoryStore(path), await openDirectoryStore(path)];
  const key = 'yard/2026/snapshot.jpg';
  const actions: ((store: ObjectStore) => Promise<unknown>)[] = [
    (store) => store.setTags(key, { keep: 'yes' }),
    (store) => store.put(key, Buffer.from('y'), text),
    (store) => store.getTags(key),
    (store) => store.delete(key),
    (store) => store.put(key, Buffer.from('y'), { ...text, ifAbsent: true }),
  ];
  await Promise.all(
    stores.flatMap((store) =>
      actions.map(async (_, first) => {
        for (let n = 0; n < 100; n++) await actions[(first * n + n) % actions.length]?.(store);
      }),
    ),
  );
  await stores[0]?.delete(key);
  expect(await readdir(path)).toEqual(['.incoming']);
  expect(await readdir(join(path, '.incoming'))).toEqual([]);
});

test('what a crash left half-written is never an object, and is removed when it is old', async () => {
  const path = join(folder, 'crashed');
  await (await openDirectoryStore(path)).put('yard/a', Buffer.from('a'), text);
  await writeFile(join(path, '.incoming', 'old'), 'half');
  await utimes(join(path, '.incoming', 'old'), new Date(0), new Date(0));
  await writeFile(join(path, '.incoming', 'still-being-written'), 'half');
  const store = await openDirectoryStore(path);
  expect(await names(store, '')).toEqual(['yard/a']);
  expect(await readdir(join(path, '.incoming'))).toEqual(['still-being-written']);
});

test('after puts, replacements and deletes nothing is left over', async () => {
  const path = join(folder, 'tidy');
  const store = await openDirectoryStore(path);
  for (const content of ['one', 'two', 'three']) {
    await store.put('yard/2026/a', Buffer.from(content), text);
    await store.put('yard/2026/b', Buffer.from(content), { ...text, ifAbsent: true });
  }
  expect((await readdir(join(path, 'yard', '2026'))).filter((name) => name.startsWith('.'))).toHaveLength(2);
  await store.delete('yard/2026/a');
  await store.delete('yard/2026/b');
  expect(await readdir(path)).toEqual(['.incoming']);
  expect(await readdir(join(path, '.incoming'))).toEqual([]);
});

test('puts and deletes in one folder at the same time do not get in each other’s way', async () => {
  const store = await openDirectoryStore(join(folder, 'busy'));
  await Promise.all(
    Array.from({ length: 40 }, async (_, index) => {
      const key = `yard/2026/01/${index}/event.json`;
      await store.put(key, Buffer.from('x'), { ...text, ifAbsent: true });
      await store.delete(key);
    }),
  );
  expect(await names(store, '')).toEqual([]);
});

test('a symbolic link leads nowhere: neither out of the folder nor to another object', async () => {
  const path = join(folder, 'links');
  const store = await openDirectoryStore(path);
  await store.put('yard/secret', Buffer.from('x'), text);
  await symlink(folder, join(path, 'out'));
  await symlink(join(path, 'yard', 'secret'), join(path, 'yard', 'link'));
  expect(await store.get('out/links/yard/secret')).toBeUndefined();
  expect(await store.get('yard/link')).toBeUndefined();
  expect(await names(store, '')).toEqual(['yard/secret']);
  await expect(store.put('out/new', Buffer.from('x'), text)).rejects.toThrow(StoreError);
});

test('a store in a place that is no folder is refused with the path', async () => {
  const path = join(folder, 'file');
  await writeFile(path, 'x');
  const refusal = await openDirectoryStore(path).catch((error: unknown) => error);
  expect(refusal).toMatchObject({ code: 'store-not-writable' });
  expect(messageOf(refusal)).toContain(path);
});

test.each([
  ['ENOSPC', 'store-full', 'Free space'],
  ['EDQUOT', 'store-full', 'Free space'],
  ['EACCES', 'store-not-writable', 'permission denied'],
  ['EROFS', 'store-not-writable', 'read-only'],
  ['EXDEV', 'store-not-writable', 'another file system'],
  ['EIO', 'store-failed', 'EIO'],
])('%s means %s, and the sentence says what to do', (code, expected, phrase) => {
  const cause = Object.assign(new Error('failed'), { code });
  const error = directoryErrorOf(cause, 'write', '/clips/yard');
  expect(error).toMatchObject({ code: expected, cause });
  expect(error.message).toContain(phrase);
  expect(error.message).toContain('/clips/yard');
});
