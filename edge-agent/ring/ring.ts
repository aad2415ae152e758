import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock, type Clock } from '@faascam/core/clock';
import type { Logger } from '@faascam/core/log';
import { LastHour } from '../last-hour.ts';
import { agesOf, bytesOf, evictions, lostHolds, type Hold, type Quota } from './eviction.ts';
import { Pins } from './pins.ts';
import { Room, type Disk, type Tenant } from './room.ts';
import { inOrder, parseSegmentName, segmentName, type Segment, type SegmentTimes } from './segment.ts';

export interface RingOptions {
  directory: string;
  quota: Quota;
  log: Logger;
  clock?: Clock;
  /** The disk that it shares with other rings. Default: one of its own. */
  room?: Room;
  /** For a room of its own, see `RoomOptions`. */
  reserveBytes?: number;
  disk?: () => Promise<Disk>;
}

export interface RingStats {
  segments: number;
  bytes: number;
  /** From the oldest segment's begin to the newest one's end, with whatever is missing between. */
  spanMs: number;
  /** Of segments that events hold. */
  pinnedBytes: number;
  /** Events that lost what they held, since the agent's start, because all that is held had reached its bound. */
  lostPins: number;
  /** Taken in during the last hour. A segment is written once, so this is what the disk bears. */
  writtenLastHour: number;
}

/** Neighbours of one session lie this close: pictures shown before a keyframe may be stored behind it. */
export const JOIN_US = 1_000_000;
const REMEMBERED_SIZES = 5;
const MEGABYTE = 1024 * 1024;

/**
 * The last minutes of a camera: segment files in a directory, and an index of them in memory (some 100 bytes each).
 * A file's name says all that the index knows, so that any crash leaves a ring that can be read again.
 */
export class Ring implements Tenant {
  readonly #options: RingOptions;
  readonly #pins: Pins;
  readonly #room: Room;
  readonly #written: LastHour;
  #quota: Quota;
  #segments: Segment[];
  #newestSizes: number[];
  #lostPins = 0;

  private constructor(options: RingOptions, pins: Pins, segments: Segment[]) {
    this.#options = options;
    this.#pins = pins;
    this.#segments = segments;
    this.#newestSizes = segments.slice(-REMEMBERED_SIZES).map(({ sizeBytes }) => sizeBytes);
    this.#quota = options.quota;
    this.#written = new LastHour(options.clock ?? systemClock);
    this.#room = options.room ?? new Room(options);
    this.#room.enter(this);
  }

  /**
   * Opens the ring with what lies there. Other files in the directory are left alone; a segment without a byte goes:
   * the power was cut before the disk had it. The caller closes it.
   */
  static async open(options: RingOptions): Promise<Ring> {
    await mkdir(options.directory, { recursive: true });
    const pins = await Pins.open(join(options.directory, 'pins'));
    const segments: Segment[] = [];
    for (const name of await readdir(options.directory)) {
      const times = parseSegmentName(name);
      if (times === undefined) continue;
      const path = join(options.directory, name);
      const { size: sizeBytes } = await stat(path);
      if (sizeBytes === 0) await rm(path, { force: true });
      else segments.push({ path, ...times, sizeBytes });
    }
    segments.sort(inOrder);
    return new Ring(options, pins, segments);
  }

  get stats(): RingStats {
    const [first] = this.#segments;
    const oldestUs = first && (agesOf(this.#segments).get(first) ?? 0) + first.endUs - first.startUs;
    return {
      segments: this.#segments.length,
      bytes: bytesOf(this.#segments),
      spanMs: (oldestUs ?? 0) / 1000,
      pinnedBytes: bytesOf(this.#segments.filter((segment) => this.isPinned(segment))),
      lostPins: this.#lostPins,
      writtenLastHour: this.#written.total,
    };
  }

  /** Twice the largest of the newest, also if it is gone: what moves costs more than what stands still. */
  get nextBytes(): number {
    return 2 * Math.max(0, ...this.#newestSizes);
  }

  /** In order of writing; within an epoch that is the order of time. */
  get segments(): readonly Segment[] {
    return this.#segments;
  }

  get newest(): Segment | undefined {
    return this.#segments.at(-1);
  }

  /** The newest segment of an epoch. */
  newestOf(epoch: number): Segment | undefined {
    return this.#segments.findLast((segment) => segment.epoch === epoch);
  }

  /** Footage of this epoch before this time may have been dropped for want of room. Undefined where there is none. */
  evictedBeforeUs(epoch: number): number | undefined {
    const idle = this.#segments.find((segment) => segment.epoch === epoch && !this.isPinned(segment));
    return idle?.startUs ?? this.newestOf(epoch)?.endUs;
  }

  /**
   * Takes a closed file into the ring, and drops what is too old or too much. `joinsPrevious`: nothing lies between it
   * and the segment before, so that one lasts until this begins.
   */
  async add(file: string, times: SegmentTimes): Promise<Segment> {
    const { startUs, endUs, epoch = 0 } = times;
    const path = join(this.#options.directory, segmentName(startUs, endUs, epoch));
    const { size } = await stat(file);
    await rename(file, path);
    this.#written.add(size);
    this.#newestSizes = [...this.#newestSizes, size].slice(-REMEMBERED_SIZES);
    const segment = { path, startUs, endUs, sizeBytes: size, epoch };
    const previous = this.newestOf(epoch);
    const holeUs = previous === undefined ? 0 : startUs - previous.endUs;
    if (previous && times.joinsPrevious && holeUs > 0 && holeUs <= JOIN_US) previous.endUs = startUs;
    this.#segments = this.#segments.filter((other) => other.path !== path);
    const after = this.#segments.findIndex((other) => inOrder(other, segment) > 0);
    this.#segments.splice(after < 0 ? this.#segments.length : after, 0, segment);
    await this.evict();
    return segment;
  }

  /**
   * Segments of an epoch, the newest if none is given, that share time with the span, in order. The first begins at or
   * before `fromUs` if there is footage.
   */
  overlapping(fromUs: number, toUs: number, epoch = this.newest?.epoch): Segment[] {
    return this.#segments.filter(
      (segment) => segment.epoch === epoch && segment.startUs < toUs && segment.endUs > fromUs,
    );
  }

  /** What events hold. */
  get held(): readonly Hold[] {
    return this.#pins.held;
  }

  /** Holds what lies between these times for an event; in vain when it has lost its pin before. */
  async pin(event: string, fromUs: number, toUs: number): Promise<void> {
    await this.#pins.add(event, { fromUs, toUs });
  }

  async unpin(event: string): Promise<void> {
    await this.#pins.remove(event);
    await this.evict();
  }

  /** Takes their pins from events. What they held is dropped in its turn. */
  async losePins(events: readonly string[]): Promise<void> {
    for (const event of events) {
      await this.#pins.lose(event);
      this.#lostPins += 1;
      this.#options.log.warn(
        { event },
        "Too much footage waits for its clips to be stored: the oldest event's is no longer held.",
      );
    }
  }

  /** Takes a segment out that could not be read, and its file with it. */
  async forget(segment: Segment): Promise<void> {
    this.#segments = this.#segments.filter((other) => other !== segment);
    await rm(segment.path, { force: true });
  }

  /** Keeps more or less from now on. */
  async setQuota(quota: Quota): Promise<void> {
    this.#quota = quota;
    await this.evict();
  }

  /** Drops what is beyond the quota, and what the disk and the other rings need. */
  async evict(): Promise<void> {
    const [lost = []] = lostHolds([this], this.#quota.pinnedMegabytes * MEGABYTE);
    await this.losePins(lost);
    const dropped = evictions(this, this.#quota);
    if (dropped.length > 0) await this.drop(dropped);
    await this.#room.makeRoom();
  }

  /** Whether the next segments can be written; see `Room.hasRoom`. */
  async hasRoom(reserveShare: number): Promise<boolean> {
    return await this.#room.hasRoom(this, reserveShare);
  }

  async drop(segments: readonly Segment[]): Promise<void> {
    const gone = new Set(segments);
    this.#segments = this.#segments.filter((segment) => !gone.has(segment));
    for (const { path } of segments) await rm(path, { force: true });
  }

  /** Whether an event needs it. */
  readonly isPinned = (segment: Segment): boolean => this.#pins.hold(segment.startUs, segment.endUs);

  /** Leaves the room: others may go on writing there. */
  close(): void {
    this.#room.leave(this);
  }
}
