import { join } from 'node:path';
import { FaascamError, messageOf, ProgramError } from '@faascam/core/errors';
import { DamagedMatroskaError } from '@faascam/core/matroska';
import type { SegmentRef } from '@faascam/core/messages';
import { eventFileName } from './clip-names.ts';
import { deliveredBy, usualIntervalUs, type Span } from './coverage.ts';
import { runFfmpeg } from './ffmpeg.ts';
import { fitsMp4, isCopied, joinTo, rewrapped, salvaged } from './join.ts';
import { UnusualMatroskaError } from '@faascam/core/matroska-packets';
import { readBack, type Facts } from './proof.ts';
import { readSegment } from './segment-reader.ts';
import {
  longestIntervalUs,
  partsOf,
  picturesOf,
  soundOf,
  type Segment,
  type SegmentFile,
} from './segment.ts';
import { framesOf, layOut, type ClipFrame, type Placed } from './timeline.ts';

/** A clip on disk, whose packets are those of its segments. */
export interface Clip {
  path: string;
  sha256: string;
  sizeBytes: number;
  durationMs: number;
  video: { codec: string; width: number; height: number; packets: number };
  audio?: { codec: string };
  /** False when only an H.264 of it plays in every browser. */
  playsEverywhere: boolean;
  frames: ClipFrame[];
  /** What was captured when, segment by segment, without the holes in them. */
  delivered: Span[];
  /** Between two pictures shown one after the other. */
  longestIntervalUs: number;
  usualIntervalUs: number;
  segments: Segment[];
}

/** A segment that a clip has only in part, or not at all. */
export interface Damage {
  ref: SegmentRef;
  why: string;
}

export interface Assembly {
  /** In order of time; more than one where the camera changed its codec or size, none when no segment could be used. */
  clips: Clip[];
  /** Segments that could not be read, or only in part, and why. */
  damaged: Damage[];
}

/**
 * Joins segments, in order of time, to `clip.mp4` in `directory`, and to `clip-2.mp4` and on where one file cannot
 * hold them all. Pictures are copied packet for packet and stand at their capture times; where footage is missing the
 * last picture stands still. A clip begins with its first segment's keyframe and ends with its last segment; it is not
 * cut, as that would mean encoding. The same segments and the same ffmpeg give the same bytes.
 *
 * The result is read back before it is trusted: all packets there, in order, unchanged and on time. Segments that are
 * damaged themselves do not fail it, they are named in the result; any other fault is thrown as `ProgramError`
 * `clip-wrong`. Whether the pictures can be decoded is not looked at here.
 */
export async function assemble(
  files: SegmentFile[],
  directory: string,
  signal: AbortSignal,
): Promise<Assembly> {
  const damaged: Damage[] = [];
  const segments: Segment[] = [];
  for (const [number, file] of files.entries()) {
    signal.throwIfAborted();
    const segment = await readOne(file, number, directory, damaged, signal);
    if (segment !== undefined) segments.push(segment);
  }
  const clips: Clip[] = [];
  for (const part of partsOf(segments)) {
    const path = join(directory, eventFileName('clip', clips.length));
    clips.push(await clipOf(part, path, directory, signal));
  }
  return { clips, damaged };
}

async function readOne(
  file: SegmentFile,
  number: number,
  directory: string,
  damaged: Damage[],
  signal: AbortSignal,
): Promise<Segment | undefined> {
  try {
    const segment = await readSegment(file).catch(async (error: unknown) => {
      if (!isOddMatroska(error)) throw error;
      const anew = await salvaged(file, number, directory, signal);
      if (error instanceof DamagedMatroskaError)
        damaged.push({ ref: file.ref, why: `Segment ${file.ref.object}: ${error.message}.` });
      return anew;
    });
    if (fitsMp4(segment.video.stream)) return segment;
    damaged.push({
      ref: file.ref,
      why: `MP4 cannot hold what the camera sends: ${segment.video.stream.codec}.`,
    });
  } catch (error) {
    const unreadable = error instanceof FaascamError && UNREADABLE.has(error.code);
    // Also of what ffmpeg has salvaged: it will not become readable by another try.
    if (!unreadable && !isOddMatroska(error)) throw error;
    damaged.push({ ref: file.ref, why: error.message });
  }
  return undefined;
}

function isOddMatroska(error: unknown): error is DamagedMatroskaError | UnusualMatroskaError {
  return error instanceof DamagedMatroskaError || error instanceof UnusualMatroskaError;
}

const UNREADABLE = new Set(['not-readable', 'bad-segment', 'ffmpeg-failed']);

async function clipOf(
  segments: Segment[],
  path: string,
  directory: string,
  signal: AbortSignal,
): Promise<Clip> {
  const [first] = segments;
  if (first === undefined) throw new TypeError('a part has at least one segment');
  const sound = soundOf(segments);
  let placed = layOut(segments, sound !== undefined);
  let facts: Facts;
  try {
    facts = await joinedAndRead(path, placed, signal);
  } catch (error) {
    if (!(error instanceof ProgramError) || error.code !== 'clip-wrong') throw error;
    // Matroska keeps no decoding times. Where the order of pictures changes its depth from one segment to the
    // next, ffmpeg's guess of them can go wrong; with times written down before the joining it cannot.
    const anew: Segment[] = [];
    for (const segment of segments) anew.push(await rewrapped(segment, anew.length, directory, signal));
    placed = layOut(anew, sound !== undefined);
    facts = await joinedAndRead(path, placed, signal);
  }
  const { stream } = first.video;
  const { sha256, sizeBytes, durationMs, packets, hasSound } = facts;
  const pictures = segments.map(picturesOf);
  return {
    path,
    sha256,
    sizeBytes,
    durationMs,
    video: { codec: stream.codec, width: stream.width, height: stream.height, packets },
    ...(hasSound && sound !== undefined ? { audio: { codec: isCopied(sound) ? sound.codec : 'aac' } } : {}),
    playsEverywhere: stream.plainH264 ?? false,
    frames: framesOf(placed),
    delivered: deliveredBy(pictures),
    longestIntervalUs: Math.max(...segments.map(longestIntervalUs)),
    usualIntervalUs: usualIntervalUs(pictures),
    segments,
  };
}

async function joinedAndRead(path: string, placed: Placed[], signal: AbortSignal): Promise<Facts> {
  try {
    await joinTo(path, placed, signal);
  } catch (error) {
    if (!(error instanceof ProgramError) || error.code !== 'ffmpeg-failed') throw error;
    throw new ProgramError('clip-wrong', messageOf(error), { cause: error });
  }
  return await readBack(path, placed);
}

/**
 * Writes the clip's picture that is shown at `clipUs` to `output`, a PNG of the full size. `frames` are all of
 * the clip's. Throws `ProgramError` when it cannot be decoded.
 */
export async function extractFrame(
  clip: Pick<Clip, 'path' | 'frames'>,
  clipUs: number,
  output: string,
  signal: AbortSignal,
): Promise<void> {
  const before = clip.frames.findLast((frame) => frame.clipUs < clipUs);
  // ffmpeg shows the first picture at or after the time sought: halfway from the picture before, none is near.
  const soughtUs = before === undefined ? 0 : (before.clipUs + clipUs) / 2;
  await runFfmpeg(
    {
      input: clip.path,
      inputOptions: ['-seek_timestamp', '1', '-ss', (soughtUs / 1_000_000).toFixed(6)],
      outputOptions: [
        ...['-map', '0:v:0', '-frames:v', '1', '-update', '1', '-f', 'image2'],
        // It is read once and thrown away.
        ...['-c:v', 'png', '-compression_level', '1'],
      ],
      output,
    },
    `take the picture at ${(clipUs / 1_000_000).toFixed(3)} s of the clip`,
    signal,
  );
}
