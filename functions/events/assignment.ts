/**
 * The pairs of rows and columns, one to one, whose costs add up to the least, where a pair that costs more than its
 * row's `limit` is worse than none: answers for each row its column, or -1. The Hungarian method with shortest
 * augmenting paths, O(n^3) (Jonker and Volgenant, "A shortest augmenting path algorithm for dense and sparse linear
 * assignment problems", Computing 38, 1987), each row having one more column of its own that stands for none.
 */
export function assign(
  costs: readonly (readonly number[])[],
  columns: number,
  limitOf: (row: number) => number,
): number[] {
  const rows = costs.length;
  const all = columns + rows;
  const costOf = (row: number, column: number): number => {
    if (column >= columns) return column - columns === row ? limitOf(row) : Infinity;
    return costs[row]?.[column] ?? Infinity;
  };
  const rowOf = new Int32Array(all).fill(-1);
  const potential = new Float64Array(all);
  const rowPotential = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    const distance = new Float64Array(all).fill(Infinity);
    const previous = new Int32Array(all).fill(-1);
    const done = new Uint8Array(all);
    let current = row;
    let reached = 0;
    let from = -1;
    let last: number;
    for (;;) {
      let nearest = -1;
      for (let column = 0; column < all; column++) {
        if (done[column] === 1) continue;
        const through =
          reached + costOf(current, column) - (rowPotential[current] ?? 0) - (potential[column] ?? 0);
        if (through < (distance[column] ?? Infinity)) {
          distance[column] = through;
          previous[column] = from;
        }
        if (nearest < 0 || (distance[column] ?? Infinity) < (distance[nearest] ?? Infinity)) nearest = column;
      }
      // There is always a way: the row's own column for none.
      done[nearest] = 1;
      reached = distance[nearest] ?? 0;
      const taker = rowOf[nearest] ?? -1;
      if (taker < 0) {
        last = nearest;
        break;
      }
      [current, from] = [taker, nearest];
    }
    for (let column = 0; column < all; column++) {
      if (done[column] !== 1) continue;
      const change = (distance[column] ?? 0) - reached;
      const taker = rowOf[column] ?? -1;
      potential[column] = (potential[column] ?? 0) + change;
      if (taker >= 0 && column !== last) rowPotential[taker] = (rowPotential[taker] ?? 0) - change;
    }
    rowPotential[row] = (rowPotential[row] ?? 0) + reached;
    for (let column = last; column >= 0;) {
      const before = previous[column] ?? -1;
      rowOf[column] = before >= 0 ? (rowOf[before] ?? -1) : row;
      column = before;
    }
  }
  const columnOf = Array.from({ length: rows }, () => -1);
  for (let column = 0; column < columns; column++) {
    const row = rowOf[column] ?? -1;
    if (row >= 0) columnOf[row] = column;
  }
  return columnOf;
}
