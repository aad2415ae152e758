import { isInside, type Polygon } from '@faascam/core/analysis-settings';

/** Grids that were made already, by the very list of polygons: settings are read once and kept. */
const made = new WeakMap<readonly Polygon[], Map<number, Uint8Array>>();

/**
 * For each cell of a grid 0 where its middle lies in one of the polygons (even-odd rule), else 1, row by row; undefined
 * where there is none. Each grid is made once for a list.
 */
export function unmaskedCells(
  masks: readonly Polygon[] | undefined,
  width: number,
  height: number,
): Uint8Array | undefined {
  if (masks === undefined || masks.length === 0) return undefined;
  const grids = made.get(masks) ?? new Map<number, Uint8Array>();
  made.set(masks, grids);
  const key = width * 65_536 + height;
  const known = grids.get(key) ?? rasterised(masks, width, height);
  grids.set(key, known);
  return known;
}

function rasterised(masks: readonly Polygon[], width: number, height: number): Uint8Array {
  const cells = new Uint8Array(width * height).fill(1);
  for (let row = 0, at = 0; row < height; row++) {
    for (let column = 0; column < width; column++, at++) {
      const [x, y] = [(column + 0.5) / width, (row + 0.5) / height];
      if (masks.some((polygon) => isInside([x, y], polygon))) cells[at] = 0;
    }
  }
  return cells;
}
