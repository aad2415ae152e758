import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { startStream } from './child-stream.ts';
import type { CsiSource } from './kinds.ts';
import { SourceError } from './source-error.ts';
import type { OpenOptions, SourceInput } from './source-input.ts';

/** The camera program of Raspberry Pi OS, and its name before 2024. */
const PROGRAMS = ['rpicam-vid', 'libcamera-vid'];
const HELP_MS = 10_000;

/** Opens a camera on a Raspberry Pi's ribbon cable: its camera program encodes H.264 and writes it to a pipe. */
export async function openCsi(source: CsiSource, options: OpenOptions): Promise<SourceInput> {
  const program = await installedProgram();
  const child = await startStream({
    program,
    args: csiArgs(source, await helpOf(program, options.signal)),
    what: `is read by ${program}, which`,
    signal: options.signal,
  });
  return {
    args: h264OnPipe(source.rate),
    copy: [],
    jpeg: false,
    stdin: child.stdout,
    failure: child.failure,
    close: child.close,
  };
}

/** Exported for tests. `help` is what the program prints for `--help`: it tells which options it has. */
export function csiArgs(source: CsiSource, help: string): string[] {
  const { camera, size, rate } = source;
  return [
    ...['--timeout', '0', '--nopreview', '--camera', String(camera)],
    ...['--width', String(size.width), '--height', String(size.height), '--framerate', String(rate)],
    // A keyframe a second, each with what a decoder needs to begin there; every picture is written at once.
    ...['--codec', 'h264', '--inline', '--intra', String(Math.max(1, Math.round(rate))), '--flush'],
    // A Raspberry Pi 5 encodes in software, whose format would be guessed from a file name.
    ...(help.includes('--libav-format') ? ['--libav-format', 'h264'] : []),
    ...['--output', '-'],
  ];
}

/** ffmpeg's arguments for raw H.264 on its standard input, which has no times: the time of arrival it is. */
function h264OnPipe(rate: number): string[] {
  return [
    ...['-protocol_whitelist', 'pipe', '-f', 'h264', '-framerate', String(rate)],
    ...['-use_wallclock_as_timestamps', '1', '-fpsprobesize', '0', '-i', 'pipe:0'],
  ];
}

async function installedProgram(): Promise<string> {
  for (const program of PROGRAMS) {
    for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
      try {
        await access(join(directory, program), constants.X_OK);
        return program;
      } catch {
        // Not here; perhaps in the next directory.
      }
    }
  }
  throw new SourceError(
    'no-program',
    `needs ${PROGRAMS.join(' or ')}, and neither is installed: on Raspberry Pi OS install rpicam-apps-lite`,
    'slow',
  );
}

function helpOf(program: string, signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    execFile(program, ['--help'], { signal, timeout: HELP_MS }, (_error, stdout, stderr) => {
      resolve(stdout + stderr);
    });
  });
}
