import type { Size } from './query.ts';

/**
 * Where a camera's picture comes from. A `url` is as it was given, so with its password: it goes to ffmpeg or to the
 * camera, and through `shownSource` to people.
 */
export type Source =
  | { kind: 'file'; path: string }
  | ImagesSource
  | TestSource
  | { kind: 'rtsp' | 'http' | 'rtmp'; url: string }
  | UdpSource
  | { kind: 'sdp'; path: string }
  | SrtSource
  | Go2rtcSource
  | OnvifSource
  | V4l2Source
  | CsiSource
  | ScreenSource
  | ExecSource;

/** Numbered pictures; `pattern` holds `%06d` or the like in its file name. */
export interface ImagesSource {
  kind: 'images';
  pattern: string;
  rate: number;
}

export interface TestSource {
  kind: 'test';
  size: Size;
  rate: number;
}

/** MPEG-TS in UDP packets, or RTP; of one sender or of a multicast group. */
export interface UdpSource {
  kind: 'udp' | 'rtp';
  /** As in a URL: an IPv6 address in brackets. Empty for UDP: whatever arrives on the port. */
  host: string;
  port: number;
  /** The address of the network interface that joins the multicast group. */
  localAddress?: string;
  /** The only sender that is listened to. */
  sender?: string;
}

export interface SrtSource {
  kind: 'srt';
  host: string;
  port: number;
  mode: 'caller' | 'listener';
  latencyMs: number;
  passphrase?: string;
  streamId?: string;
}

export interface Go2rtcSource {
  kind: 'go2rtc';
  /** Of its API: `http://[user:password@]host:1984/`. */
  api: string;
  /** Of the stream: `rtsp://[user:password@]host:8554/name`. */
  url: string;
  name: string;
}

export interface OnvifSource {
  kind: 'onvif';
  /** Of the device service: `http://[user:password@]host[:port]/onvif/device_service`. */
  device: string;
  /** `main` is the first profile of the camera, `sub` the smallest. */
  profile: 'main' | 'sub';
}

export const encoders = ['libx264', 'h264_v4l2m2m'] as const;
export type Encoder = (typeof encoders)[number];

export interface V4l2Source {
  kind: 'v4l2';
  device: string;
  size?: Size;
  rate?: number;
  /** A pixel format or codec by ffmpeg's name. Without one the best that the device has. */
  format?: string;
  /** For uncompressed pictures. */
  encoder: Encoder;
}

export interface CsiSource {
  kind: 'csi';
  camera: number;
  size: Size;
  rate: number;
}

export interface ScreenSource {
  kind: 'screen';
  /** An X display as in `DISPLAY`: `:0.0`. */
  display: string;
  size?: Size;
  rate: number;
  encoder: Encoder;
}

export const execFormats = ['mpegts', 'nut', 'matroska', 'flv', 'mjpeg', 'h264', 'hevc'] as const;

export interface ExecSource {
  kind: 'exec';
  /** For `/bin/sh -c`. */
  command: string;
  /** What it writes. Without one ffmpeg finds out, among containers that have times. */
  format?: (typeof execFormats)[number];
}
