import type { Box } from '@faascam/core/box';

export interface Region {
  box: Box;
  /** How many cells belong to it, and which. */
  cells: number;
  members: readonly number[];
  /** Its first and last columns and rows, and its middle. */
  left: number;
  top: number;
  right: number;
  bottom: number;
  x: number;
  y: number;
  /** Share of its cells that changed of late. */
  changing: number;
  /** Cells where an edge runs, by the length of the box around all. */
  sharp: number;
}

/**
 * The 3x3 majority of a mask of 0 and 1: lone cells vanish, small holes close. The border counts as background.
 */
export function majority(mask: Uint8Array, width: number, height: number): Uint8Array {
  const rows = new Uint8Array(mask.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0, at = y * width; x < width; x++, at++) {
      const left = x > 0 ? (mask[at - 1] ?? 0) : 0;
      const right = x + 1 < width ? (mask[at + 1] ?? 0) : 0;
      rows[at] = left + (mask[at] ?? 0) + right;
    }
  }
  const cleaned = new Uint8Array(mask.length);
  for (let at = 0; at < mask.length; at++) {
    const sum = (rows[at - width] ?? 0) + (rows[at] ?? 0) + (rows[at + width] ?? 0);
    cleaned[at] = sum >= 5 ? 1 : 0;
  }
  return cleaned;
}

/**
 * Hysteresis (Canny, "A computational approach to edge detection", 1986): the weak cells that are connected to a
 * strong one, by 8 neighbours.
 */
export function grow(strong: Uint8Array, weak: Uint8Array, width: number, height: number): Uint8Array {
  const grown = new Uint8Array(strong.length);
  const stack: number[] = [];
  for (let at = 0; at < strong.length; at++) {
    if (strong[at] !== 1) continue;
    grown[at] = 1;
    stack.push(at);
  }
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    const x = at % width;
    const y = (at - x) / width;
    for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny++) {
      for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx++) {
        const next = ny * width + nx;
        if (weak[next] !== 1 || grown[next] === 1) continue;
        grown[next] = 1;
        stack.push(next);
      }
    }
  }
  return grown;
}

/** What else is known of cells: 1 where each changed of late, and where an edge runs. */
export interface About {
  changing: Uint8Array;
  sharp: Uint8Array;
}

/** For each cell 1 where it or one of its 8 neighbours is set. */
export function widened(mask: Uint8Array, width: number, height: number): Uint8Array {
  const rows = new Uint8Array(mask.length);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      rows[at] =
        (mask[at] ?? 0) | (x > 0 ? (mask[at - 1] ?? 0) : 0) | (x + 1 < width ? (mask[at + 1] ?? 0) : 0);
    }
  }
  const wide = new Uint8Array(mask.length);
  for (let at = 0; at < mask.length; at++) {
    wide[at] = (rows[at - width] ?? 0) | (rows[at] ?? 0) | (rows[at + width] ?? 0);
  }
  return wide;
}

/**
 * The parts of a mask of 0 and 1 that lie together (within two cells of each other), those of at least `minCells` cells,
 * largest first, found by flood fill over the widened mask. `about` is counted for each.
 */
export function regionsOf(
  mask: Uint8Array,
  width: number,
  height: number,
  minCells: number,
  about?: About,
): Region[] {
  const left = widened(mask, width, height);
  const regions: Region[] = [];
  const stack: number[] = [];
  for (let start = 0; start < mask.length; start++) {
    if (mask[start] !== 1 || left[start] !== 1) continue;
    const members: number[] = [];
    left[start] = 0;
    stack.push(start);
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      if (mask[at] === 1) members.push(at);
      const x = at % width;
      const y = (at - x) / width;
      for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny++) {
        for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx++) {
          const next = ny * width + nx;
          if (left[next] !== 1) continue;
          left[next] = 0;
          stack.push(next);
        }
      }
    }
    if (members.length >= minCells) regions.push(regionOf(members, width, height, about));
  }
  return regions.sort((a, b) => b.cells - a.cells);
}

function regionOf(
  members: readonly number[],
  width: number,
  height: number,
  about: About | undefined,
): Region {
  let [left, top, right, bottom, sumX, sumY, changed, edges] = [width, height, 0, 0, 0, 0, 0, 0];
  for (const at of members) {
    const x = at % width;
    const y = (at - x) / width;
    left = Math.min(left, x);
    top = Math.min(top, y);
    right = Math.max(right, x);
    bottom = Math.max(bottom, y);
    sumX += x;
    sumY += y;
    changed += about?.changing[at] ?? 0;
    edges += about?.sharp[at] ?? 0;
  }
  const box: Box = [left / width, top / height, (right - left + 1) / width, (bottom - top + 1) / height];
  const cells = members.length;
  return {
    ...{ box, cells, members, left, top, right, bottom },
    ...{ x: sumX / cells, y: sumY / cells, changing: changed / cells },
    sharp: edges / (2 * (right - left + bottom - top + 2)),
  };
}
