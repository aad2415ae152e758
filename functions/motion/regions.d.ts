import type { Box } from '@faascam/core/box';
export interface Region {
  box: Box;
  /** Cells that belong to it. */
  cells: number;
}
/**
 * The 3x3 majority of a mask of 0 and 1: lone cells vanish, small holes close. The border counts as background.
 */
export declare function majority(mask: Uint8Array, width: number, height: number): Uint8Array;
/**
 * Connected regions (8 neighbours) of a mask of 0 and 1 with at least `minCells` cells, largest first, found by
 * flood fill.
 */
export declare function regionsOf(
  mask: Uint8Array,
  width: number,
  height: number,
  minCells: number,
): Region[];
