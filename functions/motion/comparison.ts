import type { Alignment } from './alignment.ts';
import type { Background } from './background.ts';
import type { Scratch } from './scratch.ts';

/** Noise that every camera has, JPEG's included, in grey levels. */
export const NOISE_FLOOR = 1.8;
/** A cell beside the foreground belongs to it at this share of the threshold. */
const WEAK = 0.5;
/** The picture trembles by this much of a cell even where nothing shakes the camera: edges are noisier than planes. */
const TREMBLE = 0.12;
/** Neighbours' noise is partly the same noise: the mean of nine cells has this part of a cell's variance at least. */
const SHARED_NOISE = 0.5;
/** What is cut off at the bright end says little. */
const WHITE = 255;

/**
 * Compares each cell with what the background leads to expect, in units of its own noise: into `expected`, `residual`
 * and `noise`, and as marks into `strong` and `weak`. A cell is strong by itself, or together with its eight neighbours,
 * whose mean is less noisy (a matched filter): what is faint but wide is seen in the dark. Answers the share of the cells
 * that are off at all, whether by light or by objects.
 */
export function compare(
  before: Background,
  pixels: Uint8Array,
  { gain, offset, shiftX, shiftY }: Alignment,
  threshold: number,
  scratch: Scratch,
): number {
  const { width, height, mean, variance } = before;
  const { slopeX, slopeY, expected, residual, noise, strong, weak } = scratch;
  const floor = NOISE_FLOOR * NOISE_FLOOR;
  const scaled = Math.max(1, gain * gain);
  const strongly = threshold * threshold;
  const weakly = WEAK * WEAK * strongly;
  let different = 0;
  for (let at = 0; at < pixels.length; at++) {
    const gx = slopeX[at] ?? 0;
    const gy = slopeY[at] ?? 0;
    const light = gain * ((mean[at] ?? 0) + shiftX * gx + shiftY * gy) + offset;
    const usual = light > WHITE ? WHITE : light < 0 ? 0 : light;
    const difference = (pixels[at] ?? 0) - usual;
    const wide = scaled * ((variance[at] ?? 0) + TREMBLE * TREMBLE * (gx * gx + gy * gy)) + floor;
    const square = difference * difference;
    expected[at] = usual;
    residual[at] = difference;
    noise[at] = wide;
    strong[at] = square > strongly * wide ? 1 : 0;
    weak[at] = square > weakly * wide ? 1 : 0;
    different += weak[at] ?? 0;
  }
  together(width, height, strongly, scratch);
  return different / pixels.length;
}

/** Marks as strong what is so together with its neighbours, though not by itself. */
function together(width: number, height: number, strongly: number, scratch: Scratch): void {
  const { residual, noise, strong, weak, rowsA, rowsB } = scratch;
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      const [left, right] = [x > 0 ? at - 1 : at, x + 1 < width ? at + 1 : at];
      rowsA[at] = (residual[left] ?? 0) + (residual[at] ?? 0) + (residual[right] ?? 0);
      rowsB[at] = (noise[left] ?? 0) + (noise[at] ?? 0) + (noise[right] ?? 0);
    }
  }
  // Of nine values: the mean's square is sum^2 / 81, and its variance is a share of the mean variance, sum / 9.
  const limit = (strongly * SHARED_NOISE * 81) / 9;
  for (let at = width; at < residual.length - width; at++) {
    if (strong[at] === 1) continue;
    const sum = (rowsA[at - width] ?? 0) + (rowsA[at] ?? 0) + (rowsA[at + width] ?? 0);
    const wide = (rowsB[at - width] ?? 0) + (rowsB[at] ?? 0) + (rowsB[at + width] ?? 0);
    if (sum * sum <= limit * wide) continue;
    // Beside something the mean is off as well: the cell itself must be.
    const own = residual[at] ?? 0;
    if (own * sum <= 0 || own * own < (noise[at] ?? 0)) continue;
    strong[at] = 1;
    weak[at] = 1;
  }
}
