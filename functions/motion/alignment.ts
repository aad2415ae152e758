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
/** Every so manieth cell is looked at, in each round: an odd number meets all columns. */
const STRIDES = [5, 3, 3] as const;
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
  for (const [round, limit] of LIMITS.entries()) {
    const stride = STRIDES[round] ?? 1;
    let [mm, ms, mx, my, xs, ys, xx, xy, yy] = [0, 0, 0, 0, 0, 0, 0, 0, 0];
    let [mp, ps, xp, yp, used] = [0, 0, 0, 0, 0];
    const { gain, offset, shiftX, shiftY } = fit;
    for (let at = round; at < pixels.length; at += stride) {
      const p = pixels[at] ?? 0;
      if (p > BRIGHTEST || p < DARKEST) continue;
      const m = mean[at] ?? 0;
      const gx = slopeX[at] ?? 0;
      const gy = slopeY[at] ?? 0;
      const off = p - offset - gain * (m + shiftX * gx + shiftY * gy);
      if (off > limit || off < -limit) continue;
      used++;
      mm += m * m;
      ms += m;
      mx += m * gx;
      my += m * gy;
      xs += gx;
      ys += gy;
      xx += gx * gx;
      xy += gx * gy;
      yy += gy * gy;
      mp += m * p;
      ps += p;
      xp += gx * p;
      yp += gy * p;
    }
    if (used * stride < pixels.length / 10) continue;
    // A little weight on "no shift" and "no change of gain" keeps a flat picture solvable.
    const solved = solve([
      [mm + used * 0.01, ms, mx, my, mp + used * 0.01],
      [ms, used, xs, ys, ps],
      [mx, xs, xx + used * 0.2, xy, xp],
      [my, ys, xy, yy + used * 0.2, yp],
    ]);
    if (solved === undefined) continue;
    const [nextGain, nextOffset, moveX, moveY] = solved;
    if (nextGain < 1 / MAX_GAIN || nextGain > MAX_GAIN) continue;
    const bound = (shift: number): number => Math.max(-MAX_SHIFT, Math.min(MAX_SHIFT, shift / nextGain));
    fit = { gain: nextGain, offset: nextOffset, shiftX: bound(moveX), shiftY: bound(moveY) };
  }
  return fit;
}

/** Gain and offset from the spread of all cells, which a change of light moves together, whatever it is. */
function startOf(mean: Float32Array, pixels: Uint8Array): Alignment {
  let [sumX, sumY, sumXY, sumXX, n] = [0, 0, 0, 0, 0];
  for (let at = 0; at < pixels.length; at += 3, n++) {
    const x = mean[at] ?? 0;
    const y = pixels[at] ?? 0;
    sumX += x;
    sumY += y;
    sumXY += x * y;
    sumXX += x * x;
  }
  const spread = sumXX - (sumX * sumX) / n;
  const wanted = spread > n ? (sumXY - (sumX * sumY) / n) / spread : 1;
  const gain = Math.max(1 / MAX_GAIN, Math.min(MAX_GAIN, wanted));
  return { gain, offset: (sumY - gain * sumX) / n, shiftX: 0, shiftY: 0 };
}

/** Gauss-Jordan on the four normal equations; undefined where they say nothing. */
function solve(rows: number[][]): [number, number, number, number] | undefined {
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

/** Half the difference of the neighbours, across and down, into `slopeX` and `slopeY`; 0 at the border. */
export function slopesOf(
  values: Float32Array,
  width: number,
  height: number,
  slopeX: Float32Array,
  slopeY: Float32Array,
): void {
  slopeX.fill(0);
  slopeY.fill(0);
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1, at = y * width + 1; x < width - 1; x++, at++) {
      slopeX[at] = ((values[at + 1] ?? 0) - (values[at - 1] ?? 0)) / 2;
      slopeY[at] = ((values[at + width] ?? 0) - (values[at - width] ?? 0)) / 2;
    }
  }
}
