import { motionHeader } from '@faascam/core/messages';
import { z } from 'zod';
import type { Background } from './background.ts';
import { blockColumns } from './blocks.ts';
import { tilesOf } from './restlessness.ts';
import { track } from './tracks.ts';

/** Version of the bytes; a state of another version is begun anew, which costs two seconds of learning. */
const VERSION = 4;
/** Steps of the variance's logarithm in a byte: variances from 0 to some thousands grey levels squared. */
const LOG_STEPS = 30;
const MEAN_STEPS = 16;
const AGE_STEP_MS = 100;

const known = z.object({
  width: z.number().int().min(1).max(4096),
  height: z.number().int().min(1).max(4096),
  lastUs: z.number().int(),
  movedUs: z.number().int(),
  startUs: z.number().int(),
  litUs: z.number().int(),
  upsetUs: z.number().int(),
  different: z.number(),
  tracks: z.array(track).max(64),
  said: motionHeader,
  lostSeq: z.number().int().optional(),
});
const version = z.object({ v: z.literal(VERSION) });

/**
 * The background as bytes: a line of JSON, then the means as 12-bit fixed point (two in three bytes), the variances'
 * logarithms in a byte, for each block of two by two cells its brightness, age and what is buried in a byte each, and a
 * byte for each tile: 3.3 bytes a cell. What is learned in small steps is rounded up or down by chance, in proportion, so
 * that replicas that take turns do not lose it.
 */
export function encodeBackground(background: Background): Buffer {
  const { mean, variance, blocks, restless, ...kept } = background;
  const { width, height, lastUs } = kept;
  const first = Buffer.from(
    `${JSON.stringify({ v: VERSION, ...(kept satisfies z.input<typeof known>) })}\n`,
    'latin1',
  );
  const cells = width * height;
  const bytes = Buffer.allocUnsafe(first.length + sizeOf(width, height));
  first.copy(bytes);
  let to = first.length;
  let dice = (lastUs % 4_294_967_291) | 1;
  const chance = (): number => {
    dice ^= dice << 13;
    dice ^= dice >>> 17;
    dice ^= dice << 5;
    return (dice >>> 8) / 16_777_216;
  };
  for (let at = 0; at < cells; at += 2) {
    const a = Math.min(4095, (mean[at] ?? 0) * MEAN_STEPS + chance()) | 0;
    const b = Math.min(4095, (mean[at + 1] ?? 0) * MEAN_STEPS + chance()) | 0;
    bytes[to++] = a >> 4;
    bytes[to++] = ((a & 15) << 4) | (b >> 8);
    bytes[to++] = b & 255;
  }
  for (let at = 0; at < cells; at++) {
    bytes[to++] = Math.min(255, LOG_STEPS * Math.log(1 + (variance[at] ?? 0)) + chance());
  }
  bytes.set(blocks.shown, to);
  to += blocks.shown.length;
  for (const age of blocks.ageMs) bytes[to++] = Math.min(255, age / AGE_STEP_MS + chance());
  bytes.set(blocks.buried, to);
  to += blocks.buried.length;
  for (const tile of restless) bytes[to++] = Math.min(255, tile * 255 + chance());
  return bytes;
}

/** Size of what follows the first line. */
function sizeOf(width: number, height: number): number {
  const cells = width * height;
  const blocks = blockColumns(width) * blockColumns(height);
  return 3 * Math.ceil(cells / 2) + cells + 3 * blocks + tilesOf(width, height);
}

/** The background of such bytes; undefined when they are damaged or of another version. */
export function decodeBackground(bytes: Uint8Array): Background | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = buffer.indexOf(10);
  if (end < 0) return undefined;
  let read;
  try {
    const line: unknown = JSON.parse(buffer.toString('latin1', 0, end));
    if (!version.safeParse(line).success) return undefined;
    read = known.safeParse(line);
  } catch {
    return undefined;
  }
  if (!read.success) return undefined;
  const { width, height } = read.data;
  const body = buffer.subarray(end + 1);
  if (body.length !== sizeOf(width, height)) return undefined;
  const cells = width * height;
  const mean = new Float32Array(cells);
  let from = 0;
  for (let at = 0; at < cells; at += 2) {
    const [high, middle, low] = [body[from++] ?? 0, body[from++] ?? 0, body[from++] ?? 0];
    mean[at] = ((high << 4) | (middle >> 4)) / MEAN_STEPS;
    mean[at + 1] = (((middle & 15) << 8) | low) / MEAN_STEPS;
  }
  const variance = Float32Array.from({ length: 256 }, (_, step) => Math.exp(step / LOG_STEPS) - 1);
  const variances = new Float32Array(cells);
  for (let at = 0; at < cells; at++) variances[at] = variance[body[from++] ?? 0] ?? 0;
  const blocks = blockColumns(width) * blockColumns(height);
  const taken = (size: number): Uint8Array => {
    from += size;
    return Uint8Array.from(body.subarray(from - size, from));
  };
  const shown = taken(blocks);
  const ageMs = Uint16Array.from(taken(blocks), (age) => age * AGE_STEP_MS);
  const buried = taken(blocks);
  const restless = Float32Array.from(taken(tilesOf(width, height)), (tile) => tile / 255);
  const learned = { mean, variance: variances, blocks: { shown, ageMs, buried }, restless };
  return { ...read.data, ...learned };
}
