import { describe, expect, it } from 'vitest';
import { majority, regionsOf } from './regions.ts';

describe('regions', () => {
  const mask = Uint8Array.from(
    ['110000', '110000', '000000', '000111', '000111', '100111'].flatMap((row) => Array.from(row, Number)),
  );

  it('are connected cells, largest first, small ones left out', () => {
    const apart = Uint8Array.from(
      [
        '11000000',
        '11000000',
        '00000000',
        '00000000',
        '00000000',
        '00000111',
        '00000111',
        '10000111',
      ].flatMap((row) => Array.from(row, Number)),
    );
    const found = regionsOf(apart, 8, 8, 2);
    expect(found.map(({ cells, box }) => ({ cells, box }))).toEqual([
      { cells: 9, box: [5 / 8, 5 / 8, 3 / 8, 3 / 8] },
      { cells: 4, box: [0, 0, 2 / 8, 2 / 8] },
    ]);
  });

  it('lose lone cells to the majority around them', () => {
    const cleaned = new Uint8Array(mask.length);
    majority(mask, 6, 6, cleaned);
    expect(cleaned[30]).toBe(0);
    expect(cleaned[28]).toBe(1);
  });

  it('are told to be slender along any direction', () => {
    const line = new Uint8Array(40 * 40);
    for (let step = 5; step < 35; step++) line.set([1, 1], step * 40 + step);
    const square = new Uint8Array(40 * 40);
    for (let row = 10; row < 20; row++) square.fill(1, row * 40 + 10, row * 40 + 20);
    expect(regionsOf(line, 40, 40, 4)[0]?.slender).toBeGreaterThan(8);
    expect(regionsOf(square, 40, 40, 4)[0]?.slender).toBeCloseTo(1);
  });
});
