import type { SrtSource, UdpSource } from './kinds.ts';
import type { Analysis } from './source-args.ts';
import { plainInput, type SourceInput } from './source-input.ts';
import { analysisArgs, FIRST_TIME, SILENCE_US, UDP_BUFFER_BYTES } from './stream-options.ts';

/** Room in ffmpeg for what arrives while the disk is busy, in packets of 188 bytes. */
const FIFO_PACKETS = Math.round(UDP_BUFFER_BYTES / 188);

/** MPEG-TS in UDP packets, sent to this host or to a multicast group. */
export function udpInput(source: UdpSource, analysis: Analysis): SourceInput {
  const { host, port, localAddress, sender } = source;
  const parameters = new URLSearchParams({
    // Several programs of a host may listen to one group.
    reuse: '1',
    buffer_size: String(UDP_BUFFER_BYTES),
    fifo_size: String(FIFO_PACKETS),
    // A picture is damaged then, which is no reason to end.
    overrun_nonfatal: '1',
    timeout: String(SILENCE_US),
    ...(localAddress === undefined ? {} : { localaddr: localAddress }),
    ...(sender === undefined ? {} : { sources: sender }),
  });
  return plainInput([
    ...['-protocol_whitelist', 'udp', '-f', 'mpegts', ...analysisArgs(analysis)],
    ...['-i', `udp://${host}:${port}?${parameters.toString()}`],
  ]);
}

/** RTP whose payload type says all (MPEG-TS, JPEG). Others need a session description, see `sdpInput`. */
export function rtpInput(source: UdpSource, analysis: Analysis): SourceInput {
  const { host, port, localAddress, sender } = source;
  const parameters = new URLSearchParams({
    buffer_size: String(UDP_BUFFER_BYTES),
    timeout: String(SILENCE_US),
    ...(localAddress === undefined ? {} : { localaddr: localAddress }),
    ...(sender === undefined ? {} : { sources: sender }),
  });
  const args = [
    '-protocol_whitelist',
    'rtp,udp',
    ...analysisArgs(analysis),
    '-i',
    `rtp://${host}:${port}?${parameters.toString()}`,
  ];
  return plainInput(args, { copy: FIRST_TIME });
}

/** RTP as a session description in a file tells. */
export function sdpInput(path: string, analysis: Analysis): SourceInput {
  const args = [
    '-protocol_whitelist',
    'file,rtp,udp',
    '-f',
    'sdp',
    ...analysisArgs(analysis),
    '-copyts',
    '-i',
    `file:${path}`,
  ];
  return plainInput(args, { copy: FIRST_TIME });
}

/** MPEG-TS over SRT: `caller` connects to the camera, `listener` waits for it. */
export function srtInput(source: SrtSource, analysis: Analysis): SourceInput {
  const { host, port, mode, latencyMs, passphrase, streamId } = source;
  return plainInput([
    ...['-protocol_whitelist', 'srt', '-f', 'mpegts', ...analysisArgs(analysis)],
    ...['-mode', mode, '-latency', String(latencyMs * 1000), '-rw_timeout', String(SILENCE_US)],
    ...(passphrase === undefined ? [] : ['-passphrase', passphrase]),
    ...(streamId === undefined ? [] : ['-srt_streamid', streamId]),
    ...['-i', `srt://${host}:${port}`],
  ]);
}

export function rtmpInput(url: string, analysis: Analysis): SourceInput {
  const protocols = url.startsWith('rtmps:') ? 'rtmps,tls,tcp' : 'rtmp,tcp';
  return plainInput([
    ...['-protocol_whitelist', protocols, '-rw_timeout', String(SILENCE_US), ...analysisArgs(analysis)],
    // A live stream, also if the server has a recording of the same name.
    ...['-f', 'flv', '-rtmp_live', 'live', '-i', url],
  ]);
}
