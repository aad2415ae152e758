import { NOISE_FLOOR } from './comparison.ts';
import type { Scratch } from './scratch.ts';

/** Cells between the two sides of an edge that is looked at. */
const REACH = 2;
/** A step in the share of expected light that no shadow of a cloud makes over so few cells. */
const LEAST_STEP = 0.12;
/** The dark tells nothing by shares: this is added to both sides. */
const DARK = 8;

/**
 * Marks in `sharp` each foreground cell where the share of expected light jumps: at an object's outline it does, while
 * light and the soft shadows of clouds change it little by little (the ratio cancels the ground's own texture).
 */
export function markSharp(
  pixels: Uint8Array,
  gain: number,
  variance: Float32Array,
  mask: Uint8Array,
  width: number,
  threshold: number,
  { expected, sharp }: Scratch,
): void {
  const share = (at: number): number => ((pixels[at] ?? 0) + DARK) / ((expected[at] ?? 0) + DARK);
  sharp.fill(0);
  const scaled = Math.max(1, gain);
  for (let at = 0; at < mask.length; at++) {
    if (mask[at] !== 1) continue;
    const noise = scaled * Math.sqrt((variance[at] ?? 0) + NOISE_FLOOR * NOISE_FLOOR);
    const step = Math.max(LEAST_STEP, (0.8 * threshold * noise) / ((expected[at] ?? 0) + DARK));
    const x = at % width;
    const across = x >= REACH && x < width - REACH ? share(at + REACH) - share(at - REACH) : 0;
    const above = at - REACH * width;
    const below = at + REACH * width;
    const down = above >= 0 && below < mask.length ? share(below) - share(above) : 0;
    sharp[at] = Math.abs(across) > step || Math.abs(down) > step ? 1 : 0;
  }
}
