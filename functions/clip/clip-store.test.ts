import { hash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { openDirectoryStore } from '@faascam/core/directory-store';
import { eventKey } from '@faascam/core/ids';
import type { ObjectStore } from '@faascam/core/store';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { storeEvent, type EventFile } from './clip-store.ts';
import { manifestOf } from './receipt.ts';
import { readyOf } from './testing/ready.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'faascam-clip-store-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const ready = readyOf([], { fromUs: 1_767_323_045_000_000 });
const key = eventKey(ready.eventId, 'clip.mp4');
const open = (): Promise<ObjectStore> => openDirectoryStore(join(folder, 'store'));

async function fileOf(text: string): Promise<EventFile> {
  const path = join(folder, hash('sha256', text));
  await writeFile(path, text);
  return { name: 'clip.mp4', path, sha256: hash('sha256', text) };
}

const storeWith = async (store: ObjectStore, file: EventFile, storedAtUs: number) =>
  await storeEvent(store, ready, manifestOf(ready, { clips: [], damaged: [] }, storedAtUs), [file], {});

async function clipIn(store: ObjectStore): Promise<string | undefined> {
  const found = await store.get(key);
  return found === undefined ? undefined : (await buffer(found.stream)).toString();
}

test('an upload that ends after another writer’s receipt leaves that writer’s clip as it is', async () => {
  const [quick, slow] = [await open(), await open()];
  const put = slow.put.bind(slow);
  const order: string[] = [];
  vi.spyOn(slow, 'put').mockImplementation(async (name, body, options) => {
    if (name === key) {
      const { isOurs } = await storeWith(quick, await fileOf('of the quick one'), 1);
      order.push(isOurs ? 'quick one committed' : 'quick one lost');
    }
    return await put(name, body, options);
  });
  const answer = await storeWith(slow, await fileOf('of the slow one, with another ffmpeg'), 2);
  expect(order).toEqual(['quick one committed']);
  expect(answer).toMatchObject({ isOurs: false, receipt: { manifest: { storedAtUs: 1 } } });
  expect(await clipIn(quick)).toBe('of the quick one');
});

test('what a crash left is replaced as long as there is no receipt, and not afterwards', async () => {
  const store = await open();
  const leave = () => store.put(key, Buffer.from('half a clip'), { contentType: 'video/mp4' });
  await leave();
  expect(await storeWith(store, await fileOf('whole'), 1)).toMatchObject({ isOurs: true });
  expect(await clipIn(store)).toBe('whole');
  expect(await storeWith(store, await fileOf('whole, and late'), 2)).toMatchObject({
    isOurs: false,
    receipt: { manifest: { storedAtUs: 1 } },
  });
  expect(await clipIn(store)).toBe('whole');
});

test('the writer of the receipt puts its own clip back when another’s came in between', async () => {
  const store = await open();
  const put = store.put.bind(store);
  vi.spyOn(store, 'put').mockImplementation(async (name, body, options) => {
    if (name.endsWith('event.json')) await put(key, Buffer.from('another one'), { contentType: 'video/mp4' });
    return await put(name, body, options);
  });
  expect(await storeWith(store, await fileOf('our own'), 1)).toMatchObject({ isOurs: true });
  expect(await clipIn(store)).toBe('our own');
});
