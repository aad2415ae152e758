import type { RecordingFacts } from './recording-facts.ts';

/** What a camera shows: a recording, or without one a moving test picture. */
export interface Scene {
  /** Absolute; undefined for the test picture. */
  path: string | undefined;
  facts: RecordingFacts;
}

/** Where the picture of one camera goes. */
export interface FeederTargets {
  /** Folder of the HLS playlist and its segments. */
  hlsDirectory: string;
  /** UDP port of loopback at which an RTSP server takes MPEG-TS. */
  udpPort?: number | undefined;
}

export const TEST_PICTURE: RecordingFacts = {
  ...{ videoCodec: 'rawvideo', width: 640, height: 360, audioCodec: undefined },
};
const TEST_PICTURE_FPS = 15;
/** A picture with a time code is encoded here, while others may be watching on the same machine. */
const WIDEST_CODED = 1280;

const QUIET = ['-hide_banner', '-nostdin', '-loglevel', 'error'];
/** As cameras encode: nothing that waits for later pictures. */
const ENCODE = ['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p'];
const KEYFRAME_EACH_SECOND = ['-force_key_frames', 'expr:gte(t,n_forced)'];

/** ffmpeg's arguments for a camera: MPEG-TS on its standard output, HLS in a folder, MPEG-TS to a port. */
export function feederArgs({ path, facts }: Scene, plays: number, targets: FeederTargets): string[] {
  const copies = ['h264', 'hevc'].includes(facts.videoCodec);
  const video = copies ? ['-c:v', 'copy'] : [...ENCODE, ...KEYFRAME_EACH_SECOND];
  const audio = facts.audioCodec === 'aac' ? ['-c:a', 'copy'] : ['-c:a', 'aac'];
  return [...QUIET, ...inputArgs(path, plays), ...outputArgs([...video, ...audio], targets)];
}

/** The same for pictures that come on its standard input, each with the moment at which it came. */
export function codedFeederArgs(size: { width: number; height: number }, targets: FeederTargets): string[] {
  const input = [
    ...['-f', 'rawvideo', '-pixel_format', 'yuv420p', '-video_size', `${size.width}x${size.height}`],
    ...['-framerate', '1000', '-use_wallclock_as_timestamps', '1', '-i', 'pipe:0'],
  ];
  const video = ['-fps_mode', 'passthrough', ...ENCODE, ...KEYFRAME_EACH_SECOND, '-threads', '1'];
  return ['-hide_banner', '-loglevel', 'error', ...input, ...outputArgs(video, targets)];
}

/** ffmpeg's arguments for a camera's bare pictures, yuv420p of `codedSize`, on its standard output. */
export function picturesArgs(scene: Scene, plays: number): string[] {
  const { width, height } = codedSize(scene.facts);
  return [
    ...QUIET,
    ...inputArgs(scene.path, plays),
    ...['-map', '0:v:0', '-an', '-vf', `scale=${width}:${height}`, '-fps_mode', 'passthrough'],
    ...['-pix_fmt', 'yuv420p', '-f', 'rawvideo', 'pipe:1'],
  ];
}

/** The size of a picture with a time code: at most 1280 wide, and even. */
export function codedSize({ width, height }: RecordingFacts): { width: number; height: number } {
  const scale = Math.min(1, WIDEST_CODED / Math.max(1, width));
  const even = (pixels: number): number => 2 * Math.max(1, Math.round((pixels * scale) / 2));
  return { width: even(width), height: even(height) };
}

/** ffmpeg's arguments for JPEGs of the MPEG-TS on its standard input. */
export function mjpegArgs(): string[] {
  return [
    ...['-hide_banner', '-loglevel', 'error', '-fflags', 'nobuffer', '-flags', 'low_delay'],
    ...['-analyzeduration', '1000000', '-threads', '1', '-f', 'mpegts', '-i', 'pipe:0'],
    ...['-map', '0:v:0', '-c:v', 'mjpeg', '-q:v', '4', '-pix_fmt', 'yuvj420p', '-fps_mode', 'passthrough'],
    ...['-flush_packets', '1', '-f', 'mpjpeg', 'pipe:1'],
  ];
}

function inputArgs(path: string | undefined, plays: number): string[] {
  if (path === undefined) {
    const { width, height } = TEST_PICTURE;
    return ['-re', '-f', 'lavfi', '-i', `testsrc2=size=${width}x${height}:rate=${TEST_PICTURE_FPS}`];
  }
  const loops = Number.isFinite(plays) ? plays - 1 : -1;
  // A playlist must not make us fetch something from the network.
  return ['-re', '-stream_loop', String(loops), '-protocol_whitelist', 'file', '-i', `file:${path}`];
}

function outputArgs(codecs: readonly string[], { hlsDirectory, udpPort }: FeederTargets): string[] {
  // The video first: by its PID, the lowest, keyframes are told.
  const streams = ['-map', '0:v:0', '-map', '0:a:0?', ...codecs];
  const prompt = ['-muxdelay', '0', '-muxpreload', '0', '-flush_packets', '1', '-f', 'mpegts'];
  // Seven packets of MPEG-TS are the most that a usual network packet carries.
  const udp =
    udpPort === undefined
      ? []
      : ['-map', '0:v:0', ...codecs, ...prompt, `udp://127.0.0.1:${udpPort}?pkt_size=1316`];
  return [
    ...[...streams, '-mpegts_flags', '+pat_pmt_at_frames', ...prompt, 'pipe:1'],
    ...[...streams, '-f', 'hls', '-hls_time', '1', '-hls_list_size', '6'],
    ...['-hls_flags', 'delete_segments+temp_file', `${hlsDirectory}/index.m3u8`],
    ...udp,
  ];
}
