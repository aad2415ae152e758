import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { constants, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { isMissing } from '@faascam/core/durable-file';
import { FaascamError, systemCodeOf } from '@faascam/core/errors';
import type { ObjectStore } from '@faascam/core/store';

export interface Wanted {
  key: string;
  /** What it must be like, where that is known; then a transfer that broke off is gone on with. */
  sha256?: string;
  sizeBytes?: number;
}

/**
 * Copies an object of the store to a file: it is there whole and checked, or not at all. What a transfer that breaks off
 * has brought stays in `<path>.part`, and the next one goes on from there. A file that is right already is left as it is.
 * Throws `FaascamError` `clip-missing` or `clip-damaged` for what the store has, `clip-not-written`, and `StoreError`.
 */
export async function fetchObject(
  store: ObjectStore,
  wanted: Wanted,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const { sha256 } = wanted;
  const partial = `${path}.part`;
  try {
    if (sha256 !== undefined && (await sha256Of(path)) === sha256) return;
    // The second time from its beginning: what lay there may have been of something else.
    let begun = await transfer(store, wanted, partial, signal);
    if (sha256 !== undefined && (await sha256Of(partial)) !== sha256) {
      await rm(partial, { force: true });
      if (begun > 0) begun = await transfer(store, wanted, partial, signal);
      if (begun === 0 && (await sha256Of(partial)) !== sha256) {
        await rm(partial, { force: true });
        throw new FaascamError(
          'clip-damaged',
          `${wanted.key} in ${store.description} is not what its receipt tells: look at it with "faascam verify".`,
        );
      }
    }
    await rename(partial, path);
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof FaascamError) {
      if (cause.code === 'clip-missing') await rm(partial, { force: true });
      throw cause;
    }
    throw new FaascamError(
      'clip-not-written',
      `${path} could not be written (${systemCodeOf(cause) ?? 'the transfer broke off'}): check the path and the free space; the same command goes on from there.`,
      { cause },
    );
  }
}

/** Brings what is missing at the end of `partial`; gives the byte from which on. */
async function transfer(
  store: ObjectStore,
  { key, sha256, sizeBytes }: Wanted,
  partial: string,
  signal: AbortSignal,
): Promise<number> {
  const handle = await open(partial, constants.O_RDWR | constants.O_CREAT, 0o644);
  try {
    const start = await beginOf(handle, sha256 === undefined ? undefined : sizeBytes);
    if (start > 0 && start === sizeBytes) return start;
    const found = await store.get(
      key,
      start === 0 || sizeBytes === undefined ? undefined : { start, end: sizeBytes - 1 },
    );
    if (found === undefined) {
      throw new FaascamError(
        'clip-missing',
        `${key} is not in ${store.description}, although its receipt is: look at it with "faascam verify".`,
      );
    }
    // At its place and not at the end: two who fetch the same at the same time write the same.
    let at = start;
    for await (const chunk of found.stream) {
      signal.throwIfAborted();
      if (!(chunk instanceof Uint8Array)) throw new TypeError('a stream of the store must give bytes');
      await writeAll(handle, chunk, at);
      at += chunk.length;
    }
    await handle.sync();
    return start;
  } finally {
    await handle.close();
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}

/** Where to go on; a file that cannot be the beginning of one of `sizeBytes` is emptied. */
async function beginOf(handle: FileHandle, sizeBytes: number | undefined): Promise<number> {
  const { size } = await handle.stat();
  if (sizeBytes !== undefined && size <= sizeBytes) return size;
  await handle.truncate(0);
  return 0;
}

/** Undefined where there is no such file. */
async function sha256Of(path: string): Promise<string | undefined> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path)) if (Buffer.isBuffer(chunk)) hash.update(chunk);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  return hash.digest('hex');
}
