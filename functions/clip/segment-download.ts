import { createHash } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FaascamError, messageOf } from '@faascam/core/errors';
import type { SegmentRef } from '@faascam/core/messages';
import type { Messaging } from '@faascam/core/messaging';
import { buckets } from '@faascam/core/subjects';
import { Objm, type ObjectResult, type ObjectStore as NatsObjectStore } from '@nats-io/obj';
import type { Damage } from './assemble.ts';
import { isGone } from './segment-patience.ts';
import type { SegmentFile } from './segment.ts';

/** A segment is a few megabytes: if nothing of it comes for so long, the rest is not coming. */
const IDLE_TIMEOUT_MS = 15_000;

/**
 * Fetches segments from the NATS object store into a folder and checks each against its sha256.
 *
 * A segment that is missing or not what it should be is thrown as `FaascamError` `segment-missing` or
 * `segment-corrupt`, to be tried again: the agent holds the original until the clip is stored, and puts it there
 * once more each time it repeats its message. Whether it is gone for good only the agent can know, and then it
 * says so with a gap in its place. Only when `isPatienceOver` are such segments given up, and named in the answer. One
 * whose reading stalls or breaks off (`segment-stalled`, `segment-unreadable`) never is: that is NATS's fault.
 */
export async function downloadSegments(
  nc: Messaging['nc'],
  refs: SegmentRef[],
  directory: string,
  isPatienceOver: boolean,
  signal: AbortSignal,
  onFetched: (count: number) => void = () => undefined,
): Promise<{ files: SegmentFile[]; lost: Damage[] }> {
  if (refs.length === 0) return { files: [], lost: [] };
  let bucket: NatsObjectStore;
  try {
    bucket = await new Objm(nc).open(buckets.segments);
  } catch (cause) {
    throw new FaascamError(
      'segment-missing',
      `The NATS object store ${buckets.segments} cannot be opened (${messageOf(cause)}); an agent makes it.`,
      { cause },
    );
  }
  const files: SegmentFile[] = [];
  const lost: Damage[] = [];
  const fetchOne = async (ref: SegmentRef, index: number): Promise<void> => {
    signal.throwIfAborted();
    const path = join(directory, `${String(index).padStart(4, '0')}.mkv`);
    try {
      await download(bucket, ref, path, signal);
      files.push({ ref, path });
    } catch (error) {
      if (!isPatienceOver || !isGone(error)) throw error;
      await rm(path, { force: true });
      lost.push({ ref, why: error.message });
    }
    onFetched(files.length + lost.length);
  };
  for (let start = 0; start < refs.length; start += FETCHES_AT_ONCE) {
    const batch = refs.slice(start, start + FETCHES_AT_ONCE);
    const outcomes = await Promise.allSettled(batch.map((ref, n) => fetchOne(ref, start + n)));
    // All have ended: none writes into a folder that is being removed.
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }
  files.sort((a, b) => a.ref.startUs - b.ref.startUs);
  lost.sort((a, b) => a.ref.startUs - b.ref.startUs);
  return { files, lost };
}

/** Each takes a few round trips before its first byte comes; more than a few would only cost memory. */
const FETCHES_AT_ONCE = 3;

/** Fetches one segment to `path`, which must not be there yet. Throws as `downloadSegments`. */
export async function download(
  bucket: { get(name: string): Promise<Pick<ObjectResult, 'data' | 'error'> | null> },
  ref: SegmentRef,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const found = await bucket.get(ref.object);
  if (found === null) {
    throw new FaascamError(
      'segment-missing',
      `Segment ${ref.object} is not in the NATS object store ${buckets.segments}; its agent will put it there again.`,
    );
  }
  // A failure shows in the data as well; left alone, this promise would end the process.
  found.error.catch(() => undefined);
  const hash = createHash('sha256');
  const file = await open(path, 'wx');
  const reader = found.data.getReader();
  let read = 0;
  try {
    for (;;) {
      const { done, value } = await nextOf(reader, ref, read, signal);
      if (done) break;
      read += value.length;
      hash.update(value);
      await file.writeFile(value);
    }
  } catch (error) {
    await reader.cancel().catch(() => undefined);
    throw error;
  } finally {
    await file.close();
  }
  if (hash.digest('hex') !== ref.sha256) {
    throw new FaascamError(
      'segment-corrupt',
      `Segment ${ref.object} in the NATS object store is not the one announced; its agent will put it there again.`,
    );
  }
}

/** What fails after all `read` bytes came is the segment's fault; a reading that broke off is not. */
async function nextOf(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  { object, sizeBytes }: SegmentRef,
  read: number,
  signal: AbortSignal,
) {
  try {
    return await withinIdleTime(reader.read(), object, signal);
  } catch (error) {
    if (error instanceof FaascamError || signal.aborted) throw error;
    const cannot = `Segment ${object} cannot be read out of the NATS object store (${messageOf(error)})`;
    throw read < sizeBytes
      ? new FaascamError('segment-unreadable', `${cannot}; it is tried again.`, { cause: error })
      : new FaascamError('segment-corrupt', `${cannot}; its agent will put it there again.`, {
          cause: error,
        });
  }
}

async function withinIdleTime<T>(action: Promise<T>, object: string, signal: AbortSignal): Promise<T> {
  let end = (): void => undefined;
  const limit = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => {
      reject(
        new FaascamError('segment-stalled', `Segment ${object} stopped coming from the NATS object store.`),
      );
    }, IDLE_TIMEOUT_MS);
    const abort = (): void => {
      reject(new DOMException('This operation was aborted', 'AbortError'));
    };
    signal.addEventListener('abort', abort, { once: true });
    end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    };
  });
  try {
    return await Promise.race([action, limit]);
  } finally {
    end();
  }
}
