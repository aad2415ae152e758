import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { Readable } from 'node:stream';
import { directoryErrorOf } from '@faascam/core/directory-errors';
import { isMissing } from '@faascam/core/durable-file';
import { attributesOf } from '@faascam/core/sidecar';
import type { ObjectStore } from '@faascam/core/store';

/** What an object in a folder is, and its bytes; the caller reads the stream to its end or destroys it. */
export interface Opened {
  stream: Readable;
  metadata: Readonly<Record<string, string>>;
}

/** A folder that holds an event's objects. */
export interface EventFolder {
  /** Where it lies below what is looked at, with slashes; empty for that itself. */
  path: string;
  /** Sizes in bytes by name. */
  objects: ReadonlyMap<string, number>;
  /** Undefined if it has vanished. */
  open(name: string): Promise<Opened | undefined>;
}

const EVENT_OBJECT = /^((event|removed|keep)\.json|(clip|preview|snapshot|strip)(-[a-z0-9-]+)?\.(mp4|jpg))$/;

/**
 * The folders with events below a folder of the disk, which is read and never written. Symbolic links are not followed.
 * Throws `StoreError`.
 */
export async function* foldersOnDisk(root: string, path = ''): AsyncGenerator<EventFolder> {
  const here = join(root, path);
  const entries = await attempt(here, () => readdir(here, { withFileTypes: true }));
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  const objects = new Map<string, number>();
  for (const entry of entries) {
    if (!entry.isFile() || entry.name.startsWith('.')) continue;
    objects.set(entry.name, await attempt(here, async () => (await stat(join(here, entry.name))).size));
  }
  if (holdsEvent(objects)) {
    yield { path, objects, open: async (name) => await openFile(join(here, name)) };
  }
  for (const entry of entries) {
    if (entry.isDirectory() && !entry.name.startsWith('.'))
      yield* foldersOnDisk(root, posix.join(path, entry.name));
  }
}

/** The folders with events whose keys begin with `prefix`. Holds one of them in memory. Throws `StoreError`. */
export async function* foldersInStore(
  store: Pick<ObjectStore, 'list' | 'get'>,
  prefix: string,
): AsyncGenerator<EventFolder> {
  let path: string | undefined;
  let objects = new Map<string, number>();
  const folder = (): EventFolder[] => {
    if (path === undefined || !holdsEvent(objects)) return [];
    const above = path;
    return [{ path: above, objects, open: async (name) => await openObject(store, posix.join(above, name)) }];
  };
  for await (const entry of store.list(prefix)) {
    if (!('key' in entry)) continue;
    const above = posix.dirname(entry.key);
    if (above !== path) {
      yield* folder();
      path = above;
      objects = new Map();
    }
    objects.set(posix.basename(entry.key), entry.sizeBytes);
  }
  yield* folder();
}

function holdsEvent(objects: ReadonlyMap<string, number>): boolean {
  return [...objects.keys()].some((name) => EVENT_OBJECT.test(name));
}

async function openFile(path: string): Promise<Opened | undefined> {
  return await attempt(path, async () => {
    try {
      const { ino } = await stat(path, { bigint: true });
      const { metadata } = await attributesOf(path, ino);
      return { stream: createReadStream(path), metadata };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  });
}

async function openObject(store: Pick<ObjectStore, 'get'>, key: string): Promise<Opened | undefined> {
  const found = await store.get(key);
  return found && { stream: found.stream, metadata: found.object.metadata };
}

async function attempt<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw directoryErrorOf(error, 'read', path);
  }
}
