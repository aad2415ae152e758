import type { Analysis } from './source-args.ts';
import { plainInput, type SourceInput } from './source-input.ts';

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

/** A keyframe comes as hundreds of packets at once; the system's usual buffer holds too few of them. */
const UDP_BUFFER_BYTES = 4 * 1024 * 1024;

/**
 * The first packet of an RTP stream has no time, and Matroska takes none such when pictures are reordered. Only there:
 * ffmpeg 5.1 ends a bitstream filter for good when a file that it plays in a loop comes to its end.
 */
export const FIRST_TIME = ['-bsf:v', `setts=pts='if(eq(PTS,NOPTS),if(eq(N,0),0,PREV_OUTPTS+1),PTS)'`];

/** ffmpeg's arguments for `rtsp://` and `rtsps://`, which is always over TCP. */
export function rtspInput(url: string, transport: 'tcp' | 'udp', analysis: Analysis): SourceInput {
  const secure = url.startsWith('rtsps:');
  const overUdp = transport === 'udp' && !secure;
  const protocols = secure ? 'rtsp,rtsps,rtp,tls,tcp' : overUdp ? 'rtsp,rtp,udp,tcp' : 'rtsp,rtp,tcp';
  const args = [
    ...['-protocol_whitelist', protocols],
    ...['-rtsp_transport', overUdp ? 'udp' : 'tcp', '-timeout', String(CONNECT_TIMEOUT_US)],
    ...(overUdp ? ['-buffer_size', String(UDP_BUFFER_BYTES)] : []),
    ...['-analyzeduration', String(ANALYZE_US[analysis])],
    // ffmpeg would count times from the first packet that has one, and RTSP's first packet has none: keep the
    // camera's own times, so that the first frame does not get the second one's.
    '-copyts',
    // Each further thread delays the pictures by one more frame.
    ...['-threads', '2'],
    ...['-i', url],
  ];
  return plainInput(args, { copy: FIRST_TIME });
}
