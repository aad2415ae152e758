/** A shadow keeps this much of the light at least, and takes this much at least. */
const DARKEST = 0.6;
const LIGHTEST = 0.95;
/** And sun that comes out adds this much at least and at most. */
const LIT_LEAST = 1.05;
const LIT_MOST = 1.7;
/** How much the share of kept light may vary around a cell within a shadow. */
const MAX_SPREAD = 0.05;
const MAX_LIT_SPREAD = 0.035;

/**
 * Takes cast shadows out of a foreground mask: cells that are darker than the background by a share that is the same
 * all around them, so that the ground's texture still shows (after Jacques, Jung and Musse, "Background subtraction
 * and shadow detection in grayscale video sequences", SIBGRAPI 2005).
 */
export function withoutShadows(
  mask: Uint8Array,
  pixels: Uint8Array,
  expected: Float32Array,
  width: number,
  height: number,
): Uint8Array {
  const kept = Uint8Array.from(mask);
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      const at = y * width + x;
      if (mask[at] !== 1) continue;
      const share = (pixels[at] ?? 0) / Math.max(1, expected[at] ?? 1);
      const lit = share >= LIT_LEAST && share <= LIT_MOST;
      if ((share < DARKEST || share > LIGHTEST) && !lit) continue;
      let sum = 0;
      let squares = 0;
      for (let row = -1; row <= 1; row++) {
        for (let column = -1; column <= 1; column++) {
          const near = at + row * width + column;
          const ratio = (pixels[near] ?? 0) / Math.max(1, expected[near] ?? 1);
          sum += ratio;
          squares += ratio * ratio;
        }
      }
      const mean = sum / 9;
      if (Math.sqrt(Math.max(0, squares / 9 - mean * mean)) < (lit ? MAX_LIT_SPREAD : MAX_SPREAD))
        kept[at] = 0;
    }
  }
  return kept;
}
