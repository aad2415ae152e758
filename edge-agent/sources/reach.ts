import { dirname } from 'node:path';
import { hostOf } from './network-url.ts';
import type { Source } from './source.ts';

/** What must be there before a source can be opened: a TCP port that answers, or a path that exists. */
export type Reach = { kind: 'tcp'; host: string; port: number } | { kind: 'path'; path: string };

const PORTS: Record<string, number> = {
  'http:': 80,
  'https:': 443,
  'rtmp:': 1935,
  'rtmps:': 443,
  'rtsp:': 554,
  'rtsps:': 322,
};

/** What a source waits for when it is away; undefined where nothing simple tells (UDP, a program). */
export function reachOf(source: Source): Reach | undefined {
  switch (source.kind) {
    case 'file':
    case 'sdp':
      return { kind: 'path', path: source.path };
    case 'images':
      return { kind: 'path', path: dirname(source.pattern) };
    case 'v4l2':
      return { kind: 'path', path: source.device };
    case 'rtsp':
    case 'http':
    case 'rtmp':
    case 'go2rtc':
      return tcp(source.url);
    case 'onvif':
      return tcp(source.device);
    case 'test':
    case 'udp':
    case 'rtp':
    case 'srt':
    case 'csi':
    case 'screen':
    case 'exec':
      return undefined;
  }
}

function tcp(address: string): Reach {
  const url = new URL(address);
  const port = url.port === '' ? (PORTS[url.protocol] ?? 0) : Number(url.port);
  return { kind: 'tcp', host: hostOf(url), port };
}
