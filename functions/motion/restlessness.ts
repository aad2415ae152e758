/** Cells across and down a tile. */
export const TILE = 8;
/** Foreground that gets on nowhere makes a tile restless this fast, and it calms down that slowly. */
const RISE_MS = 4000;
const FALL_MS = 40_000;
/** This share of a tile in the foreground is as restless as can be. */
const FULL = 0.15;

export const tileColumns = (width: number): number => Math.ceil(width / TILE);
export const tilesOf = (width: number, height: number): number => tileColumns(width) * tileColumns(height);

/**
 * How restless each tile is after a frame: leaves, rain, webs and water come and go in the foreground, and what lives
 * there must prove more than it does elsewhere. The idea of a local measure of "blinking" that raises the bar is that of
 * St-Charles, Bilodeau and Bergevin, "SuBSENSE", IEEE Transactions on Image Processing 2015. `trust` is the frame's, see
 * `Scratch.trust`: what moves does not count.
 */
export function restlessAfter(
  before: Float32Array,
  trust: Uint8Array,
  width: number,
  height: number,
  elapsedMs: number,
  sinceMs: number,
): Float32Array {
  const after = new Float32Array(before.length);
  const columns = tileColumns(width);
  for (let y = 0, at = 0; y < height; y++) {
    const row = Math.floor(y / TILE) * columns;
    for (let x = 0; x < width; x++, at++) {
      const trusted = trust[at] ?? 0;
      if (trusted === 1 || trusted === 2) after[row + (x >> 3)] = (after[row + (x >> 3)] ?? 0) + 1;
    }
  }
  // At first what there was until now is all that is known.
  const first = sinceMs < RISE_MS ? Math.min(1, elapsedMs / Math.max(1, sinceMs)) : 0;
  const rise = Math.max(first, 1 - Math.exp(-elapsedMs / RISE_MS));
  const fall = 1 - Math.exp(-elapsedMs / FALL_MS);
  for (let tile = 0; tile < after.length; tile++) {
    const now = Math.min(1, (after[tile] ?? 0) / (TILE * TILE * FULL));
    const was = before[tile] ?? 0;
    after[tile] = was + (now > was ? rise : fall) * (now - was);
  }
  return after;
}
