import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FaascamError, messageOf, ProgramError } from '@faascam/core/errors';
import { decode, probe, runFfmpeg } from './ffmpeg.ts';
import type { Span } from './coverage.ts';
import {
  commonSound,
  endUs,
  joinable,
  longestIntervalUs,
  parametersChange,
  segmentOf,
  type Segment,
  type SegmentFile,
} from './segment.ts';
import { concatList, framesOf, layOut, type ClipFrame, type Placed } from './timeline.ts';

/** A clip on disk, proven to be what its segments are. */
export interface Clip {
  path: string;
  sha256: string;
  sizeBytes: number;
  durationMs: number;
  video: { codec: string; width: number; height: number; packets: number };
  audio?: { codec: string };
  frames: ClipFrame[];
  /** What was captured when, segment by segment. */
  delivered: Span[];
  longestIntervalUs: number;
}

export interface Assembly {
  /** Undefined when no segment could be used. */
  clip?: Clip;
  /** Segments that could not be read, did not fit the others, or do not decode without errors, and why. */
  damaged: { file: SegmentFile; why: string }[];
}

/** Sound that MP4 holds and browsers play; any other (cameras' G.711 above all) becomes AAC. */
const SOUND_AS_IT_IS = new Set(['aac', 'mp3', 'ac3', 'eac3', 'opus', 'flac', 'alac']);
/** How far a picture may be from its time: half of each of the two roundings to Matroska's ms, and to MP4's ticks. */
const TIME_ERROR_US = 2000;

/**
 * Joins segments, in order of time, to `clip.mp4` in `directory`. Pictures are copied packet for packet and stand
 * at their capture times; where footage is missing the last picture stands still. The clip begins with the first
 * segment's keyframe and ends with the last segment; it is not cut, as that would mean encoding. The same segments
 * and the same ffmpeg give the same bytes.
 *
 * The result is read back before it is trusted: all packets there, in order, unchanged, on time, and decoding
 * to the end. Segments that are damaged themselves do not fail it, they are named in the result; any other fault is
 * thrown as `ProgramError` `clip-wrong`.
 */
export async function assemble(
  files: SegmentFile[],
  directory: string,
  signal: AbortSignal,
): Promise<Assembly> {
  const { segments, damaged } = await readAll(files, signal);
  const { kept, leftOut } = joinable(segments);
  for (const file of leftOut)
    damaged.push({ file, why: 'its codec or picture size is not that of the others' });
  if (kept.length === 0) return { damaged };

  const path = join(directory, 'clip.mp4');
  let placed = layOut(kept, commonSound(kept) !== undefined);
  let facts: Awaited<ReturnType<typeof readBack>>;
  try {
    await joinTo(path, placed, signal);
    facts = await readBack(path, placed, signal);
  } catch (error) {
    if (!(error instanceof ProgramError) || error.code !== 'clip-wrong') throw error;
    // Matroska keeps no decoding times. Where the order of pictures changes its depth from one segment to the
    // next, ffmpeg's guess of them can go wrong; with times written down before the joining it cannot.
    placed = layOut(await rewrapAll(kept, directory, signal), commonSound(kept) !== undefined);
    await joinTo(path, placed, signal);
    facts = await readBack(path, placed, signal);
  }
  const broken = await findBroken(path, kept, signal);
  for (const { segment, why } of broken) damaged.push({ file: segment, why });
  return {
    damaged,
    clip: {
      path,
      ...(await digestOf(path)),
      ...facts,
      frames: framesOf(placed),
      delivered: kept.map((segment) => ({ fromUs: segment.ref.startUs, toUs: endUs(segment) })),
      longestIntervalUs: Math.max(...kept.map(longestIntervalUs)),
    },
  };
}

async function joinTo(path: string, placed: Placed[], signal: AbortSignal): Promise<void> {
  const segments = placed.map(({ segment }) => segment);
  const [first] = segments;
  if (first === undefined) return;
  const { index, codec_name } = first.video.stream;
  const sound = commonSound(segments);
  const list = `${path}.ffconcat`;
  await writeFile(list, concatList(placed));
  await runFfmpeg(
    {
      input: list,
      inputOptions: ['-f', 'concat', '-safe', '0', '-auto_convert', insertsParameters(segments) ? '1' : '0'],
      outputOptions: [
        ...['-map', `0:${index}`, '-c:v', 'copy'],
        // The name under which browsers and phones look for HEVC.
        ...(codec_name === 'hevc' ? ['-tag:v', 'hvc1'] : []),
        ...(sound === undefined ? [] : soundOptions(sound.index, sound.codec_name)),
        ...['-map_metadata', '-1', '-map_chapters', '-1', '-fflags', '+bitexact', '-movflags', '+faststart'],
        ...['-f', 'mp4'],
      ],
      output: path,
    },
    `join ${segments.length} segments`,
    signal,
  );
}

/** H.264 parameter sets that change on the way travel among the pictures, whose packets grow by them. */
function insertsParameters(segments: Segment[]): boolean {
  return segments[0]?.video.stream.codec_name === 'h264' && parametersChange(segments);
}

/** Segments as QuickTime files, which keep decoding times. */
async function rewrapAll(segments: Segment[], directory: string, signal: AbortSignal): Promise<Segment[]> {
  const rewrapped: Segment[] = [];
  for (const [index, segment] of segments.entries()) {
    const { video, audio } = segment;
    const path = join(directory, `rewrapped-${index}.mov`);
    const raw = audio?.stream.codec_name.startsWith('pcm_') === true;
    await runFfmpeg(
      {
        input: segment.path,
        outputOptions: [
          ...[
            '-map',
            `0:${video.stream.index}`,
            ...(audio === undefined ? [] : ['-map', `0:${audio.stream.index}`]),
          ],
          // Of the two, MP4 takes Opus, and QuickTime takes G.711.
          ...['-c', 'copy', '-fflags', '+bitexact', '-f', raw ? 'mov' : 'mp4'],
        ],
        output: path,
      },
      `rewrap segment ${segment.ref.object}`,
      signal,
    );
    const copy = segmentOf({ ref: segment.ref, path }, await probe(path, signal));
    if (!copy.video.packets.every((packet, at) => packet.hash === video.packets[at]?.hash)) {
      throw wrong(`of segment ${segment.ref.object} alone has other bytes`);
    }
    rewrapped.push(copy);
  }
  return rewrapped;
}

function soundOptions(index: number, codec: string): string[] {
  const map = ['-map', `0:${index}`];
  if (SOUND_AS_IT_IS.has(codec)) return [...map, '-c:a', 'copy'];
  // Speech at 8 kHz needs no more; silence fills the holes, so that sound and picture stay together.
  return [
    ...map,
    '-c:a',
    'aac',
    '-b:a',
    '48k',
    '-af',
    'aresample=async=1:first_pts=0',
    '-flags:a',
    '+bitexact',
  ];
}

/** ffprobe takes a moment to start; a few at a time keep a long event's many segments from adding up. */
const PROBES_AT_ONCE = 4;

async function readAll(files: SegmentFile[], signal: AbortSignal) {
  const segments: Segment[] = [];
  const damaged: Assembly['damaged'] = [];
  for (let start = 0; start < files.length; start += PROBES_AT_ONCE) {
    const batch = files.slice(start, start + PROBES_AT_ONCE);
    for (const outcome of await Promise.all(batch.map((file) => readOne(file, signal)))) {
      if ('why' in outcome) damaged.push(outcome);
      else segments.push(outcome);
    }
  }
  return { segments, damaged };
}

async function readOne(
  file: SegmentFile,
  signal: AbortSignal,
): Promise<Segment | Assembly['damaged'][number]> {
  try {
    return segmentOf(file, await probe(file.path, signal));
  } catch (error) {
    const unreadable =
      error instanceof FaascamError && (error.code === 'not-readable' || error.code === 'bad-segment');
    if (!unreadable) throw error;
    return { file, why: messageOf(error) };
  }
}

/** Compares the clip with its segments, packet by packet. */
async function readBack(path: string, placed: Placed[], signal: AbortSignal) {
  const sameBytes = !insertsParameters(placed.map(({ segment }) => segment));
  const { streams, packets, format } = await probe(path, signal);
  const video = streams.find((stream) => stream.codec_type === 'video');
  const audio = streams.find((stream) => stream.codec_type === 'audio');
  if (video === undefined) throw wrong('has no picture');
  const found = packets.filter((packet) => packet.stream_index === video.index);
  const expected = placed.flatMap(({ segment, shiftUs }) =>
    segment.video.packets.map((packet) => ({ packet, segment, clipUs: packet.ptsUs + shiftUs })),
  );
  if (found[0]?.flags.startsWith('K') !== true) throw wrong('does not begin with a keyframe');
  for (const [index, { packet, segment, clipUs }] of expected.entries()) {
    const copy = found[index];
    const where = `at packet ${index}, of segment ${segment.ref.object},`;
    if (copy === undefined) throw wrong(`ends ${where} too early`);
    if (sameBytes && copy.data_hash !== packet.hash) throw wrong(`${where} has other bytes`);
    if (Math.abs((copy.pts_time ?? Number.NaN) - clipUs) <= TIME_ERROR_US) continue;
    throw wrong(`${where} shows it at ${copy.pts_time ?? 'no time'} µs instead of ${clipUs} µs`);
  }
  if (found.length > expected.length) throw wrong(`has ${found.length - expected.length} packets too many`);
  if (format.duration === undefined || format.duration <= 0) throw wrong('has no duration');
  return {
    durationMs: format.duration / 1000,
    video: { codec: video.codec_name, width: video.width, height: video.height, packets: found.length },
    ...(audio === undefined ? {} : { audio: { codec: audio.codec_name } }),
  };
}

function wrong(what: string): ProgramError {
  return new ProgramError('clip-wrong', `The clip that ffmpeg made ${what}.`);
}

/**
 * Decodes the clip to its end. If that fails, each segment is decoded alone: those that fail too are damaged, and
 * came so from the camera. After a hole even sound segments can fail together, when their first pictures lean on
 * ones that are missing (an open GOP); without a hole, the joint itself is at fault, and this throws.
 */
async function findBroken(path: string, kept: Segment[], signal: AbortSignal) {
  const whole = await faultOf(path, kept, signal);
  if (whole === undefined) return [];
  const broken: { segment: Segment; why: string }[] = [];
  for (const segment of kept) {
    const why = await faultOf(segment.path, [segment], signal);
    if (why !== undefined) broken.push({ segment, why });
  }
  const hasHole = kept.some((segment, index) => {
    const before = kept[index - 1];
    return before !== undefined && segment.ref.startUs - endUs(before) > longestIntervalUs(before);
  });
  if (broken.length === 0 && !hasHole) throw wrong(`does not decode although its segments do: ${whole}`);
  return broken;
}

async function faultOf(path: string, segments: Segment[], signal: AbortSignal): Promise<string | undefined> {
  const { frames, complaints } = await decode(path, signal);
  if (frames === 0) return complaints.at(-1) ?? 'no picture could be decoded';
  // JPEGs stand alone: one decodes or it does not, and decoders complain about cameras' private headers.
  if (segments[0]?.video.stream.codec_name === 'mjpeg') {
    const packets = segments.reduce((sum, segment) => sum + segment.video.packets.length, 0);
    return frames < packets ? `${packets - frames} pictures could not be decoded` : undefined;
  }
  return complaints.at(-1);
}

async function digestOf(path: string): Promise<{ sha256: string; sizeBytes: number }> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) if (Buffer.isBuffer(chunk)) hash.update(chunk);
  return { sha256: hash.digest('hex'), sizeBytes: (await stat(path)).size };
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
      outputOptions: ['-map', '0:v:0', '-frames:v', '1', '-update', '1', '-f', 'image2', '-c:v', 'png'],
      output,
    },
    `take the picture at ${(clipUs / 1_000_000).toFixed(3)} s of the clip`,
    signal,
  );
}
