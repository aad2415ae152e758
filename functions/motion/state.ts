import { motionHeader } from '@faascam/core/messages';
import { z } from 'zod';
import type { Background } from './background.ts';

/** Version of the bytes; a state of another version is begun anew, which costs two seconds of learning. */
const VERSION = 1;
const VARIANCE_STEPS = 64;

const head = z.object({
  v: z.literal(VERSION),
  width: z.number().int().min(1).max(4096),
  height: z.number().int().min(1).max(4096),
  lastUs: z.number().int(),
  movedUs: z.number().int(),
  startUs: z.number().int(),
  said: motionHeader,
});

/**
 * The background as bytes: a line of JSON, then for each cell the mean and the variance as 16-bit fixed point,
 * the last brightness, and the steady time in 20 ms steps: 6 bytes a cell, little endian.
 */
export function encodeBackground(background: Background): Buffer {
  const { width, height, lastUs, movedUs, startUs, said } = background;
  const first = Buffer.from(
    `${JSON.stringify({ v: VERSION, width, height, lastUs, movedUs, startUs, said })}\n`,
  );
  const cells = width * height;
  const body = Buffer.alloc(cells * 6);
  for (let at = 0; at < cells; at++) {
    body.writeUInt16LE(Math.round((background.mean[at] ?? 0) * 256) & 0xffff, at * 2);
    const variance = Math.min(0xffff, Math.round((background.variance[at] ?? 0) * VARIANCE_STEPS));
    body.writeUInt16LE(variance, (cells + at) * 2);
    body[cells * 4 + at] = background.last[at] ?? 0;
    body[cells * 5 + at] = Math.min(255, Math.round((background.steadyMs[at] ?? 0) / 20));
  }
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
  const { width, height, lastUs, movedUs, startUs, said } = parsed.data;
  const cells = width * height;
  const body = buffer.subarray(end + 1);
  if (body.length !== cells * 6) return undefined;
  const mean = new Float32Array(cells);
  const variance = new Float32Array(cells);
  const last = new Uint8Array(cells);
  const steadyMs = new Uint16Array(cells);
  for (let at = 0; at < cells; at++) {
    mean[at] = body.readUInt16LE(at * 2) / 256;
    variance[at] = body.readUInt16LE((cells + at) * 2) / VARIANCE_STEPS;
    last[at] = body[cells * 4 + at] ?? 0;
    steadyMs[at] = (body[cells * 5 + at] ?? 0) * 20;
  }
  return { width, height, mean, variance, last, steadyMs, lastUs, movedUs, startUs, said };
}
