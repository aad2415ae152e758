import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { ProgramError } from '@faascam/core/errors';
import { freePort } from '@faascam/core/ports';
import { ended } from './children.ts';

/** GObject introspection belongs to the system's Python, not to one that a version tool puts first in PATH. */
const PYTHON = '/usr/bin/python3';

export interface RtspRecorder {
  /** Without user and password: `sender` and `secret`. */
  address: string;
  stop(): Promise<void>;
}

/**
 * Starts an RTSP server on loopback that takes H.264 and writes it into `file`, as MPEG-TS. Needs what `startRtspCamera`
 * needs. Throws `ProgramError` when it does not start. The caller stops it.
 */
export async function startRtspRecorder(file: string): Promise<RtspRecorder> {
  const port = await freePort();
  const server = spawn(PYTHON, [script()], { stdio: ['pipe', 'pipe', 'pipe'] });
  const over = ended(server);
  let complaints = '';
  server.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-2000);
  });
  server.stdin.on('error', () => undefined);
  server.stdin.end(`${JSON.stringify({ port, path: '/yard', file, user: 'sender', password: 'secret' })}\n`);
  const up = await Promise.race([once(server.stdout, 'data').then(() => true), over.then(() => false)]);
  if (!up) throw new ProgramError('rtsp-recorder-failed', `The RTSP recorder did not start: ${complaints}`);
  server.stdout.resume();
  return {
    address: `127.0.0.1:${port}/yard`,
    stop: async () => {
      server.kill('SIGKILL');
      await over;
    },
  };
}

/** The script lies beside this file's source, also when this file runs from `dist`. */
function script(): string {
  const path = new URL('rtsp-recorder.py', import.meta.url).pathname;
  return existsSync(path) ? path : path.replace('/dist/', '/');
}
