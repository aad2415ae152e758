/** Room for the arrays that one frame needs and the next may overwrite: nothing of it outlives `observe`. */
export interface Scratch {
  slopeX: Float32Array;
  slopeY: Float32Array;
  expected: Float32Array;
  residual: Float32Array;
  /** Variance of the residual that is to be expected, in grey levels squared. */
  noise: Float32Array;
  rowsA: Float32Array;
  rowsB: Float32Array;
  strong: Uint8Array;
  weak: Uint8Array;
  light: Uint8Array;
  cleaned: Uint8Array;
  sharp: Uint8Array;
  /** 0 background, 1 foreground, 2 foreground that may well be an object, 3 one that moves. */
  trust: Uint8Array;
}

const kept = new Map<number, Scratch>();
/** Cameras come in few shapes. */
const MOST_KEPT = 4;

/** Arrays for so many cells, the same ones each time. */
export function scratchOf(cells: number): Scratch {
  const known = kept.get(cells);
  if (known !== undefined) return known;
  if (kept.size >= MOST_KEPT) kept.clear();
  const floats = (): Float32Array => new Float32Array(cells);
  const bytes = (): Uint8Array => new Uint8Array(cells);
  const scratch: Scratch = {
    ...{ slopeX: floats(), slopeY: floats(), expected: floats(), residual: floats(), noise: floats() },
    ...{ rowsA: floats(), rowsB: floats() },
    ...{ strong: bytes(), weak: bytes(), light: bytes(), cleaned: bytes(), sharp: bytes(), trust: bytes() },
  };
  kept.set(cells, scratch);
  return scratch;
}
