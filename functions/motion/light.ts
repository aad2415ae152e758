import type { Scratch } from './scratch.ts';

/** A shadow keeps this much of the light at least, and takes this much at least. */
const DARKEST = 0.5;
const LIGHTEST = 0.95;
/** And sun or a lamp that comes out adds this much at least and at most. */
const LIT_LEAST = 1.05;
const LIT_MOST = 1.8;
/** How much the share of kept light may vary around a cell: a shadow's soft border, a lamp's fall of light. */
const MAX_SPREAD = 0.05;
const MAX_LIT_SPREAD = 0.035;
/** The part of a cell's noise that the texture may be off by. */
const NOISE_SHARE = 0.8;

/**
 * Takes shadows and patches of light out of `strong` and `weak`, and marks them in `light`: cells around which the
 * background still shows, darker or brighter by a share. The share is fitted over the nine cells around by least squares,
 * and what the fit leaves must be noise (after Jacques, Jung and Musse, "Background subtraction and shadow detection in
 * grayscale video sequences", SIBGRAPI 2005, who compare the ratio's deviation with a constant).
 */
export function takeOutLight(pixels: Uint8Array, width: number, height: number, scratch: Scratch): void {
  const { expected, noise, strong, weak, light } = scratch;
  light.fill(0);
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1, at = y * width + 1; x < width - 1; x++, at++) {
      if (weak[at] !== 1) continue;
      let [pp, pe, ee, wide] = [0, 0, 0, 0];
      for (let near = at - width - 1, row = 0; row < 3; row++, near += width) {
        for (let cell = near; cell < near + 3; cell++) {
          const p = pixels[cell] ?? 0;
          const e = expected[cell] ?? 0;
          pp += p * p;
          pe += p * e;
          ee += e * e;
          wide += noise[cell] ?? 0;
        }
      }
      if (ee < 9) continue;
      const share = pe / ee;
      const lit = share >= LIT_LEAST && share <= LIT_MOST;
      if (!lit && (share < DARKEST || share > LIGHTEST)) continue;
      const left = pp - share * pe;
      const spread = lit ? MAX_LIT_SPREAD : MAX_SPREAD;
      if (left > NOISE_SHARE * wide + spread * spread * pp) continue;
      light[at] = 1;
    }
  }
  for (let at = 0; at < light.length; at++) {
    if (light[at] !== 1) continue;
    strong[at] = 0;
    weak[at] = 0;
  }
}
