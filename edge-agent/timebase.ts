import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '@faascam/core/clock';
import { isMissing } from '@faascam/core/durable-file';
import type { Logger } from '@faascam/core/log';
import { parseSegmentName } from './ring/segment.ts';

/**
 * The host's clock was set if it is this far from where it would be had it gone on evenly. Less is followed gently, as a
 * camera's drift is: time services step a clock by as little as half a second, and none needs a recording to begin anew.
 */
export const STEP_US = 2_000_000;
/** Less is the grain of the host's clock. */
const GRAIN_US = 5000;
const LOOK_EVERY_MS = 250;

/**
 * What to make of the host's clock. `beganUs` is how far it was from the even one when the epoch began, `offsetUs` how far
 * it was taken to be last, `seenUs` how far it is now.
 */
export function judgeOffset(offsets: {
  beganUs: number;
  offsetUs: number;
  seenUs: number;
}): 'same' | 'drifted' | 'stepped' {
  const { beganUs, offsetUs, seenUs } = offsets;
  if (Math.abs(seenUs - beganUs) >= STEP_US) return 'stepped';
  return Math.abs(seenUs - offsetUs) >= GRAIN_US ? 'drifted' : 'same';
}

/** The epoch that an agent begins in, whose newest footage ends at `endUs` in `epoch`. */
export function epochAfter(newest: { epoch: number; endUs: number } | undefined, nowUs: number): number {
  if (newest === undefined) return 0;
  return nowUs < newest.endUs - STEP_US ? newest.epoch + 1 : newest.epoch;
}

/** Tells the date. */
export interface Dates {
  /** Counts up each time the host's clock is set: within an epoch dates go on evenly, those of two may overlap. */
  readonly epoch: number;
  /** When the epoch began, by its own dates; undefined: before this agent was started. */
  readonly beganUs: number | undefined;
  /** Aborted when the epoch ends. */
  readonly epochEnds: AbortSignal;
  /** Microseconds since the Unix epoch, UTC, by the host's clock. */
  nowUs(): number;
  /** The date of a moment of the agent's even clock. */
  dateOf(steadyUs: number): number;
}

const never = new AbortController().signal;

/** Dates by a clock that is never set. */
export function evenDates(clock: Clock): Dates {
  return {
    ...{ epoch: 0, beganUs: undefined, epochEnds: never },
    nowUs: () => clock.nowUs(),
    dateOf: (steadyUs) => steadyUs,
  };
}

/**
 * The host's clock beside the even one that the agent measures durations with. A step of the host's clock ends the epoch,
 * and whatever is recorded begins anew with true dates. It follows the clock until the signal is aborted.
 */
export class Timebase implements Dates {
  #epoch: number;
  #beganUs: number | undefined;
  #offsets: { beganUs: number; offsetUs: number };
  #ends = new AbortController();
  readonly #clock: Clock;
  readonly #hostUs: () => number;
  readonly #log: Logger;

  private constructor(options: TimebaseOptions, newest: { epoch: number; endUs: number } | undefined) {
    this.#clock = options.clock;
    this.#hostUs = options.hostUs ?? hostUs;
    this.#log = options.log;
    const offsetUs = this.#hostUs() - this.#clock.nowUs();
    this.#offsets = { beganUs: offsetUs, offsetUs };
    this.#epoch = epochAfter(newest, this.nowUs());
    if (newest === undefined || newest.epoch === this.#epoch) return;
    this.#beganUs = this.nowUs();
    this.#log.warn(
      { epoch: this.#epoch },
      'The newest footage is from the future: the clock was set back since. What is recorded now is dated by the clock as it is.',
    );
  }

  /** Looks where the footage of all cameras ends. */
  static async open(options: TimebaseOptions): Promise<Timebase> {
    const timebase = new Timebase(options, await newestIn(options.ringDirectory));
    void timebase.#follow(options.signal);
    return timebase;
  }

  get epoch(): number {
    return this.#epoch;
  }

  get beganUs(): number | undefined {
    return this.#beganUs;
  }

  get epochEnds(): AbortSignal {
    return this.#ends.signal;
  }

  nowUs(): number {
    return this.dateOf(this.#clock.nowUs());
  }

  dateOf(steadyUs: number): number {
    return Math.round(steadyUs + this.#offsets.offsetUs);
  }

  /** The agent's clock with dates of the host's: for what tells the time, and measures none. */
  get dated(): Clock {
    return { nowUs: () => this.nowUs(), sleep: (ms, signal) => this.#clock.sleep(ms, signal) };
  }

  /** Looks at the host's clock; also done four times a second. */
  look(): void {
    const seenUs = this.#hostUs() - this.#clock.nowUs();
    const found = judgeOffset({ ...this.#offsets, seenUs });
    if (found === 'same') return;
    const byMs = Math.round((seenUs - this.#offsets.offsetUs) / 1000);
    this.#offsets = { beganUs: found === 'stepped' ? seenUs : this.#offsets.beganUs, offsetUs: seenUs };
    if (found === 'drifted') return;
    this.#epoch += 1;
    this.#beganUs = this.nowUs();
    this.#log.warn(
      { byMs, epoch: this.#epoch },
      "The host's clock was set: recording begins anew with the new time.",
    );
    const ends = this.#ends;
    this.#ends = new AbortController();
    ends.abort();
  }

  async #follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.look();
      await this.#clock.sleep(LOOK_EVERY_MS, signal).catch(() => undefined);
    }
  }
}

export interface TimebaseOptions {
  /** Holds a directory of footage a camera. */
  ringDirectory: string;
  /** Goes on evenly, whatever becomes of the host's. */
  clock: Clock;
  /** The host's clock; for tests. */
  hostUs?: (() => number) | undefined;
  log: Logger;
  signal: AbortSignal;
}

const hostUs = (): number => Date.now() * 1000;

/** The end of the newest footage of the newest epoch, of all cameras. */
async function newestIn(ringDirectory: string): Promise<{ epoch: number; endUs: number } | undefined> {
  let newest: { epoch: number; endUs: number } | undefined;
  for (const camera of await readdir(ringDirectory, { withFileTypes: true })) {
    if (!camera.isDirectory()) continue;
    for (const name of await namesIn(join(ringDirectory, camera.name))) {
      const segment = parseSegmentName(name);
      if (segment === undefined) continue;
      const isNewer =
        newest === undefined ||
        segment.epoch > newest.epoch ||
        (segment.epoch === newest.epoch && segment.endUs > newest.endUs);
      if (isNewer) newest = segment;
    }
  }
  return newest;
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
