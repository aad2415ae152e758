import type { ProbedPacket } from './packet-list.ts';

/** What a camera's stream was seen to be. */
export interface StreamFacts {
  video: {
    /** As ffmpeg names it: `h264`, `hevc`, `mjpeg`. */
    codec: string;
    profile?: string;
    width: number;
    height: number;
    /** Pictures a second that the stream says it has. */
    claimedRate?: number;
    /** And those that came, by their times. Missing where too few came to tell. */
    rate?: number;
    /** Pictures come at even intervals. */
    even: boolean;
    /** The longest time from a keyframe to the next. Missing where only keyframes come, or too little was seen. */
    keyframeIntervalMs?: number;
    /** The last of those was not over yet: it is longer still. */
    keyframeIntervalOpen: boolean;
    /** Every picture is a keyframe. */
    allKeyframes: boolean;
  };
  audio?: { codec: string };
  /** Of video and audio together, kbit/s. Missing where too little was seen. */
  kbps?: number;
  /** For how long the stream was looked at, by its own times. */
  measuredMs: number;
  /** ffmpeg did not have to mend times that went back or stood still. */
  timesIncrease: boolean;
  /** How far the camera's clock is ahead of this host's. Missing where the camera does not tell it. */
  clockAheadMs?: number;
}

/** A usable interval needs three keyframes, a usable rate some seconds; nobody wants to wait longer for either. */
const ENOUGH_KEYFRAMES = 3;
const ENOUGH_MS = 3000;
const MOST_MS = 8000;
/** How long a stream takes to come as fast as it is made. */
const SETTLED_MS = 1000;
/** No camera reorders more pictures. */
const REORDERED = 4;
/** More packets than eight seconds of any camera have. */
const MOST_PACKETS = 20_000;

/** Says when a stream was looked at long enough. */
export class Enough {
  #firstMs = Number.POSITIVE_INFINITY;
  #lastMs = Number.NEGATIVE_INFINITY;
  #keyframes = 0;
  #packets = 0;

  /** Whether with this packet all is told that is asked. */
  push({ kind, timeMs, keyframe }: ProbedPacket): boolean {
    this.#packets += 1;
    if (kind === 'video' && timeMs !== undefined) {
      this.#firstMs = Math.min(this.#firstMs, timeMs);
      this.#lastMs = Math.max(this.#lastMs, timeMs);
      if (keyframe) this.#keyframes += 1;
    }
    const spanMs = this.#lastMs - this.#firstMs;
    return (
      spanMs >= MOST_MS ||
      (spanMs >= ENOUGH_MS && this.#keyframes >= ENOUGH_KEYFRAMES) ||
      this.#packets >= MOST_PACKETS
    );
  }
}

export type Measures = Pick<StreamFacts, 'measuredMs' | 'kbps'> & {
  video: Pick<
    StreamFacts['video'],
    'rate' | 'even' | 'keyframeIntervalMs' | 'keyframeIntervalOpen' | 'allKeyframes'
  >;
};

/** What the packets of a stream tell. They come in order of decoding, which need not be that of their times. */
export function measure(packets: readonly ProbedPacket[]): Measures {
  const video = packets.filter(({ kind }) => kind === 'video');
  const times = videoTimes(packets);
  const spanMs = spanOf(times);
  const whole = steady(times);
  const frameMs = whole.length > 1 ? spanOf(whole) / (whole.length - 1) : 0;
  // The last picture lasts as long as the others.
  const totalMs = spanMs + frameMs;
  const bytes = packets.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const keyframes = video.flatMap(({ keyframe, timeMs }) =>
    keyframe && timeMs !== undefined ? [timeMs] : [],
  );
  const allKeyframes = video.length > 1 && video.every(({ keyframe }) => keyframe);
  return {
    measuredMs: Math.round(totalMs),
    ...(spanMs > 0 ? { kbps: Math.round((bytes * 8) / totalMs) } : {}),
    video: {
      ...(spanMs > 0 ? { rate: round(1000 / frameMs) } : {}),
      ...{ even: isEven(whole), allKeyframes },
      ...(allKeyframes ? { keyframeIntervalOpen: false } : keyframeInterval(keyframes, times, frameMs)),
    },
  };
}

function keyframeInterval(
  keyframes: readonly number[],
  times: readonly number[],
  frameMs: number,
): { keyframeIntervalMs?: number; keyframeIntervalOpen: boolean } {
  const [first, last, end] = [keyframes[0], keyframes.at(-1), times.at(-1)];
  if (first === undefined || last === undefined || end === undefined || times.length < 2) {
    return { keyframeIntervalOpen: false };
  }
  const closed = Math.max(
    0,
    ...keyframes.slice(1).map((timeMs, index) => timeMs - (keyframes[index] ?? timeMs)),
  );
  const open = end + frameMs - last;
  return open > closed
    ? { keyframeIntervalMs: Math.round(open), keyframeIntervalOpen: true }
    : { keyframeIntervalMs: Math.round(closed), keyframeIntervalOpen: false };
}

/** Nine of ten intervals within half of the usual one: jitter of a network or rounding to milliseconds is even. */
function isEven(times: readonly number[]): boolean {
  const intervals = times.slice(1).map((timeMs, index) => timeMs - (times[index] ?? timeMs));
  if (intervals.length < 10) return true;
  const usual = [...intervals].sort((a, b) => a - b)[Math.floor(intervals.length / 2)] ?? 0;
  const odd = intervals.filter((interval) => Math.abs(interval - usual) > usual / 2);
  return odd.length <= intervals.length / 10;
}

/**
 * The times that tell of the rate, where there are enough: without the beginning, as servers hand over what they had
 * stored at once, and without the end, where some of the pictures that are shown before the last are still missing.
 */
function steady(times: readonly number[]): readonly number[] {
  const fromMs = (times[0] ?? 0) + (spanOf(times) >= ENOUGH_MS ? SETTLED_MS : 0);
  const settled = times.filter((timeMs) => timeMs >= fromMs);
  return settled.length > 4 * REORDERED ? settled.slice(0, -REORDERED) : settled;
}

function videoTimes(packets: readonly ProbedPacket[]): number[] {
  return packets
    .flatMap(({ kind, timeMs }) => (kind === 'video' && timeMs !== undefined ? [timeMs] : []))
    .sort((a, b) => a - b);
}

function spanOf(times: readonly number[]): number {
  return (times.at(-1) ?? 0) - (times[0] ?? 0);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
