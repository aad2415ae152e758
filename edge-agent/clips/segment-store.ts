import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Objm, StorageType, type ObjectStore } from '@nats-io/obj';
import { nanos } from '@nats-io/transport-node';
import type { SegmentRef } from '@faascam/core/messages';
import type { Messaging } from '@faascam/core/messaging';
import { buckets } from '@faascam/core/subjects';
import type { Segment } from '../ring/segment.ts';

/** Whatever nobody fetched by then is offered again from the ring. */
const KEPT_MS = 86_400_000;
const CHUNK_BYTES = 128 * 1024;
const CHUNK_TIMEOUT_MS = 20_000;

/** The object store in which an event's segments wait for the clip function. */
export class SegmentStore {
  readonly #store: ObjectStore;

  private constructor(store: ObjectStore) {
    this.#store = store;
  }

  /** Opens the store; made if absent. */
  static async open(messaging: Messaging): Promise<SegmentStore> {
    const options = {
      storage: StorageType.File,
      ttl: nanos(KEPT_MS),
      description: 'Segments of events on their way',
    };
    return new SegmentStore(await new Objm(messaging.nc).create(buckets.segments, options));
  }

  /**
   * Puts a segment there under `object`, unless the same bytes are there already.
   * Rejects with a system error when the file cannot be read.
   */
  async put(object: string, segment: Segment): Promise<SegmentRef> {
    const { digest, sizeBytes } = await digestOf(segment.path);
    const there = await this.#store.info(object);
    const same =
      there !== null && !there.deleted && there.size === sizeBytes && there.digest === asStored(digest);
    if (!same) {
      const info = await this.#store.put({ name: object }, bytesOf(segment.path), {
        timeout: CHUNK_TIMEOUT_MS,
      });
      if (info.digest !== asStored(digest))
        throw new Error(`the segment ${segment.path} changed while it was sent`);
    }
    return {
      object,
      sha256: digest.toString('hex'),
      sizeBytes,
      startUs: segment.startUs,
      durationUs: segment.endUs - segment.startUs,
    };
  }

  /** Deletes objects; absent ones are fine. */
  async remove(objects: Iterable<string>): Promise<void> {
    for (const object of objects) {
      const there = await this.#store.info(object);
      if (there !== null && !there.deleted) await this.#store.delete(object);
    }
  }
}

async function digestOf(path: string): Promise<{ digest: Buffer; sizeBytes: number }> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const chunk of createReadStream(path)) {
    if (!(chunk instanceof Uint8Array)) continue;
    hash.update(chunk);
    sizeBytes += chunk.length;
  }
  return { digest: hash.digest(), sizeBytes };
}

/** A digest as NATS writes it into an object's information. */
function asStored(digest: Buffer): string {
  const text = digest.toString('base64').replaceAll('+', '-').replaceAll('/', '_');
  return `SHA-256=${text}`;
}

function bytesOf(path: string): ReadableStream<Uint8Array> {
  const file = open(path);
  return new ReadableStream({
    pull: async (controller) => {
      const handle = await file;
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES);
      if (bytesRead > 0) {
        controller.enqueue(buffer.subarray(0, bytesRead));
        return;
      }
      await handle.close();
      controller.close();
    },
    cancel: async () => {
      await (await file).close();
    },
  });
}
