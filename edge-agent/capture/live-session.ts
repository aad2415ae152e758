import { rm } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Clock } from '@faascam/core/clock';
import type { Footage } from '../ring/footage.ts';
import { evenDates, type Dates } from '../timebase.ts';
import { noteOffset } from '../ring/recovery.ts';
import { CaptureClock } from './capture-clock.ts';
import type { SegmentFollower } from './segment-follower.ts';
import type { ClosedSegment, SampledFrame } from './session.ts';

export interface LiveFrame extends SampledFrame {
  capturedAtUs: number;
}

export interface LiveSessionOptions {
  /** Where segments go, and the session's directory from `footage.openSession`, if it has segments. */
  recording?: { footage: Footage; incoming: string } | undefined;
  /** Gets to know the segments before they are moved. */
  follower?: SegmentFollower | undefined;
  /** Whether frames come; else segments alone tell the time. */
  hasFrames: boolean;
  /** The end of what was recorded before. */
  notBeforeUs: number | undefined;
  onFrame: (frame: LiveFrame) => void;
  clock: Clock;
  /** Tells the date of what arrives, where the host's clock may be set. Default: the clock's. */
  dates?: Dates | undefined;
  /** Called once when frames come ever later: they cannot be made as fast as the camera sends. */
  onBehind?: (() => void) | undefined;
}

/** A network that was slow for a moment catches up; who is this late for this long does not. */
const BEHIND_US = 3_000_000;
const BEHIND_FOR_US = 5_000_000;

/** How long arrivals are only watched before they tell the time: a camera's first pictures come late, then in a burst. */
const SETTLE_MS = 1000;

/** Less is not worth a write to the disk. */
const NOTE_STEP_US = 10_000;

/**
 * Gives the frames and segments of one live session their capture times. What comes in the first second is held back
 * until the session's clock has settled.
 */
export class LiveSession {
  readonly #options: LiveSessionOptions;
  readonly #clock: CaptureClock;
  readonly #dates: Dates;
  readonly #epoch: number;
  readonly #jumped = new AbortController();
  readonly #settled: Promise<void>;
  readonly #over = new AbortController();
  #settling: Promise<void> | undefined;
  #held: SampledFrame[] = [];
  #heldSegments: ClosedSegment[] = [];
  #segments = 0;
  #behindSinceUs: number | undefined;
  #notedUs: number | undefined;
  #setSettled: () => void = () => undefined;

  constructor(options: LiveSessionOptions) {
    this.#options = options;
    this.#dates = options.dates ?? evenDates(options.clock);
    this.#epoch = this.#dates.epoch;
    this.#clock = new CaptureClock(
      options.notBeforeUs === undefined ? {} : { notBeforeUs: options.notBeforeUs },
    );
    this.#settled = new Promise((resolve) => {
      this.#setSettled = resolve;
    });
  }

  /** Aborted when the camera has set its clock: the session's times mean nothing any more. */
  get jumped(): AbortSignal {
    return this.#jumped.signal;
  }

  /** The capture time of a moment of the stream, once frames have come. */
  capturedAtUs(streamUs: number): number {
    return this.#clock.at(streamUs);
  }

  /** The same where it may be too early to say. */
  dateOf(streamUs: number): number | undefined {
    return this.#clock.settled ? this.#clock.at(streamUs) : undefined;
  }

  /** Takes the next frame. The promise, if any, is one that it should not be followed by the next before. */
  frame(frame: SampledFrame): void | Promise<void> {
    if (!this.#observe(frame.streamUs, frame.arrivedUs)) return;
    this.#held.push(frame);
    if (this.#clock.settled) {
      this.#watchDelay(frame);
      return this.#takeHeld();
    } else {
      // Keyframes may be far apart: the next one is not waited for.
      this.#settling ??= this.#settleSoon();
      // `end` tells of its faults.
      this.#settling.catch(() => undefined);
    }
  }

  async #settleSoon(): Promise<void> {
    await this.#options.clock.sleep(SETTLE_MS, this.#over.signal).catch(() => undefined);
    if (this.jumped.aborted) return;
    this.#clock.settle();
    await this.#takeHeld();
  }

  #takeHeld(): void | Promise<void> {
    const [first] = this.#held;
    this.#release();
    if (this.#notedUs !== undefined || this.#options.recording === undefined || first === undefined) {
      this.#setSettled();
      return;
    }
    return this.#note(this.#clock.at(first.streamUs) - first.streamUs).then(this.#setSettled);
  }

  /** No more frames come: what was held back is given times with what is known. */
  framesEnded(): void {
    this.#clock.settle();
    this.#release();
    this.#setSettled();
  }

  async segment(segment: ClosedSegment): Promise<void> {
    await this.#options.follower?.closed(basename(segment.path), segment.endUs);
    if (this.#options.hasFrames) {
      await this.#settled;
    } else if (!this.#observe(segment.endUs, segment.arrivedUs)) {
      return;
    }
    this.#heldSegments.push(segment);
    await this.#releaseSegments();
  }

  /** Keeps the last segments, and removes the session's directory. Call it after the last segment. */
  async end(): Promise<void> {
    this.#over.abort();
    await this.#settling;
    this.#clock.settle();
    await this.#releaseSegments();
    const { recording, follower } = this.#options;
    await follower?.close();
    if (recording !== undefined) await rm(recording.incoming, { recursive: true, force: true });
  }

  #watchDelay({ streamUs, arrivedUs }: SampledFrame): void {
    if (this.#clock.lateUs(streamUs, this.#dates.dateOf(arrivedUs)) < BEHIND_US)
      this.#behindSinceUs = undefined;
    else this.#behindSinceUs ??= arrivedUs;
    if (arrivedUs - (this.#behindSinceUs ?? arrivedUs) < BEHIND_FOR_US) return;
    this.#behindSinceUs = arrivedUs;
    this.#options.onBehind?.();
  }

  #observe(streamUs: number, arrivedUs: number): boolean {
    if (this.jumped.aborted) return false;
    // The session ends with its epoch: what still comes is laid onto what came before.
    if (this.#dates.epoch !== this.#epoch) return this.#clock.settled;
    if (this.#clock.observe(streamUs, this.#dates.dateOf(arrivedUs)) === 'steady') return true;
    this.#jumped.abort();
    return false;
  }

  #release(): void {
    const held = this.#held;
    this.#held = [];
    if (!this.#clock.settled) return;
    for (const frame of held) {
      this.#options.onFrame({ ...frame, capturedAtUs: this.#clock.at(frame.streamUs) });
    }
  }

  async #releaseSegments(): Promise<void> {
    // Without a single frame or following segment nothing tells when this was.
    if (!this.#clock.settled) return;
    for (let next = this.#heldSegments.shift(); next !== undefined; next = this.#heldSegments.shift()) {
      const times = { startUs: this.#clock.at(next.startUs), endUs: this.#clock.at(next.endUs) };
      const joinsPrevious = this.#segments > 0;
      this.#segments += 1;
      await this.#options.recording?.footage.add(next.path, { ...times, joinsPrevious, epoch: this.#epoch });
      await this.#note(times.startUs - next.startUs);
    }
  }

  /** For whoever finds this session's files after a crash. */
  async #note(offsetUs: number): Promise<void> {
    const { recording } = this.#options;
    if (recording === undefined) return;
    if (this.#notedUs !== undefined && Math.abs(offsetUs - this.#notedUs) < NOTE_STEP_US) return;
    this.#notedUs = offsetUs;
    // A note serves only who comes after a crash; a disk that takes none is told of where footage is written.
    await noteOffset(recording.incoming, offsetUs, this.#epoch).catch(() => undefined);
  }
}
