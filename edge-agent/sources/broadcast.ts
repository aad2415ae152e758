import type { SrtSource, UdpSource } from './kinds.ts';
import { FIRST_TIME } from './rtsp.ts';
import { plainInput, type SourceInput } from './source-input.ts';

/** How long ffmpeg waits for a stream that says nothing: longer than the stall time, so that a stall is ours to name. */
const SILENCE_US = 12_000_000;
/** Room for what arrives while the disk is busy: 4 MB in the system, and as much in ffmpeg, in packets of 188 bytes. */
const BUFFER_BYTES = 4 * 1024 * 1024;
const FIFO_PACKETS = Math.round(BUFFER_BYTES / 188);

/** MPEG-TS in UDP packets, sent to this host or to a multicast group. */
export function udpInput(source: UdpSource): SourceInput {
  const { host, port, localAddress, sender } = source;
  const parameters = new URLSearchParams({
    // Several programs of a host may listen to one group.
    reuse: '1',
    buffer_size: String(BUFFER_BYTES),
    fifo_size: String(FIFO_PACKETS),
    // A picture is damaged then, which is no reason to end.
    overrun_nonfatal: '1',
    timeout: String(SILENCE_US),
    ...(localAddress === undefined ? {} : { localaddr: localAddress }),
    ...(sender === undefined ? {} : { sources: sender }),
  });
  return plainInput([
    ...['-protocol_whitelist', 'udp', '-f', 'mpegts'],
    ...['-i', `udp://${host}:${port}?${parameters.toString()}`],
  ]);
}

/** RTP whose payload type says all (MPEG-TS, JPEG). Others need a session description, see `sdpInput`. */
export function rtpInput(source: UdpSource): SourceInput {
  const { host, port, localAddress, sender } = source;
  const parameters = new URLSearchParams({
    buffer_size: String(BUFFER_BYTES),
    timeout: String(SILENCE_US),
    ...(localAddress === undefined ? {} : { localaddr: localAddress }),
    ...(sender === undefined ? {} : { sources: sender }),
  });
  const args = ['-protocol_whitelist', 'rtp,udp', '-i', `rtp://${host}:${port}?${parameters.toString()}`];
  return plainInput(args, { copy: FIRST_TIME });
}

/** RTP as a session description in a file tells. */
export function sdpInput(path: string): SourceInput {
  const args = ['-protocol_whitelist', 'file,rtp,udp', '-f', 'sdp', '-copyts', '-i', `file:${path}`];
  return plainInput(args, { copy: FIRST_TIME });
}

/** MPEG-TS over SRT: `caller` connects to the camera, `listener` waits for it. */
export function srtInput(source: SrtSource): SourceInput {
  const { host, port, mode, latencyMs, passphrase, streamId } = source;
  return plainInput([
    ...['-protocol_whitelist', 'srt', '-f', 'mpegts'],
    ...['-mode', mode, '-latency', String(latencyMs * 1000), '-rw_timeout', String(SILENCE_US)],
    ...(passphrase === undefined ? [] : ['-passphrase', passphrase]),
    ...(streamId === undefined ? [] : ['-srt_streamid', streamId]),
    ...['-i', `srt://${host}:${port}`],
  ]);
}

export function rtmpInput(url: string): SourceInput {
  const protocols = url.startsWith('rtmps:') ? 'rtmps,tls,tcp' : 'rtmp,tcp';
  return plainInput([
    ...['-protocol_whitelist', protocols, '-rw_timeout', String(SILENCE_US)],
    // A live stream, also if the server has a recording of the same name.
    ...['-f', 'flv', '-rtmp_live', 'live', '-i', url],
  ]);
}
