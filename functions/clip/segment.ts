import type { SegmentRef } from '@faascam/core/messages';
import { usualIntervalUs, type Pictures } from './coverage.ts';
import type { Cluster } from './matroska.ts';

/** A segment of the ring that lies in a file of ours. */
export interface SegmentFile {
  ref: SegmentRef;
  path: string;
}

/** What a decoder must know of a stream before its first packet. */
export interface StreamKind {
  /** ffmpeg's number of it: its place in the file. */
  index: number;
  /** By ffmpeg's name; `unknown` for what we have no name for. */
  codec: string;
  width: number;
  height: number;
  sampleRate: number;
  channels: number;
  /** Tells the decoder's parameters apart: H.264's and H.265's sets, AAC's description. */
  parameters: string;
  /** Whether the pictures are H.264 as every browser plays it; undefined for what is not H.264. */
  plainH264?: boolean;
}

export const DIGEST_BYTES = 32;

/** A stream's packets, in the order of the file, which is the order of decoding. At least one. */
export interface Track {
  stream: StreamKind;
  /** Their times on the segment's own time line, whole milliseconds. */
  ptsUs: Float64Array;
  /** sha256 of each, one behind the other. */
  digests: Uint8Array;
  /** How long the packet that is shown last is shown; 0 if unknown. */
  lastDurationUs: number;
}

/** What is in a segment. Its own time line begins anywhere: at 0, or where the camera's stream had got to. */
export interface Segment extends SegmentFile {
  /** The first time of any of its streams. */
  fileStartUs: number;
  /** Time of the first picture, a keyframe, which was captured at `ref.startUs`. */
  firstPictureUs: number;
  video: Track;
  /** Which sound its file is made for, also when there is none in it. */
  sound?: StreamKind;
  audio?: Track;
  /** How its Matroska file can be joined to others; undefined for a file of another kind. */
  matroska?: { tracksElement: Buffer; clusters: Cluster[] };
}

/** When a packet of a segment was captured. */
export function capturedAtUs(segment: Segment, ptsUs: number): number {
  return segment.ref.startUs + ptsUs - segment.firstPictureUs;
}

/** When the footage of a segment ends: at the end of its last picture. */
export function endUs(segment: Segment): number {
  return picturesOf(segment).endUs;
}

/** When the pictures of a segment were captured. One that does not say how long it lasts lasts as long as they usually do. */
export function picturesOf(segment: Segment): Pictures {
  const { ptsUs, lastDurationUs } = segment.video;
  // A keyframe's segment may hold pictures from before it, which cannot be decoded without the segment before.
  const atUs = ptsUs
    .map((time) => capturedAtUs(segment, time))
    .filter((time) => time >= segment.ref.startUs)
    .sort();
  const lastUs = atUs.at(-1) ?? segment.ref.startUs;
  const durationUs = lastDurationUs > 0 ? lastDurationUs : usualIntervalUs([{ atUs, endUs: lastUs }]);
  return { atUs, endUs: lastUs + durationUs };
}

/** The longest time between two pictures shown one after the other; 0 for a single one. */
export function longestIntervalUs({ video }: Segment): number {
  const times = video.ptsUs.slice().sort();
  return times.reduce((longest, time, index) => Math.max(longest, time - (times[index - 1] ?? time)), 0);
}

/** When the packet that is shown first is shown. */
export function firstUs({ ptsUs }: Track): number {
  return ptsUs.reduce((first, time) => Math.min(first, time), Number.POSITIVE_INFINITY);
}

/** When the packet that is shown last is shown. */
export function lastUs({ ptsUs }: Track): number {
  return ptsUs.reduce((last, time) => Math.max(last, time), Number.NEGATIVE_INFINITY);
}

/**
 * No event has such a hole in its middle, unless the host's clock was set forward: nobody shall watch a picture that
 * stands for an hour.
 */
const LONGEST_HOLE_US = 60_000_000;

/**
 * Consecutive runs of segments that can each be one file: of one codec, size and set of parameters, of one sound, and
 * without a hole of more than a minute. A segment without any sound fits those that have some, as long as one with some
 * comes first.
 */
export function partsOf(segments: Segment[]): Segment[][] {
  const parts: Segment[][] = [];
  for (const segment of segments) {
    const part = parts.at(-1);
    const [first, before] = [part?.[0], part?.at(-1)];
    if (part !== undefined && first !== undefined && before !== undefined && fits(segment, first, before)) {
      part.push(segment);
    } else parts.push([segment]);
  }
  return parts;
}

function fits(segment: Segment, first: Segment, before: Segment): boolean {
  if (kindOf(segment.video.stream) !== kindOf(first.video.stream)) return false;
  if (segment.ref.startUs - endUs(before) > LONGEST_HOLE_US) return false;
  if (segment.sound === undefined) return true;
  return first.sound !== undefined && kindOf(segment.sound) === kindOf(first.sound);
}

function kindOf({ index, codec, width, height, sampleRate, channels, parameters }: StreamKind): string {
  return [index, codec, width, height, sampleRate, channels, parameters].join(' ');
}

/** The sound of segments that are one part; undefined when none has any. */
export function soundOf(segments: Segment[]): StreamKind | undefined {
  return segments.find(({ audio }) => audio !== undefined)?.sound;
}
