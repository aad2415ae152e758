import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { lumaOf, type Luma } from '@faascam/motion/luma';
import type { Span } from './accuracy-events.ts';
import { caseFps, caseHeight, caseWidth, type Frame } from './hard-cases-pixels.ts';
import type { Footage } from './hard-cases-scenes.ts';
import type { HardCase } from './hard-cases.ts';

export const sharedFolder = new URL('../../../../shared/data/', import.meta.url).pathname;
/** Where nobody is in the picture at the start of the real footage. */
const REAL_EMPTY_S = 5.4;
/** Visits in the real footage, as someone has written them down. */
const realVisits: readonly Span[] = [
  [6.1, 19.5],
  [22.8, 44.8],
  [50.3, 69.8],
  [74.5, 86.7],
  [92.6, 119.7],
  [123.5, 135.8],
];

/** Six people who come into a room one by one, stand at a table and leave; nothing where it lacks beside the checkout. */
export function realVisitors(): Footage | undefined {
  const path = join(sharedFolder, 'videos/one-by-one-person-detection.mp4');
  return existsSync(path) ? { name: 'room', frames: decode(path), visits: realVisits } : undefined;
}

/** The first seconds of footage. */
export function beginningOf({ name, frames, visits }: Footage, seconds: number): Footage {
  return {
    name,
    frames: frames.slice(0, seconds * caseFps),
    visits: visits.filter(([, to]) => to < seconds),
  };
}

/** The room before anyone comes, so many seconds of it. */
export function emptyRoom({ frames }: Footage, seconds: number): Footage {
  const empty = frames.slice(1, Math.floor(REAL_EMPTY_S * caseFps));
  // To and fro, so that the loop has no seam.
  const loop = [...empty, ...[...empty].reverse().slice(1, -1)];
  const long = Array.from({ length: seconds * caseFps }, (_, index) => loop[index % loop.length]);
  return { name: 'room', frames: long.flatMap((frame) => frame ?? []), visits: [] };
}

function decode(path: string): Frame[] {
  const scale = `scale=${caseWidth}:${caseHeight}:out_range=pc,fps=${caseFps},format=gray`;
  const args = ['-v', 'error', '-i', path, '-an', '-vf', scale, '-f', 'rawvideo', '-'];
  return cut(execFileSync('ffmpeg', args, { maxBuffer: 2 ** 30 }));
}

function cut(bytes: Buffer): Frame[] {
  const size = caseWidth * caseHeight;
  return Array.from({ length: Math.floor(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );
}

/** The footage under a trouble, frame by frame on the model's grid, through JPEG as from the agent. */
export async function* troubled(
  { frames }: Footage,
  { frame, encode, jpegQuality = 80 }: HardCase,
  seed = 0,
): AsyncGenerator<Luma> {
  const source = encode === undefined ? frames : coded(frames, encode);
  for (let index = 0; index < source.length; index++) {
    const picture = frame?.(source, index, seed) ?? source[index];
    if (picture === undefined) return;
    const raw = { width: caseWidth, height: caseHeight, channels: 1 } as const;
    yield await lumaOf(await sharp(picture, { raw }).jpeg({ quality: jpegQuality }).toBuffer());
  }
}

/** The frames after a video encoder and decoder. */
function coded(frames: readonly Frame[], encode: readonly string[]): Frame[] {
  const raw = ['-f', 'rawvideo', '-pix_fmt', 'gray', '-s', `${caseWidth}x${caseHeight}`];
  const input = Buffer.concat(frames.map((frame) => Buffer.from(frame)));
  const options = { maxBuffer: 2 ** 30 };
  const video = execFileSync(
    'ffmpeg',
    ['-v', 'error', ...raw, '-r', String(caseFps), '-i', '-', ...encode, '-f', 'matroska', '-'],
    { ...options, input },
  );
  const gray = ['-vf', 'scale=out_range=pc,format=gray', '-f', 'rawvideo', '-'];
  return cut(execFileSync('ffmpeg', ['-v', 'error', '-i', '-', ...gray], { ...options, input: video }));
}
