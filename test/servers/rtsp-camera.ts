import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { ProgramError } from '@faascam/core/errors';
import { freePort, freeUdpPort } from '@faascam/core/ports';
import { ended } from './children.ts';

/** GObject introspection belongs to the system's Python, not to one that a version tool puts first in PATH. */
const PYTHON = '/usr/bin/python3';
const PATH = '/cam';

export interface RtspCameraOptions {
  /** An H.264 file, shown in a loop without being encoded again. */
  video?: string;
  /** Or a picture of ffmpeg's `lavfi`, encoded with a keyframe a second. Default: a 640x360 test pattern at 10 fps. */
  lavfi?: string;
  /** With a user, the camera wants authentication: digest unless said otherwise. */
  user?: string;
  password?: string;
  auth?: 'basic' | 'digest';
  /** A certificate and its key in PEM: the camera speaks RTSP over TLS. */
  certificate?: string;
  /** The only one that the camera speaks. Default: both. */
  transport?: 'tcp' | 'udp';
  /** Default: a free one. Give the port of a dead camera to bring that camera back. */
  port?: number;
}

export interface RtspCamera {
  /** With user and password, if there are any. */
  url: string;
  port: number;
  /** The RTSP server's process. */
  pid: number;
  /** The process that makes the picture: SIGSTOP freezes the camera with its connections open, SIGCONT thaws it. */
  feederPid: number;
  /** Signals the RTSP server; resolves once it has ended, or at once for a signal that does not end it. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Ends server and feeder and waits for both. */
  stop(): Promise<void>;
}

/**
 * Starts an RTSP camera on loopback: an ffmpeg that plays a video or a test pattern in real time, and a GStreamer RTSP
 * server that shows it. Needs python3-gi, gir1.2-gst-rtsp-server-1.0 and GStreamer's plugins good and bad.
 * Throws `ProgramError` when the server does not start. The caller stops it.
 */
export async function startRtspCamera(options: RtspCameraOptions = {}): Promise<RtspCamera> {
  const port = options.port ?? (await freePort());
  const udpPort = await freeUdpPort();
  const server = spawn(PYTHON, [serverScript()], { stdio: ['pipe', 'pipe', 'pipe'] });
  let complaints = '';
  server.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-2000);
  });
  const serverEnded = ended(server);
  const { user, password, auth, certificate, transport } = options;
  const settings = { port, udpPort, path: PATH, user, password, auth, certificate, transport };
  server.stdin.on('error', () => {
    // It ended before it read its settings; `serverEnded` says so below.
  });
  server.stdin.end(`${JSON.stringify(settings)}\n`);
  const up = await Promise.race([
    once(server.stdout, 'data').then(() => true),
    serverEnded.then(() => false),
  ]);
  if (!up) throw new ProgramError('rtsp-camera-failed', `The RTSP test camera did not start: ${complaints}`);
  server.stdout.resume();

  const feeder = spawn('ffmpeg', feederArgs(options, udpPort), { stdio: 'ignore' });
  const feederEnded = ended(feeder);
  const login =
    options.user === undefined
      ? ''
      : `${encodeURIComponent(options.user)}:${encodeURIComponent(options.password ?? '')}@`;
  return {
    url: `rtsp${certificate === undefined ? '' : 's'}://${login}127.0.0.1:${port}${PATH}`,
    port,
    pid: server.pid ?? 0,
    feederPid: feeder.pid ?? 0,
    kill: async (signal) => {
      server.kill(signal);
      if (!['SIGSTOP', 'SIGCONT'].includes(signal)) await serverEnded;
    },
    stop: async () => {
      server.kill('SIGKILL');
      feeder.kill('SIGKILL');
      await Promise.all([serverEnded, feederEnded]);
    },
  };
}

function feederArgs(options: RtspCameraOptions, udpPort: number): string[] {
  const source =
    options.video === undefined
      ? [
          ...['-re', '-f', 'lavfi', '-i', options.lavfi ?? 'testsrc2=size=640x360:rate=10'],
          ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p'],
          ...['-force_key_frames', 'expr:gte(t,n_forced)'],
        ]
      : ['-re', '-stream_loop', '-1', '-i', options.video, '-c:v', 'copy'];
  // 1316 bytes are seven MPEG-TS packets, the most that a usual network packet carries.
  const target = `udp://127.0.0.1:${udpPort}?pkt_size=1316`;
  return ['-nostdin', '-loglevel', 'error', ...source, '-an', '-f', 'mpegts', target];
}

/** The script lies beside this file's source, also when this file runs from `dist`. */
function serverScript(): string {
  const here = new URL('.', import.meta.url).pathname;
  return fileURLToPath(
    new URL(here.endsWith('/dist/') ? '../rtsp-camera.py' : 'rtsp-camera.py', import.meta.url),
  );
}
