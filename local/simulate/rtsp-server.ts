import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ProgramError } from '@faascam/core/errors';
import { ended } from './process-end.ts';

/** GObject introspection belongs to the system's Python, not to one that a version tool puts first in PATH. */
const PYTHON = '/usr/bin/python3';

export interface RtspStream {
  /** `/yard`. */
  path: string;
  /** Where its MPEG-TS comes in, on loopback. */
  udpPort: number;
  codec: 'h264' | 'hevc';
}

/** What a user installs to have one. */
export const RTSP_PACKAGES =
  'python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad';

/**
 * Starts GStreamer's RTSP server for some streams; answers how to end it. Throws `ProgramError` `rtsp-server-missing`
 * where GStreamer's server is not installed, `rtsp-server-failed` where it does not start.
 */
export async function startRtspServer(
  host: string,
  port: number,
  streams: readonly RtspStream[],
): Promise<() => Promise<void>> {
  const server = spawn(PYTHON, [serverScript()], { stdio: ['pipe', 'pipe', 'pipe'] });
  const over = ended(server);
  let complaints = '';
  server.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-2000);
  });
  server.stdin.on('error', () => {
    // It ended before it read its settings, and `over` says so.
  });
  server.stdin.write(`${JSON.stringify({ host, port, streams })}\n`);
  const up = await Promise.race([once(server.stdout, 'data').then(() => true), over.then(() => false)]);
  if (!up) throw startError(complaints);
  server.stdout.resume();
  return async () => {
    server.kill('SIGKILL');
    await over;
  };
}

function startError(complaints: string): ProgramError {
  if (complaints === '' || /ModuleNotFoundError|Namespace Gst\w* not available/.test(complaints)) {
    return new ProgramError(
      'rtsp-server-missing',
      `There is no RTSP server here; for RTSP install GStreamer's: sudo apt-get install ${RTSP_PACKAGES}`,
    );
  }
  const reason = complaints.trim().split('\n').at(-1) ?? '';
  return new ProgramError('rtsp-server-failed', `GStreamer's RTSP server did not start: ${reason}`);
}

/** Python is not compiled: the script lies beside this file's source. */
function serverScript(): string {
  const path = fileURLToPath(new URL('rtsp-server.py', import.meta.url));
  return existsSync(path) ? path : path.replace('/local/dist/', '/local/');
}
