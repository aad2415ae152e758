import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { link, lstat, mkdir, open, readdir, realpath, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { directoryErrorOf } from './directory-errors.ts';
import { inodeOf, isMissing, syncFolder, writeWhole } from './durable-file.ts';
import { StoreError, systemCodeOf } from './errors.ts';
import { attributesOf, findSidecar, sidecarOf, sidecarsOf, type Attributes } from './sidecar.ts';
import {
  bytesOf,
  keyParts,
  requireMetadata,
  requirePrefix,
  requireTags,
  type ByteRange,
  type ListEntry,
  type ListOptions,
  type ObjectStore,
  type PutOptions,
  type StoredObject,
  type Tags,
} from './store.ts';

/** Where objects are written before they appear under their key; on the same file system, so that they can be linked. */
const INCOMING = '.incoming';
/** No put takes longer without writing a byte: older files in `.incoming` were left by a crash. */
const STALE_AFTER_MS = 3_600_000;

/**
 * A store in a folder, made if it is not there: an object is the file of its key. Its content type and metadata lie
 * in a hidden file beside it, `.<name>.<inode>.meta`: the inode binds them to this very content, so that both appear
 * in one step, with the link or rename of the content. Files put there by hand, or restored from a backup, are
 * objects too. Symbolic links below the folder are not followed.
 */
export async function openDirectoryStore(path: string): Promise<ObjectStore> {
  const asked = resolve(path);
  return await attempt('open', asked, async () => {
    await mkdir(join(asked, INCOMING), { recursive: true });
    const root = await realpath(asked);
    await removeStale(join(root, INCOMING));
    return new DirectoryStore(root);
  });
}

class DirectoryStore implements ObjectStore {
  readonly description: string;
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
    this.description = `folder ${root}`;
  }

  async put(
    key: string,
    body: Buffer | { file: string },
    options: PutOptions,
  ): Promise<'created' | 'exists'> {
    const target = this.#pathOf(key);
    const attributes = {
      contentType: options.contentType,
      metadata: options.metadata ?? {},
      tags: options.tags ?? {},
    } satisfies Attributes;
    requireMetadata(attributes.metadata);
    requireTags(attributes.tags);
    options.signal?.throwIfAborted();
    return await attempt('write', target, async () => {
      if (options.ifAbsent === true && (await inodeOf(target)) !== undefined) return 'exists';
      const temporary = join(this.#root, INCOMING, randomUUID());
      let sidecar: string | undefined;
      try {
        const inode = await writeWhole(temporary, body);
        for (;;) {
          sidecar = sidecarOf(target, inode);
          try {
            await this.#makeFolder(key);
            await writeFile(sidecar, JSON.stringify(attributes), { flush: true });
            options.signal?.throwIfAborted();
            if (options.ifAbsent === true) await link(temporary, target);
            else await replace(temporary, target);
            break;
          } catch (error) {
            // A `delete` beside us has removed the folder because it was empty: make it again.
            if (systemCodeOf(error) !== 'ENOENT' || (await inodeOf(temporary)) === undefined) throw error;
          }
        }
        sidecar = undefined;
        await syncIfThere(dirname(target));
        return 'created';
      } catch (error) {
        if (options.ifAbsent === true && systemCodeOf(error) === 'EEXIST') return 'exists';
        throw error;
      } finally {
        await rm(temporary, { force: true });
        if (sidecar !== undefined) {
          await rm(sidecar, { force: true });
          await this.#prune(dirname(target));
        }
      }
    });
  }

  async head(key: string): Promise<StoredObject | undefined> {
    const opened = await this.#open(key);
    await opened?.handle.close();
    return opened?.object;
  }

  async get(key: string, range?: ByteRange) {
    const opened = await this.#open(key);
    if (opened === undefined) return undefined;
    const { object, handle } = opened;
    try {
      const bytes = range === undefined ? {} : bytesOf(range, object.sizeBytes);
      return { object, stream: handle.createReadStream({ ...bytes, autoClose: true }) };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async getTags(key: string): Promise<Tags | undefined> {
    const opened = await this.#open(key);
    await opened?.handle.close();
    return opened?.tags;
  }

  async setTags(key: string, tags: Tags): Promise<boolean> {
    const target = this.#pathOf(key);
    requireTags(tags);
    return await attempt('label', target, async () => {
      for (;;) {
        // Held open, the content cannot be deleted and its inode given to another one meanwhile.
        const found = await this.#find(target);
        if (found === undefined) return false;
        try {
          if (await this.#label(target, found.stat.ino, tags)) return true;
        } finally {
          await found.handle.close();
        }
      }
    });
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ListEntry> {
    requirePrefix(prefix);
    const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    yield* this.#walk(folder, prefix, options.startAfter ?? '', options.delimiter !== undefined);
  }

  async delete(key: string): Promise<void> {
    const target = this.#pathOf(key);
    await attempt('delete', target, async () => {
      if (!(await this.#isInside(target))) return;
      await rm(target, { force: true });
      for (const sidecar of await sidecarsOf(target)) await rm(sidecar, { force: true });
      await this.#prune(dirname(target));
    });
  }

  async check(): Promise<void> {
    const probe = join(this.#root, INCOMING, randomUUID());
    await attempt('write', this.#root, async () => {
      try {
        await writeWhole(probe, Buffer.from('check'));
      } finally {
        await rm(probe, { force: true });
      }
    });
  }

  async tidy(): Promise<void> {
    await attempt('tidy up', this.#root, () => removeStale(join(this.#root, INCOMING)));
  }

  close(): Promise<void> {
    // Nothing is held open between calls.
    return Promise.resolve();
  }

  #pathOf(key: string): string {
    return join(this.#root, ...keyParts(key));
  }

  /** Whether the way to a path is made of our own folders: neither missing nor by a symbolic link. */
  async #isInside(path: string): Promise<boolean> {
    const folder = dirname(path);
    try {
      return (await realpath(folder)) === folder;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  async #makeFolder(key: string): Promise<void> {
    let folder = this.#root;
    for (const part of keyParts(key).slice(0, -1)) {
      const parent = folder;
      folder = join(parent, part);
      try {
        await mkdir(folder);
        await syncFolder(parent);
      } catch (error) {
        if (systemCodeOf(error) !== 'EEXIST') throw error;
        if (!(await lstat(folder)).isDirectory()) {
          throw new StoreError(
            'store-failed',
            `${folder} is no folder: move it away, the clip store needs one.`,
          );
        }
      }
    }
  }

  async #open(key: string) {
    const path = this.#pathOf(key);
    return await attempt('read', path, async () => {
      const found = await this.#find(path);
      if (found === undefined) return undefined;
      const { handle, stat } = found;
      try {
        const { contentType, metadata, tags } = await attributesOf(path, stat.ino);
        const object: StoredObject = {
          key,
          sizeBytes: Number(stat.size),
          contentType,
          metadata,
          modifiedMs: Number(stat.mtimeMs),
          etag: `${stat.ino.toString(16)}-${stat.size.toString(16)}-${stat.mtimeNs.toString(16)}`,
        };
        return { handle, object, tags };
      } catch (error) {
        await handle.close();
        throw error;
      }
    });
  }

  /** The file at a path, open for reading: what it is and what it holds are asked of one and the same file. */
  async #find(path: string) {
    if (!(await this.#isInside(path))) return undefined;
    let handle;
    try {
      handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    } catch (error) {
      if (isMissing(error) || systemCodeOf(error) === 'ELOOP') return undefined;
      throw error;
    }
    try {
      const stat = await handle.stat({ bigint: true });
      if (stat.isFile()) return { handle, stat };
    } catch (error) {
      await handle.close();
      throw error;
    }
    await handle.close();
    return undefined;
  }

  /** Gives content its tags. False when it was replaced or deleted meanwhile. */
  async #label(target: string, inode: bigint, tags: Tags): Promise<boolean> {
    const temporary = join(this.#root, INCOMING, randomUUID());
    const sidecar = sidecarOf(target, inode);
    const old = await findSidecar(target, inode);
    const attributes = await attributesOf(target, inode);
    try {
      await writeFile(temporary, JSON.stringify({ ...attributes, tags }), { flush: true });
      await rename(temporary, sidecar);
    } catch (error) {
      // A `delete` beside us has removed the folder; a `put` may have made it again since.
      if (isMissing(error) && (await inodeOf(target)) !== inode) return false;
      throw error;
    } finally {
      await rm(temporary, { force: true });
    }
    if ((await inodeOf(target)) !== inode) {
      // This sidecar is nobody's.
      await rm(sidecar, { force: true });
      await this.#prune(dirname(target));
      return false;
    }
    // The copy's sidecar had the inode of its original.
    if (old !== undefined && old !== sidecar) await rm(old, { force: true });
    await syncIfThere(dirname(target));
    return true;
  }

  async *#walk(folder: string, prefix: string, after: string, grouped: boolean): AsyncGenerator<ListEntry> {
    const path = join(this.#root, folder);
    if (!(await this.#isInside(join(path, 'any')))) return;
    const entries = await attempt('list', path, async () => {
      try {
        return await readdir(path, { withFileTypes: true });
      } catch (error) {
        if (isMissing(error)) return [];
        throw error;
      }
    });
    const names = entries
      .filter((entry) => !entry.name.startsWith('.') && (entry.isDirectory() || entry.isFile()))
      // A folder stands for keys that go on with a slash, and is sorted as such.
      .map((entry) => folder + entry.name + (entry.isDirectory() ? '/' : ''))
      .sort((a, b) => (a < b ? -1 : 1));
    for (const name of names) {
      const isFolder = name.endsWith('/');
      if (!name.startsWith(prefix) && !(isFolder && prefix.startsWith(name))) continue;
      if (isFolder && !(grouped && name.startsWith(prefix))) {
        if (name > after || after.startsWith(name)) yield* this.#walk(name, prefix, after, grouped);
      } else if (name > after) {
        if (isFolder) {
          if (await this.#holdsObject(name)) yield { prefix: name };
        } else {
          const sizeBytes = await sizeOf(join(this.#root, name));
          if (sizeBytes !== undefined) yield { key: name, sizeBytes };
        }
      }
    }
  }

  /** An empty folder is nothing to S3, so it is nothing here. */
  async #holdsObject(folder: string): Promise<boolean> {
    for await (const entry of this.#walk(folder, folder, '', false)) return 'key' in entry;
    return false;
  }

  async #prune(folder: string): Promise<void> {
    for (let empty = folder; empty !== this.#root; empty = dirname(empty)) {
      try {
        await rmdir(empty);
      } catch (error) {
        const code = systemCodeOf(error);
        if (code === 'ENOTEMPTY' || code === 'EEXIST') return;
        if (code !== 'ENOENT') throw error;
      }
    }
  }
}

async function replace(temporary: string, target: string): Promise<void> {
  const old = await inodeOf(target);
  await rename(temporary, target);
  if (old !== undefined) await rm(sidecarOf(target, old), { force: true });
}

/** A `delete` beside us may have removed the object, and its folder with it. */
async function syncIfThere(folder: string): Promise<void> {
  try {
    await syncFolder(folder);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await lstat(path)).size;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function removeStale(incoming: string): Promise<void> {
  for (const name of await readdir(incoming)) {
    const path = join(incoming, name);
    try {
      if (Date.now() - (await lstat(path)).mtimeMs > STALE_AFTER_MS) await rm(path, { force: true });
    } catch (error) {
      // Its writer was quicker.
      if (!isMissing(error)) throw error;
    }
  }
}

async function attempt<T>(doing: string, path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw directoryErrorOf(error, doing, path);
  }
}
