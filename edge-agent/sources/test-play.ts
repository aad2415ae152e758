import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { openInput, type OpenOptions, type SourceInput } from './input.ts';
import { parseSource } from './source.ts';

/** What a real ffmpeg made of an opened source. */
export interface Played {
  /** When each decoded picture was taken, in seconds. */
  times: number[];
  /** `640x360`. */
  size: string;
  complaints: string;
}

/** Longer than any source needs; a test that gets here fails, and its ffmpeg is gone. */
const PATIENCE_MS = 60_000;

export function openOptions(changed: Partial<OpenOptions> = {}): OpenOptions {
  return {
    pace: 'live',
    analysis: 'quick',
    settings: { transport: 'tcp', format: 'auto', pollMs: 200 },
    allowExec: false,
    signal: new AbortController().signal,
    ...changed,
  };
}

/** Opens a source and plays so many pictures of it. */
export async function watch(
  text: string,
  pictures: number,
  options: Partial<OpenOptions> = {},
): Promise<Played & { input: SourceInput }> {
  const input = await openInput(parseSource(text), openOptions(options));
  try {
    return { ...(await play(input, pictures)), input };
  } finally {
    await input.close();
  }
}

/** Plays as a recording does: copies the stream into Matroska, and decodes it, until `pictures` have come or it ends. */
export async function play(input: SourceInput, pictures: number): Promise<Played> {
  const most = ['-frames:v', String(pictures)];
  const child = spawn(
    'ffmpeg',
    [
      ...['-hide_banner', '-nostats', '-loglevel', 'level+error', '-y', ...input.args],
      ...['-map', '0:v:0', '-c', 'copy', ...input.copy, '-avoid_negative_ts', 'disabled', '-copytb', '1'],
      ...[...most, '-f', 'matroska', '/dev/null'],
      ...[
        '-map',
        '0:v:0',
        '-vf',
        'settb=1/1000000',
        '-fps_mode',
        'passthrough',
        '-enc_time_base',
        '1/1000000',
      ],
      ...[...most, '-flush_packets', '1', '-f', 'framecrc', 'pipe:1'],
    ],
    { stdio: ['pipe', 'pipe', 'pipe'] },
  );
  let output = '';
  let complaints = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    // What is copied may be one picture behind, and not come to its end for long.
    if (timesIn(output).length >= pictures) child.kill('SIGTERM');
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  child.stdin.on('error', () => undefined);
  const fed =
    input.stdin === undefined ? undefined : pipeline(input.stdin, child.stdin).catch(() => undefined);
  const impatience = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  await new Promise<void>((resolve) => child.once('close', () => resolve()));
  clearTimeout(impatience);
  input.stdin?.destroy();
  await fed;
  return {
    times: timesIn(output).slice(0, pictures),
    size: /^#dimensions 0: (\d+x\d+)/m.exec(output)?.[1] ?? '',
    complaints,
  };
}

/** Seconds of the pictures in what ffmpeg's framecrc writes in microseconds. */
function timesIn(output: string): number[] {
  return [...output.matchAll(/^0, +-?\d+, +(-?\d+),.*\n/gm)].map(([, us]) => Number(us) / 1e6);
}

/** Different JPEG pictures of 320x240. */
export async function testJpegs(count: number): Promise<Buffer[]> {
  const directory = await mkdtemp(join(tmpdir(), 'faascam-jpegs-'));
  try {
    const generator = ['-f', 'lavfi', '-i', 'testsrc2=size=320x240:rate=10', '-frames:v', String(count)];
    await promisify(execFile)('ffmpeg', ['-v', 'error', ...generator, join(directory, '%d.jpg')]);
    return await Promise.all(
      Array.from({ length: count }, (_, index) => readFile(join(directory, `${index + 1}.jpg`))),
    );
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
