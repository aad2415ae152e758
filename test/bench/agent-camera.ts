import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { ProgramError } from '@faascam/core/errors';
import { freePort, freeUdpPort } from '@faascam/core/ports';
import { ended } from '@faascam/test-servers/children';
import { codedHeight, codedPicture, codedWidth } from './agent-time-code.ts';

/** GObject introspection belongs to the system's Python, not to one that a version tool puts first in PATH. */
const PYTHON = '/usr/bin/python3';

export interface BenchCameraOptions {
  /**
   * What it shows: a recording in MPEG-TS, over and over; or pictures made now, whose code is the time in ms modulo 2^32, scaled
   * to `width` (the code can be read at 640 only).
   */
  picture: { video: string; codec: 'h264' | 'hevc' } | { fps: number; width?: number };
  /** Default: a free one. Give that of a dead camera to bring it back. */
  port?: number;
  user?: string;
  password?: string;
}

/** A camera over RTSP, with keyframes each second unless it shows a recording. */
export interface BenchCamera {
  url: string;
  port: number;
  /** Makes the picture: SIGSTOP freezes the camera with its connections open. */
  feederPid: number;
  /** The codes of all pictures that were given to its encoder so far. */
  readonly codes: readonly number[];
  /** Ends it as a power cut does, and waits for the end of its processes. */
  kill(): Promise<void>;
}

/** Starts a camera; it serves when this resolves. Throws `ProgramError` when GStreamer's RTSP server does not start. */
export async function startBenchCamera(options: BenchCameraOptions): Promise<BenchCamera> {
  const { picture, user, password } = options;
  const port = options.port ?? (await freePort());
  const udpPort = await freeUdpPort();
  const feeder = spawn('ffmpeg', feederArgs(picture, udpPort), { stdio: ['pipe', 'ignore', 'ignore'] });
  const feederEnded = ended(feeder);
  const codes: number[] = [];
  const stopDrawing = 'fps' in picture ? draw(feeder, picture.fps, codes) : () => undefined;

  const server = spawn(PYTHON, [serverScript()], { stdio: ['pipe', 'pipe', 'pipe'] });
  const serverEnded = ended(server);
  let complaints = '';
  server.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-2000);
  });
  server.stdin.on('error', () => undefined);
  const codec = 'codec' in picture ? picture.codec : 'h264';
  server.stdin.end(`${JSON.stringify({ port, udpPort, codec, user, password })}\n`);
  const kill = async (): Promise<void> => {
    stopDrawing();
    feeder.kill('SIGKILL');
    server.kill('SIGKILL');
    await Promise.all([feederEnded, serverEnded]);
  };
  const ready = once(server.stdout, 'data');
  const up = await Promise.race([ready.then(() => true), serverEnded.then(() => false)]);
  if (!up) {
    await kill();
    throw new ProgramError('rtsp-camera-failed', `The camera of the bench did not start: ${complaints}`);
  }
  const login = user === undefined ? '' : `${user}:${password ?? ''}@`;
  return {
    url: `rtsp://${login}127.0.0.1:${port}/cam`,
    port,
    feederPid: feeder.pid ?? 0,
    codes,
    kill,
  };
}

/** Feeds an encoder with pictures in real time. While it does not take them, they are let go, as by a sensor. */
function draw(feeder: ChildProcess, fps: number, codes: number[]): () => void {
  const { stdin } = feeder;
  if (stdin === null) return () => undefined;
  let ready = true;
  stdin.on('error', () => undefined);
  stdin.on('drain', () => (ready = true));
  const beganMs = performance.now();
  let drawn = 0;
  let timer: NodeJS.Timeout;
  const next = (): void => {
    if (ready) {
      const code = Date.now() % 2 ** 32;
      ready = stdin.write(codedPicture(code));
      codes.push(code);
    }
    drawn += 1;
    timer = setTimeout(next, Math.max(0, beganMs + (drawn * 1000) / fps - performance.now()));
  };
  timer = setTimeout(next, 0);
  return () => clearTimeout(timer);
}

function feederArgs(picture: BenchCameraOptions['picture'], udpPort: number): string[] {
  const target = ['-an', '-f', 'rtp', '-payload_type', '96', `rtp://127.0.0.1:${udpPort}?pkt_size=1200`];
  if ('video' in picture) {
    return ['-v', 'error', '-re', '-stream_loop', '-1', '-i', picture.video, '-c:v', 'copy', ...target];
  }
  const { fps, width = codedWidth } = picture;
  return [
    ...['-v', 'error', '-f', 'rawvideo', '-pixel_format', 'yuv420p'],
    ...['-video_size', `${codedWidth}x${codedHeight}`, '-framerate', '1000'],
    // A picture's time is when it was made, not its number: some may be missing.
    ...['-use_wallclock_as_timestamps', '1', '-i', 'pipe:0', '-vf', `scale=${width}:-2`],
    ...['-fps_mode', 'passthrough', '-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency'],
    ...['-g', String(fps), '-keyint_min', String(fps), '-sc_threshold', '0', '-threads', '1'],
    ...target,
  ];
}

/** Python is not compiled: the script lies beside this file's source. */
function serverScript(): string {
  const path = new URL('agent-camera.py', import.meta.url).pathname;
  return existsSync(path) ? path : path.replace('/dist/bench/', '/bench/');
}
