import { motionHeader } from '@faascam/core/messages';
import { z } from 'zod';
import type { Background } from './background.ts';
import { track } from './tracks.ts';

/** Version of the bytes; a state of another version is begun anew, which costs two seconds of learning. */
const VERSION = 2;
const VARIANCE_STEPS = 64;

const head = z.object({
  v: z.literal(VERSION),
  width: z.number().int().min(1).max(4096),
  height: z.number().int().min(1).max(4096),
  lastUs: z.number().int(),
  movedUs: z.number().int(),
  startUs: z.number().int(),
  tracks: z.array(track).max(64),
  said: motionHeader,
});

/**
 * The background as bytes: a line of JSON, then for each cell the mean and the variance as 16-bit fixed point,
 * the last brightness, and the steady time in 20 ms steps: 6 bytes a cell, in the order of bytes of all machines that Node.js runs on
 * but s390x: little endian.
 */
export function encodeBackground(background: Background): Buffer {
  const { width, height, lastUs, movedUs, startUs, tracks, said } = background;
  const first = Buffer.from(
    `${JSON.stringify({ v: VERSION, width, height, lastUs, movedUs, startUs, tracks, said })}\n`,
  );
  const cells = width * height;
  const means = new Uint16Array(cells);
  const variances = new Uint16Array(cells);
  const steady = new Uint8Array(cells);
  for (let at = 0; at < cells; at++) {
    means[at] = Math.min(0xffff, (background.mean[at] ?? 0) * 256 + 0.5);
    variances[at] = Math.min(0xffff, (background.variance[at] ?? 0) * VARIANCE_STEPS + 0.5);
    steady[at] = Math.min(255, (background.steadyMs[at] ?? 0) / 20 + 0.5);
  }
  const parts = [means, variances, background.last, steady];
  const body = Buffer.concat(parts.map((part) => Buffer.from(part.buffer, part.byteOffset, part.byteLength)));
  return Buffer.concat([first, body]);
}

/** The background of such bytes; undefined when they are damaged or of another version. */
export function decodeBackground(bytes: Uint8Array): Background | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = buffer.indexOf(10);
  if (end < 0) return undefined;
  let parsed;
  try {
    parsed = head.safeParse(JSON.parse(buffer.toString('utf8', 0, end)));
  } catch {
    return undefined;
  }
  if (!parsed.success) return undefined;
  const { width, height, lastUs, movedUs, startUs, tracks, said } = parsed.data;
  const cells = width * height;
  const body = buffer.subarray(end + 1);
  if (body.length !== cells * 6) return undefined;
  // A copy of their own: typed arrays want their bytes aligned.
  const bytesOf = (from: number, size: number): ArrayBuffer =>
    new Uint8Array(body.subarray(from, from + size)).buffer;
  const means = new Uint16Array(bytesOf(0, cells * 2));
  const variances = new Uint16Array(bytesOf(cells * 2, cells * 2));
  const last = new Uint8Array(bytesOf(cells * 4, cells));
  const mean = new Float32Array(cells);
  const variance = new Float32Array(cells);
  const steadyMs = new Uint16Array(cells);
  for (let at = 0; at < cells; at++) {
    mean[at] = (means[at] ?? 0) / 256;
    variance[at] = (variances[at] ?? 0) / VARIANCE_STEPS;
    steadyMs[at] = (body[cells * 5 + at] ?? 0) * 20;
  }
  return { width, height, mean, variance, last, steadyMs, lastUs, movedUs, startUs, tracks, said };
}
