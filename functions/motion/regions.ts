import type { Box } from '@faascam/core/box';
import { blockColumns, type Blocks } from './blocks.ts';
import { TILE, tileColumns } from './restlessness.ts';

export interface Region {
  box: Box;
  /** How many cells belong to it, and which. */
  cells: number;
  members: Int32Array;
  /** Its first and last columns and rows, and its middle. */
  left: number;
  top: number;
  right: number;
  bottom: number;
  x: number;
  y: number;
  /** It reaches the picture's border: part of it may be outside. */
  cut: boolean;
  /** How much longer than wide it is, along its own axes. */
  slender: number;
  /** Share of its cells that changed of late. */
  changing: number;
  /** Cells where an edge runs, by the length of the box around all. */
  sharp: number;
  /** How steep picture and background are along its outline, in grey levels a cell. */
  steepHere: number;
  steepBehind: number;
  /** Share of its cells that look as they did before something came to stand there. */
  uncovered: number;
  /** How restless the picture is where it is, 0..1. */
  restless: number;
}

/** What is known of the cells. */
export interface About {
  pixels: Uint8Array;
  expected: Float32Array;
  sharp: Uint8Array;
  restless: Float32Array;
  blocks: Blocks;
}

const MAJORITY = 5;
/** What kept its brightness for less than this changed of late. */
const OF_LATE_MS = 500;
/** A block looks as it did when it differs by at most this, in grey levels. */
const ALIKE = 8;

/**
 * The 3x3 majority of a mask of 0 and 1, into `cleaned`: lone cells vanish, small holes close. The border counts as
 * background.
 */
export function majority(
  mask: Uint8Array,
  width: number,
  height: number,
  cleaned: Uint8Array,
  least = MAJORITY,
): void {
  cleaned.fill(0);
  for (let y = 0; y < height; y++) {
    const row = y * width;
    // Sums of three cells, one above the other, moved along the row.
    let [before, here] = [0, columnAt(mask, row, width)];
    for (let x = 0; x < width; x++) {
      const next = x + 1 < width ? columnAt(mask, row + x + 1, width) : 0;
      if (before + here + next >= least) cleaned[row + x] = 1;
      before = here;
      here = next;
    }
  }
}

function columnAt(mask: Uint8Array, at: number, width: number): number {
  return (mask[at - width] ?? 0) + (mask[at] ?? 0) + (mask[at + width] ?? 0);
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

/** For each cell 1 where it or one of its 8 neighbours is set. */
function widened(mask: Uint8Array, width: number, height: number): Uint8Array {
  const wide = new Uint8Array(mask.length);
  for (let at = 0; at < mask.length; at++) {
    if (mask[at] !== 1) continue;
    const x = at % width;
    const y = (at - x) / width;
    const [left, right] = [x > 0 ? -1 : 0, x + 1 < width ? 1 : 0];
    for (let row = y > 0 ? -1 : 0; row <= (y + 1 < height ? 1 : 0); row++) {
      for (let column = left; column <= right; column++) wide[at + row * width + column] = 1;
    }
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
    if (members.length < minCells) continue;
    const region = regionOf(Int32Array.from(members), width, height);
    regions.push(about === undefined ? region : { ...region, ...toldOf(region, mask, width, height, about) });
  }
  return regions.sort((a, b) => b.cells - a.cells);
}

type Told = Pick<Region, 'changing' | 'sharp' | 'steepHere' | 'steepBehind' | 'uncovered' | 'restless'>;

function regionOf(members: Int32Array, width: number, height: number): Region {
  let [left, top, right, bottom, sumX, sumY] = [width, height, 0, 0, 0, 0];
  let [squareX, squareY, product] = [0, 0, 0];
  for (const at of members) {
    const x = at % width;
    const y = (at - x) / width;
    if (x < left) left = x;
    if (x > right) right = x;
    if (y < top) top = y;
    if (y > bottom) bottom = y;
    sumX += x;
    sumY += y;
    squareX += x * x;
    squareY += y * y;
    product += x * y;
  }
  const box: Box = [left / width, top / height, (right - left + 1) / width, (bottom - top + 1) / height];
  const cells = members.length;
  const nothing: Told = { changing: 0, sharp: 0, steepHere: 0, steepBehind: 0, uncovered: 0, restless: 0 };
  const [x, y] = [sumX / cells, sumY / cells];
  const cut = left === 0 || top === 0 || right === width - 1 || bottom === height - 1;
  const slender = slendernessOf(squareX / cells - x * x, squareY / cells - y * y, product / cells - x * y);
  return { box, cells, members, left, top, right, bottom, x, y, cut, slender, ...nothing };
}

/** The ratio of the deviations along the two main axes, from variances and covariance; a cell is a square by itself. */
function slendernessOf(varianceX: number, varianceY: number, covariance: number): number {
  const middle = (varianceX + varianceY) / 2;
  const half = Math.hypot((varianceX - varianceY) / 2, covariance);
  return Math.sqrt((middle + half + 1 / 12) / (Math.max(0, middle - half) + 1 / 12));
}

function toldOf(
  { members, cells, left, top, right, bottom }: Region,
  mask: Uint8Array,
  width: number,
  height: number,
  { pixels, expected, sharp, restless, blocks }: About,
): Told {
  let [changed, edges, uncovered, restlessness, outline, here, behind] = [0, 0, 0, 0, 0, 0, 0];
  const columns = blockColumns(width);
  const tiles = tileColumns(width);
  for (const at of members) {
    const x = at % width;
    const y = (at - x) / width;
    const block = (y >> 1) * columns + (x >> 1);
    if ((blocks.ageMs[block] ?? 0) < OF_LATE_MS) changed++;
    const buried = blocks.buried[block] ?? 0;
    if (buried > 0 && Math.abs(buried - (blocks.shown[block] ?? 0)) <= ALIKE) uncovered++;
    edges += sharp[at] ?? 0;
    restlessness += restless[Math.floor(y / TILE) * tiles + Math.floor(x / TILE)] ?? 0;
    if (x === 0 || y === 0 || x === width - 1 || y === height - 1) continue;
    const inside =
      mask[at - 1] === 1 && mask[at + 1] === 1 && mask[at - width] === 1 && mask[at + width] === 1;
    if (inside) continue;
    outline++;
    here += steepness(pixels, at, width);
    behind += steepness(expected, at, width);
  }
  return {
    changing: changed / cells,
    sharp: edges / (2 * (right - left + bottom - top + 2)),
    steepHere: here / Math.max(1, outline),
    steepBehind: behind / Math.max(1, outline),
    uncovered: uncovered / cells,
    restless: restlessness / cells,
  };
}

function steepness(values: Uint8Array | Float32Array, at: number, width: number): number {
  const across = Math.abs((values[at + 1] ?? 0) - (values[at - 1] ?? 0));
  const down = Math.abs((values[at + width] ?? 0) - (values[at - width] ?? 0));
  return (across + down) / 2;
}
