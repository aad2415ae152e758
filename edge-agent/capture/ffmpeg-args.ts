import { join } from 'node:path';
import type { SourceArgs } from '../sources/source-args.ts';

export interface CaptureArgs {
  source: SourceArgs;
  /** Sampled frames: a second, greatest width in pixels, and quality on ffmpeg's scale 2..31. */
  frames: { fps: number; width: number; quality: number };
  segmentMs: number;
  /** Directory where ffmpeg writes segments; each is listed once it is closed. */
  incoming: string;
}

/** The file descriptors of a capturing ffmpeg: what it writes where. */
export const pipes = { frames: 1, complaints: 2, times: 3, segments: 4 } as const;

/**
 * The arguments of a camera's one ffmpeg, which does two things with one connection:
 * - stream-copied segments of whole groups of pictures, in Matroska: it survives a crash and carries any codec.
 *   Each closed one is listed on pipe 4 as `name,start,end` in seconds of the stream.
 * - sampled JPEGs on pipe 1 (`mpjpeg`: each with its exact length), the time of each on pipe 3 just before it.
 * Both are in the same time base, and works alike in ffmpeg 5.1 and 7.
 */
export function captureArgs({ source, frames, segmentMs, incoming }: CaptureArgs): string[] {
  // No `-nostdin`: with it ffmpeg 7 does not end on SIGTERM, and the newest segment would be lost.
  return [
    ...['-hide_banner', '-nostats', '-loglevel', 'repeat+level+error'],
    ...source.input,
    // Only the first video and audio: a segment of several is not what a player expects.
    ...['-map', '0:v:0', '-map', '0:a:0?', '-c', 'copy'],
    ...source.copy,
    // Without these two, segments leave the frames' time base: moved by the reorder delay (B-frames), or, in
    // ffmpeg 7, rounded to whole frame intervals.
    ...['-avoid_negative_ts', 'disabled', '-copytb', '1'],
    ...['-f', 'segment', '-segment_format', 'matroska', '-segment_time', String(segmentMs / 1000)],
    ...['-segment_list', `pipe:${pipes.segments}`, '-segment_list_type', 'csv'],
    join(incoming, '%06d.mkv'),
    ...['-map', '0:v:0', '-an', '-vf', frameFilters(frames.width, frames.fps), '-fps_mode', 'passthrough'],
    // More threads would hold frames back.
    ...[
      '-c:v',
      'mjpeg',
      '-threads',
      '1',
      '-q:v',
      String(frames.quality),
      '-f',
      'mpjpeg',
      `pipe:${pipes.frames}`,
    ],
  ];
}

/**
 * Filters that make frames of the picture: `fps` a second, or every one, at most `width` wide, each one's time written
 * to the pipe `times`.
 */
export function frameFilters(width: number, fps?: number): string {
  return [
    ...(fps === undefined ? [] : [`select='${samplingExpression(fps)}'`]),
    // Microseconds: `metadata` prints `pts` exactly, but seconds with six digits only.
    'settb=1/1000000',
    // It prints only frames that carry some metadata, so each gets some.
    'metadata=mode=add:key=sampled:value=1',
    `metadata=mode=print:direct=1:file='pipe\\:${pipes.times}'`,
    `scale=w='trunc(min(${width},iw)/2)*2':h=-2:out_range=pc`,
    'format=yuvj420p',
  ].join(',');
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
