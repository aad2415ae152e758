import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assign } from './assignment.ts';

const LIMIT = 10;

/** The least sum, by trying everything. */
function leastSum(costs: readonly number[][], columns: number, row = 0, taken = new Set<number>()): number {
  if (row === costs.length) return 0;
  let best = LIMIT + leastSum(costs, columns, row + 1, taken);
  for (let column = 0; column < columns; column++) {
    if (taken.has(column)) continue;
    const with_ = new Set([...taken, column]);
    best = Math.min(best, (costs[row]?.[column] ?? 0) + leastSum(costs, columns, row + 1, with_));
  }
  return best;
}

describe('an assignment', () => {
  it('costs as little as the best of all that there are, one column a row', () => {
    const problem = fc
      .tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 5 }))
      .chain(([rows, columns]) =>
        fc.record({
          columns: fc.constant(columns),
          costs: fc.array(
            fc.array(fc.integer({ min: -20, max: 40 }), { minLength: columns, maxLength: columns }),
            { minLength: rows, maxLength: rows },
          ),
        }),
      );
    fc.assert(
      fc.property(problem, ({ costs, columns }) => {
        const pairs = assign(costs, columns, () => LIMIT);
        const taken = pairs.filter((column) => column >= 0);
        expect(new Set(taken).size).toBe(taken.length);
        const sum = pairs.reduce(
          (total, column, row) => total + (column < 0 ? LIMIT : (costs[row]?.[column] ?? NaN)),
          0,
        );
        expect(sum).toBe(leastSum(costs, columns));
      }),
      { numRuns: 400 },
    );
  });

  it('leaves out pairs that are worse than none, and those that cannot be', () => {
    expect(assign([[3], [11]], 1, () => LIMIT)).toEqual([0, -1]);
    expect(assign([[12, Infinity]], 2, () => LIMIT)).toEqual([-1]);
    expect(assign([], 3, () => LIMIT)).toEqual([]);
  });
});
