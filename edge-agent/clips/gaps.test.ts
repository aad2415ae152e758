import type { Gap } from '@faascam/core/messages';
import { describe, expect, test } from 'vitest';
import { gapsOf, type Coverage } from './gaps.ts';

const SECOND_US = 1_000_000;
const forever = Number.MAX_SAFE_INTEGER;

/** Everything in seconds. */
function gaps(
  window: [number, number],
  segments: [number, number][],
  outages: [number, number, Gap['cause']][] = [],
  more: Partial<Coverage> = {},
): [number, number, string][] {
  const us = (seconds: number) => (seconds === forever ? forever : Math.round(seconds * SECOND_US));
  return gapsOf({
    window: { fromUs: us(window[0]), toUs: us(window[1]) },
    segments: segments.map(([startUs, endUs]) => ({ startUs: us(startUs), endUs: us(endUs) })),
    outages: outages.map(([fromUs, toUs, cause]) => ({ fromUs: us(fromUs), toUs: us(toUs), cause })),
    evictedBeforeUs: 0,
    holeUs: 300_000,
    ...more,
  }).map(({ fromUs, toUs, cause }) => [fromUs / SECOND_US, toUs / SECOND_US, cause]);
}

describe('gaps', () => {
  test('there are none where segments cover the window', () => {
    expect(
      gaps(
        [3, 7],
        [
          [2, 4],
          [4, 6],
          [6, 8],
        ],
      ),
    ).toEqual([]);
    expect(gaps([3, 7], [[0, 60]])).toEqual([]);
    expect(
      gaps(
        [3, 7],
        [
          [6, 8],
          [2, 5],
          [4, 6],
        ],
      ),
    ).toEqual([]);
  });

  test('a hole of a picture or so is none', () => {
    expect(
      gaps(
        [0, 8],
        [
          [0.2, 2],
          [2.1, 4],
          [4.3, 7.8],
        ],
      ),
    ).toEqual([]);
  });

  test('the cause of a hole is the outage that lasted then', () => {
    expect(
      gaps(
        [0, 30],
        [
          [0, 10],
          [18, 40],
        ],
        [[10, 18, 'camera-lost']],
      ),
    ).toEqual([[10, 18, 'camera-lost']]);
  });

  test('a hole with two causes is cut between them', () => {
    const outages: [number, number, Gap['cause']][] = [
      [10, 14, 'agent-stopped'],
      [14, 20, 'camera-lost'],
    ];
    expect(
      gaps(
        [5, 30],
        [
          [0, 10],
          [20, 40],
        ],
        outages,
      ),
    ).toEqual([
      [10, 14, 'agent-stopped'],
      [14, 20, 'camera-lost'],
    ]);
    expect(
      gaps(
        [12, 16],
        [
          [0, 10],
          [20, 40],
        ],
        outages,
      ),
    ).toEqual([
      [12, 14, 'agent-stopped'],
      [14, 16, 'camera-lost'],
    ]);
  });

  test('a sliver between two causes is nobody’s', () => {
    const outages: [number, number, Gap['cause']][] = [[10.05, 20, 'camera-lost']];
    expect(
      gaps(
        [5, 30],
        [
          [0, 10],
          [20, 40],
        ],
        outages,
        { evictedBeforeUs: 0 },
      ),
    ).toEqual([[10, 20, 'camera-lost']]);
  });

  test('before the first footage ever, after the last, and all around', () => {
    expect(gaps([0, 8], [[4, 10]], [[0, 4, 'before-start']])).toEqual([[0, 4, 'before-start']]);
    expect(gaps([4, 18], [[4, 10]], [[10, forever, 'end-of-recording']])).toEqual([
      [10, 18, 'end-of-recording'],
    ]);
    expect(gaps([4, 18], [], [[0, forever, 'before-start']])).toEqual([[4, 18, 'before-start']]);
  });

  test('what was there once is evicted if older than the ring, else damaged', () => {
    const ring = { evictedBeforeUs: 60 * SECOND_US };
    expect(gaps([10, 20], [], [], ring)).toEqual([[10, 20, 'evicted']]);
    expect(gaps([50, 66], [[64, 66]], [], ring)).toEqual([
      [50, 60, 'evicted'],
      [60, 64, 'damaged'],
    ]);
    expect(
      gaps(
        [70, 76],
        [
          [68, 70],
          [74, 76],
        ],
        [],
        ring,
      ),
    ).toEqual([[70, 74, 'damaged']]);
    expect(gaps([10, 20], [], [], { evictedBeforeUs: undefined })).toEqual([[10, 20, 'evicted']]);
  });

  test('gaps and segments together are the window, whatever the outages', () => {
    let seed = 11;
    const random = (below: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return seed % below;
    };
    for (let round = 0; round < 500; round++) {
      const segments = Array.from({ length: random(6) }, () => random(60)).map((start): [number, number] => [
        start,
        start + 1 + random(9),
      ]);
      const outages = Array.from({ length: random(5) }, (): [number, number, Gap['cause']] => {
        const from = random(60);
        return [from, from + 1 + random(20), 'camera-lost'];
      });
      const found = gaps([10, 50], segments, outages, { evictedBeforeUs: random(60) * SECOND_US });
      for (let second = 10; second < 50; second++) {
        const covered = segments.some(([from, to]) => from <= second && to > second);
        const missing = found.filter(([from, to]) => from <= second && to > second);
        expect(missing.length).toBe(covered ? 0 : 1);
      }
    }
  });
});
