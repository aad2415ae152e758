import type { Box } from '@faascam/core/box';

export interface Region {
  box: Box;
  /** Cells that belong to it. */
  cells: number;
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

/**
 * Connected regions (8 neighbours) of a mask of 0 and 1 with at least `minCells` cells, largest first, found by
 * flood fill.
 */
export function regionsOf(mask: Uint8Array, width: number, height: number, minCells: number): Region[] {
  const seen = new Uint8Array(mask.length);
  const stack: number[] = [];
  const regions: Region[] = [];
  for (let start = 0; start < mask.length; start++) {
    if (mask[start] !== 1 || seen[start] === 1) continue;
    let [left, top, right, bottom, cells] = [width, height, 0, 0, 0];
    seen[start] = 1;
    stack.push(start);
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      const x = at % width;
      const y = (at - x) / width;
      cells++;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
      for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny++) {
        for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx++) {
          const next = ny * width + nx;
          if (mask[next] !== 1 || seen[next] === 1) continue;
          seen[next] = 1;
          stack.push(next);
        }
      }
    }
    if (cells < minCells) continue;
    const box: Box = [left / width, top / height, (right - left + 1) / width, (bottom - top + 1) / height];
    regions.push({ box, cells });
  }
  return regions.sort((a, b) => b.cells - a.cells);
}
