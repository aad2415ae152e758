import { describe, expect, test } from 'vitest';
import { evictions, evictionsOfAll, lostHolds } from './eviction.ts';
import { reserveOf } from './room.ts';
import type { Segment } from './segment.ts';

const MEGABYTE = 1024 * 1024;

/** Two seconds of footage each, from these seconds on. */
function ring(starts: number[], pinned: number[] = [], sizeBytes = MEGABYTE, epoch = 0) {
  const segments: Segment[] = starts.map((second) => ({
    path: `${second}`,
    startUs: second * 1e6,
    endUs: (second + 2) * 1e6,
    sizeBytes,
    epoch,
  }));
  return { segments, isPinned: ({ path }: Segment) => pinned.includes(Number(path)) };
}

function dropped(rings: ReturnType<typeof ring>[], limitMegabytes: number, wantedMegabytes = 0): string[][] {
  const need = { limitBytes: limitMegabytes * MEGABYTE, wantedBytes: wantedMegabytes * MEGABYTE };
  return evictionsOfAll(rings, need).map((segments) => segments.map(({ path }) => path));
}

describe('what events hold', () => {
  const event = (name: string, from: number, to: number) => ({
    event: name,
    fromUs: from * 1e6,
    toUs: to * 1e6,
  });
  const held = (starts: number[], ...holds: ReturnType<typeof event>[]) => {
    const { segments } = ring(starts);
    const isPinned = ({ startUs, endUs }: Segment) =>
      holds.some(({ fromUs, toUs }) => fromUs < endUs && toUs > startUs);
    return { segments, isPinned, held: holds };
  };

  test('is not in the quota of the rest', () => {
    const quota = { minutes: 1, megabytes: 2, pinnedMegabytes: 100 };
    expect(evictions(ring([0, 2, 4, 6, 8], [0, 4]), quota).map(({ path }) => path)).toEqual(['2']);
  });

  test('is left alone up to its bound', () => {
    expect(lostHolds([held([0, 2, 4, 6], event('a', 0, 4))], 2 * MEGABYTE)).toEqual([[]]);
  });

  test('goes for the event that ended first, of whichever camera, and no further than needed', () => {
    const one = held([0, 2, 4, 6, 8], event('a', 4, 6), event('c', 6, 8));
    const two = held([1, 3, 5], event('b', 1, 5));
    expect(lostHolds([one, two], 3 * MEGABYTE)).toEqual([[], ['b']]);
    expect(lostHolds([one, two], MEGABYTE)).toEqual([['a'], ['b']]);
  });

  test('stays where a younger event holds it as well', () => {
    const shared = held([0, 2, 4], event('a', 0, 4), event('b', 2, 6));
    expect(lostHolds([shared], 2 * MEGABYTE)).toEqual([['a']]);
    expect(lostHolds([shared], MEGABYTE)).toEqual([['a', 'b']]);
  });
});

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
