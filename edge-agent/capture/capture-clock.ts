/** Turns times of a stream into capture times, both in integer microseconds. */
export interface TimeMap {
  at(streamUs: number): number;
}

/** A recording's times begin at `startUs`. */
export function recordingTime(startUs: number): TimeMap {
  return { at: (streamUs) => startUs + streamUs };
}

export interface CaptureClockOptions {
  /** No picture is taken to be older than this: the end of what was recorded before. Default: none. */
  notBeforeUs?: number;
  /** How long arrivals are only watched. A camera's first pictures come late and then in a burst. Default 1000. */
  settleMs?: number;
}

/** How far back the quickest arrival counts: long enough to hold a quiet moment of the network. */
const WINDOW_US = 60_000_000;
const BUCKET_US = 2_000_000;
/**
 * Later by at most 1 ms a second: crystals of cameras differ by a tenth of that, and more would be the network's doing.
 * Earlier by 200 ms a second: a picture that came quicker proves the time too late. No frame is ever moved past another.
 */
const SLEW = { later: 0.001, earlier: 0.2 };
/** At once by no more than this: between two keyframes, whose arrivals are seen, lie pictures that are told later. */
const MOST_EARLIER_US = 40_000;
/** Offsets are kept in steps of this, so that neighbours share one. */
const STEP_US = 1000;
/** Arriving this much ahead of its time, or this much back in time: the camera has set its clock. */
const AHEAD_US = 2_000_000;
const BACK_US = 1_000_000;
/** Steps remembered for what is asked late, such as a segment's start: the last minutes at the least. */
const MOST_STEPS = 1024;

/**
 * Capture times of a live stream. A picture can arrive late but never before it was taken, so the quickest arrival of
 * the last minute tells best how the stream's time lies to ours: `offset = min(arrival - time)`.
 * The offset follows gently, and what was said of a time is said again when asked later, so that a segment and the
 * frames in it agree. Times never go back as long as the stream's do not.
 */
export class CaptureClock implements TimeMap {
  readonly #notBeforeUs: number;
  readonly #settleUs: number;
  /** The least delay of each stretch of arrivals, oldest first. */
  #buckets: { arrivedUs: number; leastUs: number }[] = [];
  /** The offset from a stream time on, in order of time. */
  #steps: { fromUs: number; offsetUs: number }[] = [];
  #offsetUs = 0;
  #first: { streamUs: number; arrivedUs: number } | undefined;
  #lastUs = 0;

  constructor(options: CaptureClockOptions = {}) {
    this.#notBeforeUs = options.notBeforeUs ?? 0;
    this.#settleUs = (options.settleMs ?? 1000) * 1000;
  }

  /** Whether times can be asked for. */
  get settled(): boolean {
    return this.#steps.length > 0;
  }

  /**
   * A picture of time `streamUs` came at `arrivedUs`. Says `jumped` when the stream's clock was set: this clock is of
   * no use from then on.
   */
  observe(streamUs: number, arrivedUs: number): 'steady' | 'jumped' {
    const delayUs = arrivedUs - streamUs;
    if (this.#first === undefined) this.#first = { streamUs, arrivedUs };
    else if (streamUs < this.#lastUs - BACK_US) return 'jumped';
    else if (this.settled && delayUs < this.#least() - AHEAD_US) return 'jumped';
    const sinceLastUs = Math.max(0, streamUs - this.#lastUs);
    this.#lastUs = Math.max(this.#lastUs, streamUs);
    this.#remember(delayUs, arrivedUs);
    if (this.settled) this.#follow(streamUs, sinceLastUs);
    else if (arrivedUs - this.#first.arrivedUs >= this.#settleUs) this.settle();
    return 'steady';
  }

  /** Makes do with the arrivals seen so far. Without any, nothing changes. */
  settle(): void {
    if (this.settled || this.#first === undefined) return;
    // What was recorded before ends where it ends: if the guess overlaps it, the whole session moves.
    this.#offsetUs = Math.max(this.#least(), this.#notBeforeUs - this.#first.streamUs);
    this.#steps.push({ fromUs: this.#first.streamUs, offsetUs: Math.round(this.#offsetUs) });
  }

  /** How much later a picture arrived than the quickest of late. */
  lateUs(streamUs: number, arrivedUs: number): number {
    return this.#buckets.length === 0 ? 0 : arrivedUs - streamUs - this.#least();
  }

  /** The capture time of `streamUs`. Throws when the clock has not settled. */
  at(streamUs: number): number {
    const step = this.#steps.findLast(({ fromUs }) => fromUs <= streamUs) ?? this.#steps[0];
    if (step === undefined) throw new Error('the capture clock was asked before it settled');
    return Math.round(streamUs + step.offsetUs);
  }

  #remember(delayUs: number, arrivedUs: number): void {
    const newest = this.#buckets.at(-1);
    if (newest === undefined || arrivedUs - newest.arrivedUs >= BUCKET_US) {
      this.#buckets.push({ arrivedUs, leastUs: delayUs });
      this.#buckets = this.#buckets.filter((bucket) => arrivedUs - bucket.arrivedUs <= WINDOW_US);
    } else {
      newest.leastUs = Math.min(newest.leastUs, delayUs);
    }
  }

  #least(): number {
    let least = Number.POSITIVE_INFINITY;
    for (const { leastUs } of this.#buckets) least = Math.min(least, leastUs);
    return least;
  }

  #follow(streamUs: number, sinceLastUs: number): void {
    const step = this.#least() - this.#offsetUs;
    const mostEarlierUs = Math.min(MOST_EARLIER_US, sinceLastUs * SLEW.earlier);
    this.#offsetUs += Math.min(sinceLastUs * SLEW.later, Math.max(-mostEarlierUs, step));
    const current = this.#steps.at(-1);
    if (current === undefined || Math.abs(this.#offsetUs - current.offsetUs) < STEP_US) return;
    this.#steps.push({ fromUs: streamUs, offsetUs: Math.round(this.#offsetUs) });
    if (this.#steps.length > MOST_STEPS) this.#steps.shift();
  }
}
