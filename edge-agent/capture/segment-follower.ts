import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '@faascam/core/clock';
import { systemCodeOf } from '@faascam/core/errors';
import { streamHead, wholeClusters } from './matroska.ts';

/** A file that ffmpeg has closed, or the one that it writes. Its end is in microseconds of the stream's time. */
interface KnownSegment {
  number: number;
  endUs: number;
  file: FileHandle;
}

const KEPT = 2;
const POLL_MS = 100;
const CHUNK_BYTES = 512 * 1024;

/**
 * Follows the newest segments of a session, so that they can be read again from a moment just past, and on as they
 * grow. Files stay readable wherever they are moved, and when they are removed. The caller closes it.
 */
export class SegmentFollower {
  readonly #incoming: string;
  readonly #clock: Clock;
  #closed: KnownSegment[] = [];
  #reading: KnownSegment | undefined;
  #last = -1;
  #over = false;

  constructor(incoming: string, clock: Clock) {
    this.#incoming = incoming;
    this.#clock = clock;
  }

  /** ffmpeg has closed this file, which still lies where ffmpeg wrote it. */
  async closed(name: string, endUs: number): Promise<void> {
    // A segment that cannot be opened again is still recorded; a burst then begins with the next one.
    const file = await open(join(this.#incoming, name)).catch(() => undefined);
    // Both at once: whoever looks for a segment finds it among the closed, or takes the next for the growing one.
    this.#last = Number.parseInt(name, 10);
    if (file !== undefined) this.#closed.push({ number: this.#last, endUs, file });
    while (this.#closed.length > KEPT) await this.#letGo(this.#closed.shift());
  }

  /**
   * The session's stream from the segment that holds `fromUs`, or the oldest kept, on: a Matroska stream in whole
   * clusters, until the session or the signal ends. For one reader at a time.
   */
  async *follow(fromUs: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const first = this.#closed.find(({ endUs }) => endUs > fromUs)?.number ?? this.#last + 1;
    let headSent = false;
    for (let number = first; !signal.aborted && !this.#isOver(number); number++) {
      const segment = await this.#open(number, signal);
      if (segment === undefined) return;
      this.#reading = segment;
      try {
        for await (const { head, clusters } of this.#read(segment, signal)) {
          if (!headSent) yield head;
          headSent = true;
          yield clusters.length === 1 && clusters[0] !== undefined ? clusters[0] : Buffer.concat(clusters);
        }
      } finally {
        this.#reading = undefined;
        if (!this.#closed.includes(segment)) await segment.file.close();
      }
    }
  }

  async close(): Promise<void> {
    this.#over = true;
    const closed = this.#closed;
    this.#closed = [];
    await Promise.all(closed.map((segment) => this.#letGo(segment)));
  }

  /** Whoever still reads a file closes it. */
  async #letGo(segment: KnownSegment | undefined): Promise<void> {
    if (segment !== this.#reading) await segment?.file.close();
  }

  #isOver(number: number): boolean {
    return this.#over && number > this.#last;
  }

  async #open(number: number, signal: AbortSignal): Promise<KnownSegment | undefined> {
    const path = join(this.#incoming, `${String(number).padStart(6, '0')}.mkv`);
    while (!signal.aborted && !this.#over) {
      const known = this.#closed.find((segment) => segment.number === number);
      if (known !== undefined) return known;
      try {
        return { number, endUs: Number.MAX_SAFE_INTEGER, file: await open(path) };
      } catch (error) {
        if (systemCodeOf(error) !== 'ENOENT') throw error;
        // Closed and gone, without having been kept open: nothing of it will come.
        if (number <= this.#last) return undefined;
        await this.#clock.sleep(POLL_MS, signal).catch(() => undefined);
      }
    }
    return undefined;
  }

  async *#read(
    { file, number }: KnownSegment,
    signal: AbortSignal,
  ): AsyncGenerator<{ head: Buffer; clusters: Uint8Array[] }> {
    // One for all reads: it is asked ten times a second, mostly for nothing new.
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    let rest: Buffer = Buffer.alloc(0);
    let head: Buffer | undefined;
    for (let at = 0; !signal.aborted;) {
      // Asked before reading: what a closed file holds is then all there.
      const complete = this.#over || number <= this.#last;
      const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, at);
      at += bytesRead;
      if (bytesRead > 0) rest = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
      const begun = head === undefined ? streamHead(rest) : undefined;
      if (begun !== undefined) {
        head = begun.head;
        rest = rest.subarray(begun.clustersAt);
      }
      if (head !== undefined) {
        const { clusters, restAt } = wholeClusters(rest);
        rest = rest.subarray(restAt);
        if (clusters.length > 0) yield { head, clusters };
      }
      if (bytesRead > 0) continue;
      if (complete) return;
      await this.#clock.sleep(POLL_MS, signal).catch(() => undefined);
    }
  }
}
