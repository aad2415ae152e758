import type { Analysis } from './source-args.ts';
import { plainInput, type SourceInput } from './source-input.ts';
import { analysisArgs, FIRST_TIME, SILENCE_US, UDP_BUFFER_BYTES } from './stream-options.ts';

/** ffmpeg's arguments for `rtsp://` and `rtsps://`, which is always over TCP. */
export function rtspInput(url: string, transport: 'tcp' | 'udp', analysis: Analysis): SourceInput {
  const secure = url.startsWith('rtsps:');
  const overUdp = transport === 'udp' && !secure;
  const protocols = secure ? 'rtsp,rtsps,rtp,tls,tcp' : overUdp ? 'rtsp,rtp,udp,tcp' : 'rtsp,rtp,tcp';
  const args = [
    ...['-protocol_whitelist', protocols],
    ...['-rtsp_transport', overUdp ? 'udp' : 'tcp', '-timeout', String(SILENCE_US)],
    ...(overUdp ? ['-buffer_size', String(UDP_BUFFER_BYTES)] : []),
    ...analysisArgs(analysis),
    // The frame rate is not measured before the first picture is shown, which takes a second: nothing here needs it.
    ...(analysis === 'quick' ? ['-fpsprobesize', '0'] : []),
    // ffmpeg would count times from the first packet that has one, and RTSP's first packet has none: keep the
    // camera's own times, so that the first frame does not get the second one's.
    '-copyts',
    // Each further thread delays the pictures by one more frame.
    ...['-threads', '2'],
    ...['-i', url],
  ];
  return plainInput(args, { copy: FIRST_TIME });
}
