/** How the background is carried into a frame: brightness by gain and offset, and a shift in cells. */
export interface Alignment {
  gain: number;
  offset: number;
  /** How far the camera's picture has moved against the background, in cells. */
  shiftX: number;
  shiftY: number;
}

/** Grey levels that a cell may be off and still count: first anything plausible, then only what fits. */
const LIMITS = [40, 14, 10] as const;
const MAX_GAIN = 2.5;
/** A first-order shift says nothing sound beyond this. */
const MAX_SHIFT = 1.5;
/** Brightness that is cut off at either end tells nothing. */
const DARKEST = 4;
const BRIGHTEST = 250;

/**
 * The global change of light and the camera's shake between background and frame, by least squares over the cells,
 * each round without the cells that fit badly (those where something is). The shift is found from the background's
 * gradients (Lucas and Kanade, "An iterative image registration technique", 1981), so it is good to parts of a cell.
 */
export function align(
  mean: Float32Array,
  slopeX: Float32Array,
  slopeY: Float32Array,
  pixels: Uint8Array,
): Alignment {
  let fit = startOf(mean, pixels);
  for (const limit of LIMITS) {
    const sums = new Float64Array(14);
    let used = 0;
    for (let at = 0; at < pixels.length; at += 2) {
      const y = pixels[at] ?? 0;
      if (y > BRIGHTEST || y < DARKEST) continue;
      const m = mean[at] ?? 0;
      const gx = slopeX[at] ?? 0;
      const gy = slopeY[at] ?? 0;
      const off = y - fit.gain * m - fit.offset - fit.gain * (fit.shiftX * gx + fit.shiftY * gy);
      if (off > limit || off < -limit) continue;
      used++;
      add(sums, m, gx, gy, y);
    }
    if (used < pixels.length / 10) continue;
    const solved = solve(sums, used);
    if (solved === undefined) continue;
    const [gain, offset, moveX, moveY] = solved;
    if (gain < 1 / MAX_GAIN || gain > MAX_GAIN) continue;
    const bound = (shift: number): number => Math.max(-MAX_SHIFT, Math.min(MAX_SHIFT, shift / gain));
    fit = { gain, offset, shiftX: bound(moveX), shiftY: bound(moveY) };
  }
  return fit;
}

/** Gain and offset from the spread of all cells, which a change of light moves together, whatever it is. */
function startOf(mean: Float32Array, pixels: Uint8Array): Alignment {
  let [sumX, sumY, sumXY, sumXX] = [0, 0, 0, 0];
  for (let at = 0; at < pixels.length; at++) {
    const x = mean[at] ?? 0;
    const y = pixels[at] ?? 0;
    sumX += x;
    sumY += y;
    sumXY += x * y;
    sumXX += x * x;
  }
  const n = pixels.length;
  const spread = sumXX - (sumX * sumX) / n;
  const wanted = spread > n ? (sumXY - (sumX * sumY) / n) / spread : 1;
  const gain = Math.max(1 / MAX_GAIN, Math.min(MAX_GAIN, wanted));
  return { gain, offset: (sumY - gain * sumX) / n, shiftX: 0, shiftY: 0 };
}

/** Sums of products of the unknowns' factors (m, 1, gx, gy) and the brightness. */
function add(sums: Float64Array, m: number, gx: number, gy: number, y: number): void {
  sums[0] = (sums[0] ?? 0) + m * m;
  sums[1] = (sums[1] ?? 0) + m;
  sums[2] = (sums[2] ?? 0) + m * gx;
  sums[3] = (sums[3] ?? 0) + m * gy;
  sums[4] = (sums[4] ?? 0) + gx;
  sums[5] = (sums[5] ?? 0) + gy;
  sums[6] = (sums[6] ?? 0) + gx * gx;
  sums[7] = (sums[7] ?? 0) + gx * gy;
  sums[8] = (sums[8] ?? 0) + gy * gy;
  sums[9] = (sums[9] ?? 0) + m * y;
  sums[10] = (sums[10] ?? 0) + y;
  sums[11] = (sums[11] ?? 0) + gx * y;
  sums[12] = (sums[12] ?? 0) + gy * y;
}

/** Gauss-Jordan on the four normal equations; undefined where they say nothing. */
function solve(sums: Float64Array, used: number): [number, number, number, number] | undefined {
  const s = (at: number): number => sums[at] ?? 0;
  // A little weight on "no shift" and "no change of gain" keeps a flat picture solvable.
  const rows = [
    [s(0) + used * 0.01, s(1), s(2), s(3), s(9) + used * 0.01],
    [s(1), used, s(4), s(5), s(10)],
    [s(2), s(4), s(6) + used * 0.2, s(7), s(11)],
    [s(3), s(5), s(7), s(8) + used * 0.2, s(12)],
  ];
  for (const [column, pivotRow] of rows.entries()) {
    const pivot = pivotRow[column] ?? 0;
    if (Math.abs(pivot) < 1e-6) return undefined;
    for (const [index, row] of rows.entries()) {
      if (index === column) continue;
      const factor = (row[column] ?? 0) / pivot;
      for (let at = column; at < 5; at++) row[at] = (row[at] ?? 0) - factor * (pivotRow[at] ?? 0);
    }
  }
  const value = (at: number): number => (rows[at]?.[4] ?? 0) / (rows[at]?.[at] ?? 1);
  return [value(0), value(1), value(2), value(3)];
}

/** Half the difference of the neighbours, across and down; 0 at the border. */
export function slopesOf(
  values: Float32Array,
  width: number,
  height: number,
): { slopeX: Float32Array; slopeY: Float32Array } {
  const slopeX = new Float32Array(values.length);
  const slopeY = new Float32Array(values.length);
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1, at = y * width + 1; x < width - 1; x++, at++) {
      slopeX[at] = ((values[at + 1] ?? 0) - (values[at - 1] ?? 0)) / 2;
      slopeY[at] = ((values[at + width] ?? 0) - (values[at - width] ?? 0)) / 2;
    }
  }
  return { slopeX, slopeY };
}
