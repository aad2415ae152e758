import { join } from 'node:path';
import type { Box } from '@faascam/core/box';
import type { CameraSettings } from '@faascam/core/camera-settings';
import { THUMBNAIL } from '../frames/change.ts';
import type { DecoderChoice } from './hardware.ts';

/** What a frame shows of the picture, and how. */
export interface FramePicture {
  /** Greatest width in pixels. */
  width: number;
  /** On ffmpeg's JPEG scale, 2 (best) to 31. */
  quality: number;
  /** Clockwise, after cutting. */
  rotate: 0 | 90 | 180 | 270;
  crop?: Box | undefined;
}

export function framePictureOf({ frames, rotate, crop }: CameraSettings): FramePicture {
  return { width: frames.width, quality: frames.quality, rotate, crop };
}

/** How the pictures of a stream become frames. */
export interface FrameOutput {
  /** Every picture decoded, only those that stand alone, or JPEG pictures passed on as they are, none left out. */
  mode: 'all' | 'keyframes' | 'pass-through';
  picture: FramePicture;
  /** Frames a second at most; undefined: every picture. */
  fps?: number | undefined;
  /** A small picture of the brightness with each frame, on pipe `thumbnails`; not with pass-through. */
  thumbnails: boolean;
  decoder: DecoderChoice;
  /** Whether one core is too slow for `all`: several decode faster, at a quarter more work and some delay. */
  manyThreads?: boolean | undefined;
}

export interface CaptureArgs {
  /** `args` up to and with `-i`, and what the copied streams need, see `SourceInput`. */
  input: { args: string[]; copy: string[] };
  frames?: FrameOutput;
  segments?: {
    segmentMs: number;
    /** Directory where ffmpeg writes segments; each is listed once it is closed. */
    incoming: string;
  };
}

/** The file descriptors of a capturing ffmpeg: what it writes where. */
export const pipes = { frames: 1, complaints: 2, times: 3, segments: 4, thumbnails: 5 } as const;

/**
 * A segment grows with each packet, so that whoever follows it is one picture behind: ffmpeg writes a cluster when the next
 * one begins. Their heads make a segment larger by a few hundred bytes a second.
 */
const CLUSTER_MS = 1;

/**
 * The arguments of a camera's one ffmpeg, which does two things with one connection:
 * - stream-copied segments of whole groups of pictures, in Matroska: it survives a crash and carries any codec.
 *   Each closed one is listed on pipe 4 as `name,start,end` in seconds of the stream.
 * - sampled JPEGs on pipe 1 (`mpjpeg`: each with its exact length), the time of each on pipe 3 just before it.
 * Both are in the same time base, and works alike in ffmpeg 5.1 and 7.
 */
export function captureArgs({ input, frames, segments }: CaptureArgs): string[] {
  // No `-nostdin`: with it ffmpeg 7 does not end on SIGTERM, and the newest segment would be lost.
  return [
    ...['-hide_banner', '-nostats', '-loglevel', 'repeat+level+error'],
    // After what the source asks for, which they override.
    ...input.args.slice(0, input.args.lastIndexOf('-i')),
    ...(frames === undefined ? [] : decodeArgs(frames)),
    ...input.args.slice(input.args.lastIndexOf('-i')),
    ...(segments === undefined ? [] : segmentArgs(segments, input.copy)),
    ...(frames === undefined ? [] : frameArgs(frames)),
  ];
}

function segmentArgs(segments: { segmentMs: number; incoming: string }, copy: string[]): string[] {
  return [
    // Only the first video and audio: a segment of several is not what a player expects.
    ...['-map', '0:v:0', '-map', '0:a:0?', '-c', 'copy'],
    ...copy,
    // Without these two, segments leave the frames' time base: moved by the reorder delay (B-frames), or, in
    // ffmpeg 7, rounded to whole frame intervals.
    ...['-avoid_negative_ts', 'disabled', '-copytb', '1'],
    ...['-f', 'segment', '-segment_format', 'matroska', '-segment_time', String(segments.segmentMs / 1000)],
    ...['-segment_format_options', `cluster_time_limit=${CLUSTER_MS}:flush_packets=1`],
    ...['-segment_list', `pipe:${pipes.segments}`, '-segment_list_type', 'csv'],
    join(segments.incoming, '%06d.mkv'),
  ];
}

/** What must stand before the input. */
function decodeArgs({ mode, decoder, manyThreads }: FrameOutput): string[] {
  if (mode === 'pass-through') return [];
  if (mode === 'all') return [...decoder.args, ...(manyThreads === true ? [] : ['-threads', '1'])];
  // A decoder that works ahead, or puts pictures in order, would hold each keyframe back until the next.
  return [...decoder.args, '-threads', '1', '-flags', 'low_delay', '-skip_frame', 'nokey'];
}

function frameArgs({ mode, picture, fps, thumbnails }: FrameOutput): string[] {
  if (mode === 'pass-through') {
    // The second output tells the time of each picture of the first.
    const copy = ['-map', '0:v:0', '-an', '-c:v', 'copy', '-f'];
    return [...copy, 'mpjpeg', `pipe:${pipes.frames}`, ...copy, 'framecrc', `pipe:${pipes.times}`];
  }
  const jpeg = [
    // More threads would hold frames back, even those that are not encoded at all.
    ...['-an', '-fps_mode', 'passthrough', '-c:v', 'mjpeg', '-threads', '1'],
    // Of the source's own time base: two pictures may come closer than its frame rate says.
    ...['-enc_time_base', '1/1000000'],
    ...['-q:v', String(picture.quality), '-f', 'mpjpeg', `pipe:${pipes.frames}`],
  ];
  const frames = [
    '-map',
    '0:v:0',
    '-vf',
    `${pickFilters(picture, fps)},${jpegFilters(picture.width)}`,
    ...jpeg,
  ];
  if (!thumbnails) return frames;
  // Filters of their own, which pick the very same pictures.
  const { width, height } = THUMBNAIL;
  const small = [
    ...sampleFilters(fps),
    ...shapeFilters(picture),
    `scale=${width}:${height}:flags=area:out_range=pc`,
    'format=gray',
  ];
  return [
    ...frames,
    ...['-map', '0:v:0', '-an', '-vf', small.join(','), '-fps_mode', 'passthrough'],
    ...['-threads', '1', '-f', 'rawvideo', '-flush_packets', '1', `pipe:${pipes.thumbnails}`],
  ];
}

function jpegFilters(width: number): string {
  return `scale=w='trunc(min(${width},iw)/2)*2':h=-2:out_range=pc,format=yuvj420p`;
}

/** Picks pictures, `fps` a second or every one, turned and cut as asked, each one's time written to the pipe `times`. */
function pickFilters(picture: FramePicture, fps: number | undefined): string {
  return [
    ...sampleFilters(fps),
    // Microseconds: `metadata` prints `pts` exactly, but seconds with six digits only.
    'settb=1/1000000',
    // It prints only frames that carry some metadata, so each gets some.
    'metadata=mode=add:key=sampled:value=1',
    `metadata=mode=print:direct=1:file='pipe\\:${pipes.times}'`,
    ...shapeFilters(picture),
  ].join(',');
}

function sampleFilters(fps: number | undefined): string[] {
  return fps === undefined ? [] : [`select='${samplingExpression(fps)}'`];
}

function shapeFilters({ rotate, crop }: FramePicture): string[] {
  const turns = { 0: [], 90: ['transpose=clock'], 180: ['hflip', 'vflip'], 270: ['transpose=cclock'] };
  const cut = crop === undefined ? [] : [`crop=iw*${crop[2]}:ih*${crop[3]}:iw*${crop[0]}:ih*${crop[1]}`];
  return [...cut, ...turns[rotate]];
}

/**
 * An expression for ffmpeg's `select` filter that picks real pictures of the source, `fps` a second on average and
 * never more, each with its own time (the `fps` filter would move pictures into slots of its own).
 * Variable 0 holds when the next one is due. A picture a little early is taken, or jitter would cost every other one;
 * after a hole, or when time goes back, counting begins anew.
 */
export function samplingExpression(fps: number): string {
  const periodS = 1 / fps;
  const toleranceS = periodS / 10;
  const due = `gte(t+${toleranceS},ld(0))+lt(t,ld(0)-${2 * periodS})`;
  const next = `if(lt(abs(t-ld(0)),${periodS}),ld(0)+${periodS},t+${periodS})`;
  return `if(${due},st(0,${next})*0+1,0)`;
}

/** What ffmpeg is told of a Matroska stream on its standard input whose times it shall keep. */
export const followedInput = {
  args: [
    // Nothing to find out that the head does not say, and looking for it would hold the first frames back.
    ...['-copyts', '-fpsprobesize', '0', '-analyzeduration', '300000', '-probesize', '500000'],
    ...['-threads', '1', '-f', 'matroska', '-i', 'pipe:0'],
  ],
  copy: [],
};
