import { ProgramError } from '@faascam/core/errors';
import { decode } from './ffmpeg.ts';
import { isCopied } from './join.ts';
import { digestMp4, readMp4, type Mp4Track } from './mp4.ts';
import { DIGEST_BYTES, endUs, longestIntervalUs, soundOf, type Segment, type Track } from './segment.ts';
import type { Placed } from './timeline.ts';

/** How far a picture may be from its time: half of each of the two roundings to Matroska's ms, and to MP4's ticks. */
const TIME_ERROR_US = 2000;

/** What an MP4 file was found to be. */
export interface Facts {
  sha256: string;
  sizeBytes: number;
  durationMs: number;
  width: number;
  height: number;
  packets: number;
  hasSound: boolean;
}

/**
 * Reads a clip back and compares it with its segments, packet by packet: bytes, order and times. Sound too, where it
 * was copied. Throws `ProgramError` `clip-wrong` that names the first thing wrong.
 */
export async function readBack(path: string, placed: Placed[]): Promise<Facts> {
  const mp4 = await readMp4(path);
  const video = mp4.tracks.find(({ kind }) => kind === 'video');
  const audio = mp4.tracks.find(({ kind }) => kind === 'audio');
  if (video === undefined || video.sizes.length === 0) throw wrong('has no picture');
  if (video.keyframes?.has(0) === false) throw wrong('does not begin with a keyframe');

  const compared = new Map([[video, new Comparison(video, placed, 'video')]]);
  const sound = soundOf(placed.map(({ segment }) => segment));
  if (sound !== undefined && audio === undefined) throw wrong('has no sound');
  if (sound !== undefined && audio !== undefined && isCopied(sound)) {
    compared.set(audio, new Comparison(audio, placed, 'audio'));
  }
  const sha256 = await digestMp4(path, mp4, (track, index, digest) => {
    compared.get(track)?.packet(index, digest);
  });
  for (const comparison of compared.values()) comparison.end();
  const durationMs = Math.max(...[video, ...(audio === undefined ? [] : [audio])].map(lastUs)) / 1000;
  const { width, height, sizes } = video;
  return {
    sha256,
    sizeBytes: mp4.sizeBytes,
    durationMs,
    width,
    height,
    packets: sizes.length,
    hasSound: audio !== undefined,
  };
}

/**
 * When a track ends: with the packet that is shown last. Durations in MP4 are between decoding times, and say nothing of
 * how long a picture is shown; only the last one's does.
 */
export function lastUs({ ptsUs, durationUs }: Mp4Track): number {
  return ptsUs.reduce((last, time) => Math.max(last, time), 0) + (durationUs.at(-1) ?? 0);
}

/** One track of a clip beside the same of its segments. */
class Comparison {
  readonly #copy: Mp4Track;
  readonly #what: string;
  readonly #expected: { segment: Segment; track: Track; shiftUs: number }[];
  #at = 0;
  /** The number of the first packet of the segment at hand. */
  #from = 0;

  constructor(copy: Mp4Track, placed: Placed[], kind: 'video' | 'audio') {
    this.#copy = copy;
    this.#what = kind === 'video' ? 'packet' : 'sound packet';
    this.#expected = placed.flatMap(({ segment, shiftUs }) => {
      const track = segment[kind];
      return track === undefined ? [] : [{ segment, track, shiftUs }];
    });
  }

  packet(index: number, digest: Uint8Array): void {
    let now = this.#expected[this.#at];
    while (now !== undefined && index - this.#from >= now.track.ptsUs.length) {
      this.#from += now.track.ptsUs.length;
      now = this.#expected[(this.#at += 1)];
    }
    if (now === undefined) throw wrong(`has ${this.#what}s too many, from number ${index} on`);
    const { track, segment, shiftUs } = now;
    const n = index - this.#from;
    const where = `at ${this.#what} ${index}, of segment ${segment.ref.object},`;
    const own = track.digests.subarray(n * DIGEST_BYTES, (n + 1) * DIGEST_BYTES);
    if (Buffer.compare(own, digest) !== 0) throw wrong(`${where} has other bytes`);
    const shouldUs = (track.ptsUs[n] ?? 0) + shiftUs;
    const isUs = this.#copy.ptsUs[index] ?? Number.NaN;
    if (!(Math.abs(isUs - shouldUs) <= TIME_ERROR_US))
      throw wrong(`${where} shows it at ${isUs} µs instead of ${shouldUs} µs`);
  }

  /** After the last packet. */
  end(): void {
    const expected = this.#expected.reduce((sum, { track }) => sum + track.ptsUs.length, 0);
    const { length } = this.#copy.sizes;
    if (length < expected) throw wrong(`ends after ${length} of ${expected} ${this.#what}s`);
  }
}

export function wrong(what: string): ProgramError {
  return new ProgramError('clip-wrong', `The clip that ffmpeg made ${what}.`);
}

/**
 * What is broken in a clip whose decoding was complained about: each segment is decoded alone, and those that fail too
 * are damaged, and came so from the camera. After a hole even sound segments can fail together, when their first
 * pictures lean on ones that are missing (an open GOP); without a hole, the joint itself is at fault, and this throws.
 */
export async function findBroken(complaint: string, segments: Segment[], signal: AbortSignal) {
  const broken: { segment: Segment; why: string }[] = [];
  for (const segment of segments) {
    const why = faultOf(await decode(segment.path, signal), [segment]);
    if (why !== undefined) broken.push({ segment, why });
  }
  const hasHole = segments.some((segment, index) => {
    const before = segments[index - 1];
    return before !== undefined && segment.ref.startUs - endUs(before) > longestIntervalUs(before);
  });
  if (broken.length === 0 && !hasHole) throw wrong(`does not decode although its segments do: ${complaint}`);
  return broken;
}

/** What is wrong with segments, or a clip of them, by how they decoded. */
export function faultOf(
  { frames, complaints }: { frames: number; complaints: string[] },
  segments: Segment[],
): string | undefined {
  if (frames === 0) return complaints.at(-1) ?? 'no picture could be decoded';
  // JPEGs stand alone: one decodes or it does not, and decoders complain about cameras' private headers.
  if (segments[0]?.video.stream.codec === 'mjpeg') {
    const packets = segments.reduce((sum, segment) => sum + segment.video.ptsUs.length, 0);
    return frames < packets ? `${packets - frames} pictures could not be decoded` : undefined;
  }
  return complaints.at(-1);
}
