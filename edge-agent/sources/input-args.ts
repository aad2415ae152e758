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

/** ffmpeg's arguments up to and with `-i` for a source. */
export function inputArgs(source: Source, pace: Pace, analysis: keyof typeof ANALYZE_US = 'quick'): string[] {
  switch (source.kind) {
    case 'file':
      return [
        // A playlist must not make us fetch something from the network.
        ...['-protocol_whitelist', 'file'],
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
