import { rm } from 'node:fs/promises';
import type { Footage } from '../ring/footage.ts';
import { noteOffset } from '../ring/recovery.ts';
import { CaptureClock } from './capture-clock.ts';
import type { ClosedSegment, SampledFrame } from './session.ts';

export interface LiveSessionOptions {
  footage: Footage;
  /** The session's directory, from `footage.openSession`. */
  incoming: string;
  /** The end of what was recorded before. */
  notBeforeUs: number | undefined;
  onFrame: (jpeg: Buffer, capturedAtUs: number, arrivedUs: number) => void;
}

/** Less is not worth a write to the disk. */
const NOTE_STEP_US = 10_000;

/**
 * Gives the frames and segments of one live session their capture times. What comes in the first second is held back
 * until the session's clock has settled.
 */
export class LiveSession {
  readonly #options: LiveSessionOptions;
  readonly #clock: CaptureClock;
  readonly #jumped = new AbortController();
  readonly #settled: Promise<void>;
  #held: SampledFrame[] = [];
  #segments = 0;
  #notedUs: number | undefined;
  #setSettled: () => void = () => undefined;

  constructor(options: LiveSessionOptions) {
    this.#options = options;
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

  async frame(frame: SampledFrame): Promise<void> {
    if (this.jumped.aborted) return;
    if (this.#clock.observe(frame.streamUs, frame.arrivedUs) === 'jumped') {
      this.#jumped.abort();
      return;
    }
    this.#held.push(frame);
    if (!this.#clock.settled) return;
    this.#release();
    if (this.#notedUs === undefined) await this.#note(this.#clock.at(frame.streamUs) - frame.streamUs);
    this.#setSettled();
  }

  /** No more frames come: what was held back is given times with what is known. */
  framesEnded(): void {
    this.#clock.settle();
    this.#release();
    this.#setSettled();
  }

  async segment({ path, startUs, endUs }: ClosedSegment): Promise<void> {
    await this.#settled;
    // Without a single frame nothing tells when this was.
    if (!this.#clock.settled) return;
    const times = { startUs: this.#clock.at(startUs), endUs: this.#clock.at(endUs) };
    const joinsPrevious = this.#segments > 0;
    this.#segments += 1;
    await this.#options.footage.add(path, { ...times, joinsPrevious });
    await this.#note(times.startUs - startUs);
  }

  /** Removes the session's directory. Call it after the last segment. */
  async end(): Promise<void> {
    await rm(this.#options.incoming, { recursive: true, force: true });
  }

  #release(): void {
    const held = this.#held;
    this.#held = [];
    if (!this.#clock.settled) return;
    for (const { jpeg, streamUs, arrivedUs } of held) {
      this.#options.onFrame(jpeg, this.#clock.at(streamUs), arrivedUs);
    }
  }

  /** For whoever finds this session's files after a crash. */
  async #note(offsetUs: number): Promise<void> {
    if (this.#notedUs !== undefined && Math.abs(offsetUs - this.#notedUs) < NOTE_STEP_US) return;
    this.#notedUs = offsetUs;
    await noteOffset(this.#options.incoming, offsetUs);
  }
}
