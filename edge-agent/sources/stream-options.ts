import type { Analysis } from './source-args.ts';

/**
 * How long a connection to a camera may stay silent, for ffmpeg. Longer than the stall time, so that a stall is
 * noticed (and named) by us, and ffmpeg's own timeout only ends a connection that was never made.
 */
export const SILENCE_US = 12_000_000;

/**
 * How much of a stream ffmpeg looks at for what its description leaves open. It costs that much time at each connect
 * (5 s by default), so a second at first; a camera whose picture cannot be told from that gets the longer one.
 */
const ANALYZE_US = { quick: 1_000_000, thorough: 12_000_000 };

export function analysisArgs(analysis: Analysis): string[] {
  return ['-analyzeduration', String(ANALYZE_US[analysis])];
}

/** A keyframe comes as hundreds of packets at once; the system's usual buffer holds too few of them. */
export const UDP_BUFFER_BYTES = 4 * 1024 * 1024;

/**
 * The first packet of an RTP stream has no time, and Matroska takes none such when pictures are reordered. Only there:
 * ffmpeg 5.1 ends a bitstream filter for good when a file that it plays in a loop comes to its end.
 */
export const FIRST_TIME = ['-bsf:v', `setts=pts='if(eq(PTS,NOPTS),if(eq(N,0),0,PREV_OUTPTS+1),PTS)'`];

/**
 * MJPEG is said to have 25 pictures a second, whatever comes. A picture of a slow camera lasts as long as the one
 * before it did, or the footage would have a hole behind each segment. A little less: the next one may be early.
 */
export const LASTING_PICTURES = [
  '-bsf:v',
  `setts=duration='if(eq(N,0),DURATION,max(DURATION,0.9*(PTS-PREV_INPTS)))'`,
];

/** The same for pictures that come every `intervalMs`. Its `TB` is not the base of its times, so 1/25 s is the unit. */
export function lastingPictures(intervalMs: number): string[] {
  const lastsS = Math.max(0.9 * intervalMs, intervalMs - 500) / 1000;
  return ['-bsf:v', `setts=duration='DURATION*${lastsS * 25}'`];
}
