import type { Source } from './source.ts';

/** `live`: in real time, a file over and over. `replay`: a file once, as fast as its frames are taken. */
export type Pace = 'live' | 'replay';

/**
 * How long a connection to a camera may stay silent, for ffmpeg. Longer than the stall time, so that a stall is
 * noticed (and named) by us, and ffmpeg's own timeout only ends a connection that was never made.
 */
const CONNECT_TIMEOUT_US = 12_000_000;

/**
 * How much of an RTSP stream ffmpeg looks at for what the session description leaves open. It costs that much time at
 * each connect, so a second at first; a camera whose picture cannot be told from that gets the longer one.
 */
const ANALYZE_US = { quick: 1_000_000, thorough: 12_000_000 };
export type Analysis = keyof typeof ANALYZE_US;

/** What ffmpeg has to be told of a source. */
export interface SourceArgs {
  /** Up to and with `-i`. */
  input: string[];
  /** For the streams that are copied. */
  copy: string[];
}

/** ffmpeg's arguments for a source. `analysis` is how long an RTSP stream is looked at first. */
export function sourceArgs(
  source: Source,
  pace: Pace,
  analysis: Analysis = 'quick',
): SourceArgs {
  return { input: inputArgs(source, pace, analysis), copy: copyArgs(source) };
}

function copyArgs(source: Source): string[] {
  // The first packet of an RTSP stream has no time, and Matroska takes none such when pictures are reordered. Only
  // there: ffmpeg 5.1 ends a bitstream filter for good when a file that it plays in a loop comes to its end.
  return source.kind === 'rtsp'
    ? ['-bsf:v', `setts=pts='if(eq(PTS,NOPTS),if(eq(N,0),0,PREV_OUTPTS+1),PTS)'`]
    : [];
}

function inputArgs(source: Source, pace: Pace, analysis: Analysis): string[] {
  switch (source.kind) {
    case 'file':
      return [
        // A playlist must not make us fetch something from the network.
        ...['-protocol_whitelist', 'file'],
        // AVI does not tell when a picture is shown if pictures are reordered.
        ...['-fflags', '+genpts'],
        ...(pace === 'live' ? ['-re', '-stream_loop', '-1'] : []),
        ...['-i', `file:${source.path}`],
      ];
    case 'rtsp':
      return [
        ...['-protocol_whitelist', 'rtsp,rtp,tcp'],
        ...['-rtsp_transport', 'tcp', '-timeout', String(CONNECT_TIMEOUT_US)],
        ...['-analyzeduration', String(ANALYZE_US[analysis])],
        // ffmpeg would count times from the first packet that has one, and RTSP's first packet has none: keep the
        // camera's own times, so that the first frame does not get the second one's.
        '-copyts',
        // Each further thread delays the pictures by one more frame.
        ...['-threads', '2'],
        ...['-i', source.url],
      ];
  }
}
