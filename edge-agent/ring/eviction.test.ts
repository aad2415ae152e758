import { describe, expect, test } from 'vitest';
import { evictionsOfAll } from './eviction.ts';
import { reserveOf } from './room.ts';
import type { Segment } from './segment.ts';

const MEGABYTE = 1024 * 1024;

/** Two seconds of footage each, from these seconds on. */
function ring(starts: number[], pinned: number[] = [], sizeBytes = MEGABYTE) {
  const segments: Segment[] = starts.map((second) => ({
    path: `${second}`,
    startUs: second * 1e6,
    endUs: (second + 2) * 1e6,
    sizeBytes,
  }));
  return { segments, isPinned: ({ path }: Segment) => pinned.includes(Number(path)) };
}

function dropped(rings: ReturnType<typeof ring>[], limitMegabytes: number, wantedMegabytes = 0): string[][] {
  const need = { limitBytes: limitMegabytes * MEGABYTE, wantedBytes: wantedMegabytes * MEGABYTE };
  return evictionsOfAll(rings, need).map((segments) => segments.map(({ path }) => path));
}

describe('rings that share a disk', () => {
  test('lose nothing while there is room', () => {
    expect(dropped([ring([0, 2]), ring([1, 3])], 4)).toEqual([[], []]);
    expect(dropped([], 1, 5)).toEqual([]);
  });

  test('lose the oldest footage of whichever camera first', () => {
    expect(dropped([ring([4, 6, 8]), ring([1, 3, 5, 7])], 4)).toEqual([['4'], ['1', '3']]);
  });

  test('never lose what is pinned, nor the newest of a camera', () => {
    expect(dropped([ring([0, 2, 4], [0]), ring([1])], 1)).toEqual([['2'], []]);
  });

  test('give the disk what it lacks, also below their limit', () => {
    expect(dropped([ring([0, 2, 4]), ring([1, 3])], 100, 1.5)).toEqual([['0'], ['1']]);
  });

  test('leave 128 MB to others, and on a small disk a twentieth', () => {
    expect(reserveOf(64e9)).toBe(128 * MEGABYTE);
    expect(reserveOf(20 * MEGABYTE)).toBe(MEGABYTE);
  });
});
