import type { Background } from './background.ts';

const LEARN_MS = 12_000;
const START_LEARN_MS = 1500;
/** Foreground that nobody vouches for is learned this fast: rain, leaves and what light has left. */
const DOUBTED_LEARN_MS = 3000;
/** A foreground cell that keeps its brightness this long is background: a parked car, the place someone left. */
const STEADY_MS = 3000;
const DOUBTED_STEADY_MS = 1000;
/** Part of someone who moves: a leg that stands while the rest gets on. */
const ALIVE_STEADY_MS = 10_000;
const STEADY_LIMITS_MS = [DOUBTED_STEADY_MS, STEADY_MS, ALIVE_STEADY_MS] as const;
/** Noise that every camera has, JPEG's included, in grey levels. */
export const NOISE_FLOOR = 2.2;
export const START_VARIANCE = 9;
const MAX_VARIANCE = 2500;
/** Where the light is another, a square difference beyond this many variances counts as this many. */
const OUTLIER = 4;

export interface Seen {
  pixels: Uint8Array;
  /** Brightness less what the background leads to expect. */
  residual: Float32Array;
  /** 1 in the foreground. */
  mask: Uint8Array;
  /** 1 where only the light is another. */
  light: Uint8Array;
  /** 1 in the part of the foreground that may well be an object, 2 where one moves. */
  trusted: Uint8Array;
  elapsedMs: number;
  capturedAtUs: number;
}

/** The background after a frame: objects leave it as it is until they have stood still, all else is learned. */
export function learn(
  before: Background,
  { pixels, residual, mask, light, trusted, elapsedMs, capturedAtUs }: Seen,
): Pick<Background, 'mean' | 'variance' | 'last' | 'steadyMs'> {
  const starting = (capturedAtUs - before.startUs) / 1000 < 2 * START_LEARN_MS;
  const rateOf = (ms: number): number => 1 - Math.exp(-elapsedMs / ms);
  const usualRate = rateOf(starting ? START_LEARN_MS : LEARN_MS);
  const doubtedRate = rateOf(DOUBTED_LEARN_MS);
  const first = before.lastUs === before.startUs ? firstVariance(before.last, pixels) : 0;
  const mean = new Float32Array(pixels.length);
  const variance = new Float32Array(pixels.length);
  const steadyMs = new Uint16Array(pixels.length);
  for (let at = 0; at < pixels.length; at++) {
    const value = pixels[at] ?? 0;
    const usual = before.mean[at] ?? 0;
    const spread = Math.max(first, before.variance[at] ?? 0);
    const difference = residual[at] ?? 0;
    const foreground = mask[at] === 1;
    const vouched = trusted[at] ?? 0;
    // Steadiness is kept for every cell: a new foreground region is judged by it at once.
    const change = Math.abs(value - (before.last[at] ?? 0));
    const noise = 3 + Math.sqrt(spread);
    const steady = change <= noise ? Math.min(60_000, (before.steadyMs[at] ?? 0) + elapsedMs) : 0;
    steadyMs[at] = steady;
    if (foreground && steady >= (STEADY_LIMITS_MS[vouched] ?? STEADY_MS)) {
      mean[at] = value;
      variance[at] = Math.min(spread, 4 * START_VARIANCE);
      continue;
    }
    if (vouched > 0) {
      mean[at] = usual;
      variance[at] = spread;
      continue;
    }
    const rate = foreground ? doubtedRate : usualRate;
    mean[at] = usual + rate * (value - usual);
    // Light and shadows that pass are no noise, or they would blind the place for whoever comes after.
    const most = light[at] !== 1 || starting ? MAX_VARIANCE : OUTLIER * (spread + NOISE_FLOOR * NOISE_FLOOR);
    const square = Math.min(most, difference * difference);
    variance[at] = Math.min(MAX_VARIANCE, spread + rate * (square - spread));
  }
  return { mean, variance, steadyMs, last: pixels.slice() };
}

/** The noise that the first two frames show: half the variance of their difference, by its median. */
function firstVariance(last: Uint8Array, pixels: Uint8Array): number {
  const counts = new Uint32Array(256);
  for (let at = 0; at < pixels.length; at++) {
    const change = Math.abs((pixels[at] ?? 0) - (last[at] ?? 0));
    counts[change] = (counts[change] ?? 0) + 1;
  }
  let below = 0;
  let change = 0;
  for (; change < 255 && below + (counts[change] ?? 0) < pixels.length / 2; change++)
    below += counts[change] ?? 0;
  return Math.min(MAX_VARIANCE, (change / 0.954) ** 2);
}
