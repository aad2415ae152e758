import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { JetStreamApiError } from '@nats-io/jetstream';
import type { ObjectStore } from '@nats-io/obj';
import { headers as newHeaders } from '@nats-io/transport-node';
import type { SegmentRef } from '@faascam/core/messages';
import type { Messaging } from '@faascam/core/messaging';
import { isFull, openSegments } from '@faascam/core/site-buckets';
import { buckets } from '@faascam/core/subjects';
import type { Segment } from '../ring/segment.ts';
import type { ChunkLane } from './chunk-lane.ts';

/** A chunk is what the link takes in a tenth of a second; without an answer for so long, it is gone or stands still. */
const CHUNK_TIMEOUT_MS = 5000;
/** Requests that are under way at the same time while objects are removed. */
const REMOVALS_AT_ONCE = 8;

const STREAM = `OBJ_${buckets.segments}`;
const CHUNKS = `$O.${buckets.segments}.C`;
const META = `$O.${buckets.segments}.M`;
/** Where in its file a chunk begins, and which chunk of it this is: an upload goes on behind the last one there. */
const OFFSET = 'Faascam-Offset';
const INDEX = 'Faascam-Index';
const DIGEST = 'Faascam-Digest';

/** Somebody else, or we ourselves unheard, put a chunk there. */
const WRONG_SEQUENCE = 10_071;

/** The object store takes no more. */
export class SegmentsFullError extends Error {
  override readonly name = 'SegmentsFullError';
}

interface Progress {
  offset: number;
  index: number;
  /** The last chunk's sequence; 0 for none. */
  sequence: number;
}

const noProgress: Progress = { offset: 0, index: 0, sequence: 0 };

/**
 * The object store in which an event's segments wait for the clip function. Objects lie there as NATS's object stores have
 * them (ADR-20), so that any client reads them. They are written here, not by the client library, because its uploads
 * begin anew when they are cut, and leave their chunks behind: on a link that fails every minute a large segment would
 * never arrive. The chunks of an event lie below one subject, `$O.segments.C.<event>`, and one request tells of all.
 */
export class SegmentStore {
  readonly #messaging: Messaging;
  readonly #objects: ObjectStore;
  readonly #lane: ChunkLane;

  private constructor(messaging: Messaging, objects: ObjectStore, lane: ChunkLane) {
    this.#messaging = messaging;
    this.#objects = objects;
    this.#lane = lane;
  }

  /** Opens the store; made if absent. `megabytes`: what it may hold, of all agents together. */
  static async open(messaging: Messaging, lane: ChunkLane, megabytes: number): Promise<SegmentStore> {
    const objects = await openSegments(messaging, megabytes);
    return new SegmentStore(messaging, objects, lane);
  }

  /** How many chunks lie there, by segment, of one event. */
  async chunksOf(event: string): Promise<ReadonlyMap<string, number>> {
    return await this.#chunks(`${CHUNKS}.${event}.>`);
  }

  /** The events of which something lies there. */
  async events(): Promise<Set<string>> {
    const chunks = await this.#chunks(`${CHUNKS}.>`);
    return new Set([...chunks.keys()].map((subject) => subject.split('.')[3] ?? ''));
  }

  /**
   * Puts a segment of an event there, unless the same bytes are there already; what was cut off goes on where it stopped.
   * `there` is what `chunksOf` told of the event. `order` is the event's place among all: the highest goes first.
   * Rejects with a system error when the file cannot be read, and with `SegmentsFullError` when there is no room.
   */
  async put(
    event: { id: string; camera: string; order: number },
    segment: Segment,
    there: ReadonlyMap<string, number>,
    signal: AbortSignal,
  ): Promise<SegmentRef> {
    const { digest, sizeBytes } = await digestOf(segment.path);
    const id = `${event.id}.${segment.startUs}`;
    const ref = {
      object: nameOf(event.camera, id),
      sha256: digest.toString('hex'),
      sizeBytes,
      startUs: segment.startUs,
      durationUs: segment.endUs - segment.startUs,
    };
    const chunks = there.get(`${CHUNKS}.${id}`) ?? 0;
    if (chunks > 0 && (await this.#isThere(ref, digest, chunks))) return ref;
    const written = await this.#write(`${CHUNKS}.${id}`, segment.path, ref, chunks, event.order, signal);
    await this.#announce(ref.object, id, digest, sizeBytes, written);
    return ref;
  }

  /** Deletes all that lies there of an event. */
  async remove(event: string, camera: string): Promise<void> {
    const subjects = [...(await this.chunksOf(event)).keys()];
    // What tells of the objects first: an object without its chunks would be waited for.
    const left = subjects.map(
      (subject) => `${META}.${base64Url(nameOf(camera, subject.slice(CHUNKS.length + 1)))}`,
    );
    const removeNext = async (): Promise<void> => {
      for (let filter = left.pop(); filter !== undefined; filter = left.pop()) {
        await this.#messaging.jsm.streams.purge(STREAM, { filter });
      }
    };
    await Promise.all(Array.from({ length: REMOVALS_AT_ONCE }, removeNext));
    if (subjects.length > 0) {
      await this.#messaging.jsm.streams.purge(STREAM, { filter: `${CHUNKS}.${event}.>` });
    }
  }

  async #chunks(filter: string): Promise<ReadonlyMap<string, number>> {
    const { state } = await this.#messaging.jsm.streams.info(STREAM, { subjects_filter: filter });
    return new Map(Object.entries(state.subjects ?? {}));
  }

  /** Whether the object is whole: its chunks may have aged out of the store before what tells of them. */
  async #isThere(ref: SegmentRef, digest: Buffer, chunks: number): Promise<boolean> {
    const there = await this.#objects.info(ref.object);
    if (there === null || there.deleted) return false;
    return there.size === ref.sizeBytes && there.digest === asStored(digest) && there.chunks === chunks;
  }

  /** Sends what is missing of the file, and answers how many chunks it has. */
  async #write(
    subject: string,
    path: string,
    ref: SegmentRef,
    chunks: number,
    order: number,
    signal: AbortSignal,
  ): Promise<number> {
    const file = await open(path);
    try {
      let progress = chunks === 0 ? noProgress : await this.#progressOf(subject, ref, chunks);
      while (progress.offset < ref.sizeBytes) {
        progress = await this.#lane.send(order, signal, async (bytes) => {
          const length = Math.min(bytes, this.#mostBytes, ref.sizeBytes - progress.offset);
          const { bytesRead, buffer } = await file.read(
            Buffer.allocUnsafe(length),
            0,
            length,
            progress.offset,
          );
          if (bytesRead === 0) throw new Error(`the segment ${path} became shorter while it was sent`);
          return [bytesRead, await this.#chunk(subject, buffer.subarray(0, bytesRead), ref, progress)];
        });
      }
      return progress.index;
    } finally {
      await file.close();
    }
  }

  /** What a message may hold besides its headers. */
  get #mostBytes(): number {
    return (this.#messaging.nc.info?.max_payload ?? 64 * 1024) - 1024;
  }

  async #chunk(subject: string, body: Uint8Array, ref: SegmentRef, at: Progress): Promise<Progress> {
    const headers = newHeaders();
    headers.set(OFFSET, String(at.offset));
    headers.set(INDEX, String(at.index));
    headers.set(DIGEST, ref.sha256);
    // The client would keep it in memory until NATS is back.
    if (!this.#messaging.isConnected()) throw new Error('NATS is away');
    try {
      const { seq } = await this.#messaging.js.publish(subject, body, {
        ...{ headers, timeout: CHUNK_TIMEOUT_MS },
        expect: { lastSubjectSequence: at.sequence },
      });
      return { offset: at.offset + body.length, index: at.index + 1, sequence: seq };
    } catch (error) {
      if (codeOf(error) === WRONG_SEQUENCE) {
        const chunks = (await this.#chunks(subject)).get(subject) ?? 0;
        return await this.#progressOf(subject, ref, chunks);
      }
      throw asFull(error);
    }
  }

  /** How far an upload that was cut off had come. What is of no use goes. */
  async #progressOf(subject: string, ref: SegmentRef, chunks: number): Promise<Progress> {
    const last = await this.#messaging.jsm.streams.getMessage(STREAM, { last_by_subj: subject });
    if (last !== null) {
      const { header, data, seq } = last;
      const index = Number(header.get(INDEX)) + 1;
      const offset = Number(header.get(OFFSET)) + data.length;
      // The first ones may have aged out of the store.
      const whole = index === chunks && header.get(DIGEST) === ref.sha256 && offset <= ref.sizeBytes;
      if (whole) return { offset, index, sequence: seq };
      await this.#messaging.jsm.streams.purge(STREAM, { filter: subject });
    }
    return noProgress;
  }

  /** Tells of an object whose chunks are there: from now on it can be read. */
  async #announce(name: string, nuid: string, digest: Buffer, size: number, chunks: number): Promise<void> {
    const info = {
      ...{ name, bucket: buckets.segments, nuid, size, chunks, digest: asStored(digest), deleted: false },
      mtime: new Date().toISOString(),
    };
    const headers = newHeaders();
    headers.set('Nats-Rollup', 'sub');
    try {
      await this.#messaging.js.publish(`${META}.${base64Url(name)}`, JSON.stringify(info), {
        ...{ headers, timeout: CHUNK_TIMEOUT_MS },
      });
    } catch (error) {
      throw asFull(error);
    }
  }
}

/** An object's name; `id` is its event and the start of its segment, as in the subject of its chunks. */
function nameOf(camera: string, id: string): string {
  return `${camera}/${id.replace('.', '/')}.mkv`;
}

function codeOf(error: unknown): number {
  return error instanceof JetStreamApiError ? error.code : 0;
}

function asFull(error: unknown): unknown {
  return isFull(error)
    ? new SegmentsFullError('the object store of segments is full', { cause: error })
    : error;
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
  return `SHA-256=${digest.toString('base64').replaceAll('+', '-').replaceAll('/', '_')}`;
}

function base64Url(text: string): string {
  return Buffer.from(text).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
}
