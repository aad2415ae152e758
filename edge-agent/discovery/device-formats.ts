import { execFile } from 'node:child_process';
import { systemCodeOf } from '@faascam/core/errors';
import { parseFfmpegFormats, parseV4l2ctlFormats, type VideoFormat } from './video-formats.ts';

/** What a device can send, or the sentence that says why it cannot be asked. No formats: it sends no pictures. */
export type DeviceFormats = { formats: VideoFormat[] } | { fault: string };

/** A driver that hangs must not hang us. */
const LIMIT_MS = 10_000;

/** Asks a device for its formats, with v4l2-ctl where it is installed (it tells of rates too), else with ffmpeg. */
export async function deviceFormats(path: string, signal: AbortSignal): Promise<DeviceFormats> {
  const ctl = await said('v4l2-ctl', ['--list-formats-ext', '-d', path], signal);
  if (ctl !== undefined) {
    const formats = parseV4l2ctlFormats(ctl);
    if (formats.length > 0) return { formats };
  }
  const ffmpeg = await said(
    'ffmpeg',
    ['-hide_banner', '-f', 'v4l2', '-list_formats', 'all', '-i', path],
    signal,
  );
  if (ffmpeg === undefined) return { fault: 'ffmpeg is not installed: sudo apt-get install ffmpeg' };
  const formats = parseFfmpegFormats(ffmpeg);
  return formats.length > 0 ? { formats } : faultIn(ffmpeg);
}

/** Why ffmpeg told of no formats. A node that carries metadata is no fault. */
export function faultIn(text: string): DeviceFormats {
  if (/Not a video capture device/.test(text)) return { formats: [] };
  if (/Permission denied/.test(text)) {
    return { fault: 'may not be opened: sudo usermod -aG video $USER, then log in again' };
  }
  if (/Device or resource busy/.test(text)) return { fault: 'is in use by another program' };
  if (/No such (file or directory|device)/.test(text)) return { fault: 'was unplugged' };
  if (/Unknown input format/.test(text))
    return { fault: 'cannot be used, this ffmpeg was built without v4l2' };
  return { formats: [] };
}

/** Everything that a program writes; undefined where it is not installed. */
function said(program: string, args: string[], signal: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const options = { timeout: LIMIT_MS, killSignal: 'SIGKILL' as const, maxBuffer: 1024 * 1024 };
    const child = execFile(program, args, { ...options, signal }, (error, stdout, stderr) => {
      if (signal.aborted) reject(error ?? new Error('aborted'));
      else if (systemCodeOf(error) === 'ENOENT') resolve(undefined);
      // A list of formats always ends with an error: nothing was to be opened.
      else resolve(stdout + stderr);
    });
    child.stdin?.end();
  });
}
