import type { Alignment } from './alignment.ts';
import type { Background } from './background.ts';
import { blockColumns, type Blocks } from './blocks.ts';
import { NOISE_FLOOR } from './comparison.ts';
import type { Scratch } from './scratch.ts';

const LEARN_MS = 12_000;
const START_LEARN_MS = 1500;
/** Foreground that nobody vouches for is learned this fast: rain, leaves and what light has left. */
const DOUBTED_LEARN_MS = 3000;
/** For how long foreground must keep its brightness to be background, by how much it is trusted: see `Scratch.trust`. */
const STEADY_LIMITS_MS = [0, 1000, 3000, 20_000, 0] as const;
export const START_VARIANCE = 9;
const MAX_VARIANCE = 2500;
/** Where the light is another, a square difference beyond this many variances counts as this many. */
const OUTLIER = 4;

export interface Seen {
  pixels: Uint8Array;
  alignment: Alignment;
  /** The blocks after this frame. */
  blocks: Blocks;
  scratch: Scratch;
  elapsedMs: number;
  capturedAtUs: number;
}

/** The background after a frame: objects leave it as it is until they have stood still, all else is learned. */
export function learn(
  before: Background,
  { pixels, blocks, scratch, elapsedMs, capturedAtUs }: Seen,
): Pick<Background, 'mean' | 'variance' | 'blocks'> {
  const { width } = before;
  const { residual, light, trust } = scratch;
  const starting = (capturedAtUs - before.startUs) / 1000 < 2 * START_LEARN_MS;
  const rateOf = (ms: number): number => 1 - Math.exp(-elapsedMs / ms);
  const usualRate = rateOf(starting ? START_LEARN_MS : LEARN_MS);
  const doubtedRate = rateOf(DOUBTED_LEARN_MS);
  const first = before.lastUs === before.startUs ? firstVariance(before.mean, pixels) : 0;
  const mean = new Float32Array(pixels.length);
  const variance = new Float32Array(pixels.length);
  const buried = Uint8Array.from(blocks.buried);
  const uncovered = new Uint8Array(buried.length);
  const columns = blockColumns(width);
  for (let at = 0, y = 0; at < pixels.length; y++) {
    for (let x = 0; x < width; x++, at++) {
      const value = pixels[at] ?? 0;
      const usual = before.mean[at] ?? 0;
      const old = before.variance[at] ?? 0;
      const spread = old > first ? old : first;
      const trusted = trust[at] ?? 0;
      if (trusted > 0) {
        const block = (y >> 1) * columns + (x >> 1);
        if ((blocks.ageMs[block] ?? 0) >= (STEADY_LIMITS_MS[trusted] ?? 0)) {
          // What was there first is kept: who shifts his weight becomes part of the background in pieces.
          if (trusted > 1 && trusted < 4 && buried[block] === 0)
            buried[block] = Math.max(1, Math.min(255, usual + 0.5));
          if (trusted === 4) uncovered[block] = 1;
          mean[at] = value;
          variance[at] = Math.min(spread, 4 * START_VARIANCE);
          continue;
        }
        if (trusted > 1) {
          mean[at] = usual;
          variance[at] = spread;
          continue;
        }
      }
      const rate = trusted > 0 ? doubtedRate : usualRate;
      const difference = residual[at] ?? 0;
      mean[at] = usual + rate * (value - usual);
      // Light and shadows that pass are no noise, or they would blind the place for whoever comes after.
      const most =
        light[at] !== 1 || starting ? MAX_VARIANCE : OUTLIER * (spread + NOISE_FLOOR * NOISE_FLOOR);
      const square = Math.min(most, difference * difference);
      variance[at] = Math.min(MAX_VARIANCE, spread + rate * (square - spread));
    }
  }
  for (let block = 0; block < buried.length; block++) if (uncovered[block] === 1) buried[block] = 0;
  return { mean, variance, blocks: { ...blocks, buried } };
}

/** The noise that the first two frames show: half the variance of their difference, by its median. */
function firstVariance(first: Float32Array, pixels: Uint8Array): number {
  const counts = new Uint32Array(256);
  for (let at = 0; at < pixels.length; at++) {
    const change = Math.abs((pixels[at] ?? 0) - (first[at] ?? 0)) | 0;
    counts[change] = (counts[change] ?? 0) + 1;
  }
  let below = 0;
  let change = 0;
  for (; change < 255 && below + (counts[change] ?? 0) < pixels.length / 2; change++)
    below += counts[change] ?? 0;
  return Math.min(MAX_VARIANCE, (change / 0.954) ** 2);
}
