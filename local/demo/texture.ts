import { scramble } from './random.ts';

/**
 * Smooth noise in -1..1 for a whole picture: values on a lattice of `cellWidth` x `cellHeight` pixels, blended between
 * (value noise, after Perlin's lattice idea, SIGGRAPH 1985). Returned row by row.
 */
export function smoothNoise(
  width: number,
  height: number,
  cellWidth: number,
  cellHeight: number,
  seed: number,
): Float32Array {
  const columns = Math.ceil(width / cellWidth) + 2;
  const rows = Math.ceil(height / cellHeight) + 2;
  const lattice = new Float32Array(columns * rows);
  for (let i = 0; i < lattice.length; i += 1) lattice[i] = scramble(i, seed) / 0x8000_0000 - 1;

  const leftOf = new Int32Array(width);
  const blendX = new Float32Array(width);
  for (let x = 0; x < width; x += 1) {
    leftOf[x] = Math.floor(x / cellWidth);
    blendX[x] = ease(x / cellWidth - Math.floor(x / cellWidth));
  }
  const noise = new Float32Array(width * height);
  for (let y = 0; y < height; y += 1) {
    const top = Math.floor(y / cellHeight);
    const blendY = ease(y / cellHeight - top);
    for (let x = 0; x < width; x += 1) {
      const at = top * columns + (leftOf[x] ?? 0);
      const across = blendX[x] ?? 0;
      const upper = mix(lattice[at] ?? 0, lattice[at + 1] ?? 0, across);
      const lower = mix(lattice[at + columns] ?? 0, lattice[at + columns + 1] ?? 0, across);
      noise[y * width + x] = mix(upper, lower, blendY);
    }
  }
  return noise;
}

/** Unrelated values in -1..1, one a pixel. */
export function grain(x: number, y: number, seed: number): number {
  return scramble(x, y, seed) / 0x8000_0000 - 1;
}

export function mix(from: number, to: number, part: number): number {
  return from + (to - from) * part;
}

/** A soft step: 0 up to 0, 1 from 1 on, flat at both ends. */
export function ease(part: number): number {
  const t = part < 0 ? 0 : part > 1 ? 1 : part;
  return t * t * (3 - 2 * t);
}
