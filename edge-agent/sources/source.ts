import { redact } from '@faascam/core/redact';
import { badSource, programOf } from './bad-source.ts';
import type { Source } from './kinds.ts';
import {
  csiSource,
  execSource,
  fileSource,
  imagesSource,
  screenSource,
  sdpSource,
  testSource,
  v4l2Source,
} from './local-forms.ts';
import { go2rtcSource, onvifSource, srtSource, streamSource, udpSource } from './network-forms.ts';

export type { Source } from './kinds.ts';

const FORMS: Record<string, (text: string, rest: string) => Source> = {
  file: fileSource,
  images: imagesSource,
  test: testSource,
  rtsp: streamSource('rtsp', 'rtsp://user:password@host/path'),
  rtsps: streamSource('rtsp', 'rtsps://user:password@host:322/path'),
  http: streamSource('http', 'http://user:password@host/path'),
  https: streamSource('http', 'https://user:password@host/path'),
  rtmp: streamSource('rtmp', 'rtmp://host/app/stream'),
  rtmps: streamSource('rtmp', 'rtmps://host/app/stream'),
  udp: udpSource('udp'),
  rtp: udpSource('rtp'),
  sdp: sdpSource,
  srt: srtSource,
  go2rtc: go2rtcSource,
  onvif: onvifSource,
  v4l2: v4l2Source,
  csi: csiSource,
  screen: screenSource,
  exec: (text, rest) => execSource(text, rest),
};

const SUPPORTED =
  `give rtsp://user:password@host/path, or file:PATH of a video, or a source that begins with one of ` +
  `${Object.keys(FORMS).join(':, ')}: (see docs/cameras.md)`;

/**
 * Reads a camera's `source` setting; docs/cameras.md has all forms. A text without a scheme is the path of a file.
 * Throws `UsageError` `bad-source` that says what to write instead.
 */
export function parseSource(text: string): Source {
  const [prefix = '', scheme = ''] = /^([a-z][a-z0-9+.-]+):/i.exec(text) ?? [];
  if (prefix === '') return fileSource(text, text);
  const name = scheme.toLowerCase();
  const rest = text.slice(prefix.length);
  if (name.startsWith('exec+')) return execSource(text, rest, name.slice('exec+'.length));
  const form = Object.hasOwn(FORMS, name) ? FORMS[name] : undefined;
  if (form === undefined) throw badSource(text, `cannot be used, ${name}: is not supported: ${SUPPORTED}`);
  return form(text, rest);
}

/** The source for people: no password. */
export function shownSource(source: Source): string {
  switch (source.kind) {
    case 'file':
      return source.path;
    case 'images':
      return `images:${source.pattern}`;
    case 'sdp':
      return `sdp:${source.path}`;
    case 'test':
      return 'test:';
    case 'rtsp':
    case 'http':
    case 'rtmp':
      return redact(source.url);
    case 'udp':
    case 'rtp':
    case 'srt':
      return `${source.kind}://${source.host}:${source.port}`;
    case 'go2rtc':
      return redact(source.api.replace(/^http/, 'go2rtc') + encodeURIComponent(source.name));
    case 'onvif':
      return redact(source.device.replace(/^http/, 'onvif'));
    case 'v4l2':
      return `v4l2:${source.device}`;
    case 'csi':
      return `csi:${source.camera}`;
    case 'screen':
      return `screen:${source.display}`;
    case 'exec':
      return `exec:${programOf(source.command)}`;
  }
}
