import { readdir } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { systemCodeOf } from '@faascam/core/errors';
import { encoded } from './encoder.ts';
import type { ImagesSource, TestSource } from './kinds.ts';
import type { Pace } from './source-args.ts';
import { SourceError } from './source-error.ts';
import { plainInput, type OpenOptions, type SourceInput } from './source-input.ts';

/** ffmpeg's arguments for a video file. */
export function fileArgs(path: string, pace: Pace): string[] {
  return [
    // A playlist must not make us fetch something from the network.
    ...['-protocol_whitelist', 'file'],
    // AVI does not tell when a picture is shown if pictures are reordered.
    ...['-fflags', '+genpts'],
    ...(pace === 'live' ? ['-re', '-stream_loop', '-1'] : []),
    ...['-i', `file:${path}`],
  ];
}

/** Opens numbered pictures, from the lowest number on. JPEG is passed on as it is, anything else is encoded. */
export async function openImages(source: ImagesSource, options: OpenOptions): Promise<SourceInput> {
  const first = await firstNumber(source.pattern);
  const args = [
    ...['-protocol_whitelist', 'file'],
    ...(options.pace === 'live' ? ['-re', '-loop', '1'] : []),
    ...['-f', 'image2', '-framerate', String(source.rate), '-start_number', String(first)],
    ...['-i', `file:${source.pattern}`],
  ];
  if (/\.jpe?g$/i.test(source.pattern)) return plainInput(args, { jpeg: true });
  return await encoded({ input: args, rate: source.rate, encoder: 'libx264', signal: options.signal });
}

/** Opens ffmpeg's own moving test picture. */
export async function openTest(source: TestSource, options: OpenOptions): Promise<SourceInput> {
  const { size, rate } = source;
  const generator = `testsrc2=size=${size.width}x${size.height}:rate=${rate}`;
  return await encoded({
    input: [...(options.pace === 'live' ? ['-re'] : []), '-f', 'lavfi', '-i', generator],
    ...{ rate, encoder: 'libx264', signal: options.signal },
  });
}

/** The lowest number of a picture that is there. ffmpeg itself only looks at 0 to 4. */
async function firstNumber(pattern: string): Promise<number> {
  const [before = '', digits = '', after = ''] = basename(pattern).split(/%0?(\d*)d/);
  const length = digits === '' ? 1 : Number(digits);
  let names: string[];
  try {
    names = await readdir(dirname(pattern));
  } catch (error) {
    throw systemCodeOf(error) === 'EACCES'
      ? new SourceError('no-permission', 'has a folder of pictures that may not be read', 'slow', {
          cause: error,
        })
      : new SourceError('no-file', 'has no such folder of pictures', 'slow', { cause: error });
  }
  const numbers = names
    .filter((name) => name.startsWith(before) && name.endsWith(after))
    .map((name) => name.slice(before.length, name.length - after.length))
    .filter((number) => /^\d+$/.test(number) && number.length >= length)
    .map(Number);
  if (numbers.length === 0) {
    throw new SourceError('no-file', `has no picture that is named as ${basename(pattern)}`, 'slow');
  }
  return Math.min(...numbers);
}
