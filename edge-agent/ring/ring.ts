import { mkdir, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock, type Clock } from '@faascam/core/clock';
import { systemCodeOf } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import { RateLimit } from '../rate-limit.ts';
import { evictions, type Quota } from './eviction.ts';
import { Pins } from './pins.ts';
import { parseSegmentName, segmentName, type Segment } from './segment.ts';

export interface RingOptions {
  directory: string;
  quota: Quota;
  log: Logger;
  clock?: Clock;
  /** Below this much free space the oldest footage goes, whatever the quota. Default 128 MB. */
  reserveBytes?: number;
  /** Free bytes on the ring's disk; for tests. */
  freeBytes?: () => Promise<number>;
}

/** Neighbours of one session lie this close: pictures shown before a keyframe may be stored behind it. */
export const JOIN_US = 1_000_000;
const RESERVE_BYTES = 128 * 1024 * 1024;
const RECOVERY_INTERVAL_MS = 600_000;

/**
 * The last minutes of a camera: segment files in a directory, and an index of them in memory (some 100 bytes each).
 * A file's name says all that the index knows, so that any crash leaves a ring that can be read again.
 */
export class Ring {
  readonly #options: RingOptions;
  readonly #pins: Pins;
  readonly #limit: RateLimit;
  #segments: Segment[];

  private constructor(options: RingOptions, pins: Pins, segments: Segment[]) {
    this.#options = options;
    this.#pins = pins;
    this.#segments = segments;
    this.#limit = new RateLimit(options.clock ?? systemClock, RECOVERY_INTERVAL_MS);
  }

  /** Opens the ring with what lies there. Other files in the directory are left alone. */
  static async open(options: RingOptions): Promise<Ring> {
    await mkdir(options.directory, { recursive: true });
    const pins = await Pins.open(join(options.directory, 'pins'));
    const segments: Segment[] = [];
    for (const name of await readdir(options.directory)) {
      const times = parseSegmentName(name);
      if (times === undefined) continue;
      const path = join(options.directory, name);
      segments.push({ path, ...times, sizeBytes: (await stat(path)).size });
    }
    segments.sort((a, b) => a.startUs - b.startUs);
    return new Ring(options, pins, segments);
  }

  get stats(): { segments: number; bytes: number; spanMs: number } {
    const bytes = this.#segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const [first, last] = [this.#segments[0], this.#segments.at(-1)];
    const spanMs = first && last ? (last.endUs - first.startUs) / 1000 : 0;
    return { segments: this.#segments.length, bytes, spanMs };
  }

  get newest(): Segment | undefined {
    return this.#segments.at(-1);
  }

  /** Footage before this time may have been dropped for want of room. Undefined for an empty ring. */
  get evictedBeforeUs(): number | undefined {
    return this.#segments.find((segment) => !this.#isPinned(segment))?.startUs ?? this.newest?.endUs;
  }

  /**
   * Takes a closed file into the ring, and drops what is too old or too much. `joinsPrevious`: nothing lies between it
   * and the segment before, so that one lasts until this begins.
   */
  async add(
    file: string,
    times: { startUs: number; endUs: number; joinsPrevious: boolean },
  ): Promise<Segment> {
    const { startUs, endUs } = times;
    const path = join(this.#options.directory, segmentName(startUs, endUs));
    const { size } = await stat(file);
    await rename(file, path);
    const segment = { path, startUs, endUs, sizeBytes: size };
    const previous = this.#segments.at(-1);
    const holeUs = previous === undefined ? 0 : startUs - previous.endUs;
    if (previous && times.joinsPrevious && holeUs > 0 && holeUs <= JOIN_US) previous.endUs = startUs;
    this.#segments = this.#segments.filter((other) => other.path !== path);
    const after = this.#segments.findIndex((other) => other.startUs > startUs);
    this.#segments.splice(after < 0 ? this.#segments.length : after, 0, segment);
    await this.evict();
    return segment;
  }

  /** Segments that share time with the span, in order. The first begins at or before `fromUs` if there is footage. */
  overlapping(fromUs: number, toUs: number): Segment[] {
    return this.#segments.filter((segment) => segment.startUs < toUs && segment.endUs > fromUs);
  }

  async pin(event: string, fromUs: number, toUs: number): Promise<void> {
    await this.#pins.add(event, { fromUs, toUs });
  }

  async unpin(event: string): Promise<void> {
    await this.#pins.remove(event);
    await this.evict();
  }

  /** Takes a segment out that could not be read, and its file with it. */
  async forget(segment: Segment): Promise<void> {
    this.#segments = this.#segments.filter((other) => other !== segment);
    await rm(segment.path, { force: true });
  }

  /** Drops what is beyond the quota, and, when the disk is nearly full, the oldest of the rest. */
  async evict(): Promise<void> {
    const wantedBytes = (this.#options.reserveBytes ?? RESERVE_BYTES) - (await this.#freeBytes());
    if (wantedBytes > 0) {
      this.#limit.tell('disk', () =>
        this.#options.log.warn(
          { directory: this.#options.directory },
          'The disk of the ring is nearly full: its oldest footage is dropped early. Free some space or keep less.',
        ),
      );
    }
    const dropped = evictions({
      segments: this.#segments,
      isPinned: (segment) => this.#isPinned(segment),
      quota: this.#options.quota,
      wantedBytes,
    });
    if (dropped.length === 0) return;
    const gone = new Set(dropped);
    this.#segments = this.#segments.filter((segment) => !gone.has(segment));
    for (const { path } of dropped) await rm(path, { force: true });
  }

  #isPinned(segment: Segment): boolean {
    return this.#pins.hold(segment.startUs, segment.endUs);
  }

  async #freeBytes(): Promise<number> {
    if (this.#options.freeBytes !== undefined) return await this.#options.freeBytes();
    try {
      const { bavail, bsize } = await statfs(this.#options.directory);
      return bavail * bsize;
    } catch (error) {
      // Some network file systems do not tell; the quota still holds.
      if (systemCodeOf(error) === 'ENOSYS') return Number.MAX_SAFE_INTEGER;
      throw error;
    }
  }
}
