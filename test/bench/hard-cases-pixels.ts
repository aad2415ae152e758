import { createRandom } from '@faascam/local/demo/random';

export const caseWidth = 640;
export const caseHeight = 360;
export const caseFps = 10;

/** Brightness of a frame, 640x360, row by row. */
export type Frame = Uint8Array;

/** Uniform chance in 0..1, from a seed. */
export const chance = (seed: number): (() => number) => {
  const random = createRandom(seed);
  return () => random.next();
};

export const pixel = (frame: Frame, at: number): number => frame[at] ?? 0;
export const secondsOf = (index: number): number => index / caseFps;

export function current(frames: readonly Frame[], index: number): Frame {
  return frames[index] ?? new Uint8Array(caseWidth * caseHeight);
}

/** Each pixel anew, from its value and place. */
export function each(frame: Frame, change: (value: number, x: number, y: number) => number): Frame {
  const changed = new Uint8ClampedArray(frame.length);
  for (let y = 0, at = 0; y < caseHeight; y++) {
    for (let x = 0; x < caseWidth; x++, at++) changed[at] = change(pixel(frame, at), x, y);
  }
  return new Uint8Array(changed.buffer);
}

/** Each pixel anew from its value alone, by a table. */
export function eachValue(frame: Frame, change: (value: number) => number): Frame {
  const table = Uint8ClampedArray.from({ length: 256 }, (_, value) => change(value));
  return frame.map((value) => table[value] ?? 0);
}

/** Many values of about normal distribution, deviation 1: noise is read from it at random places. */
const NORMAL = 1 << 18;
let normal: Float32Array | undefined;

function normalValues(): Float32Array {
  const random = chance(77);
  normal ??= Float32Array.from(
    { length: NORMAL },
    () => 1.73 * (random() + random() + random() + random() - 2),
  );
  return normal;
}

/** Noise of about normal distribution, each row from another place of the table. */
export function noisy(frame: Frame, sigma: number, index: number): Frame {
  const values = normalValues();
  const random = chance(index + 1);
  const changed = new Uint8ClampedArray(frame.length);
  for (let y = 0, at = 0; y < caseHeight; y++) {
    const start = Math.floor(random() * NORMAL);
    for (let x = 0; x < caseWidth; x++, at++) {
      changed[at] = pixel(frame, at) + sigma * (values[(start + x) & (NORMAL - 1)] ?? 0);
    }
  }
  return new Uint8Array(changed.buffer);
}

/** A round bright spot's share, 1 in its middle. */
export function spot(x: number, y: number, left: number, top: number, radius: number): number {
  return Math.exp(-((x - left) ** 2 + (y - top) ** 2) / (2 * radius * radius));
}

/** The picture moved by a part of pixels as a whole, its border repeated. */
export function shifted(frame: Frame, across: number, down: number): Frame {
  const [left, top] = [Math.floor(across), Math.floor(down)];
  const [partX, partY] = [across - left, down - top];
  const columns = Array.from({ length: caseWidth + 1 }, (_, x) =>
    Math.max(0, Math.min(caseWidth - 1, x + left)),
  );
  const changed = new Uint8Array(frame.length);
  for (let y = 0, at = 0; y < caseHeight; y++) {
    const row = Math.max(0, Math.min(caseHeight - 1, y + top)) * caseWidth;
    const next = Math.max(0, Math.min(caseHeight - 1, y + top + 1)) * caseWidth;
    for (let x = 0; x < caseWidth; x++, at++) {
      const [from, to] = [columns[x] ?? 0, columns[x + 1] ?? 0];
      const upper = pixel(frame, row + from) * (1 - partX) + pixel(frame, row + to) * partX;
      const lower = pixel(frame, next + from) * (1 - partX) + pixel(frame, next + to) * partX;
      changed[at] = upper * (1 - partY) + lower * partY + 0.5;
    }
  }
  return changed;
}
