import { describe, expect, it } from 'vitest';
import { line, objectFilter, zone } from '@faascam/core/analysis-settings';
import fc from 'fast-check';
import { isInside } from '@faascam/core/analysis-settings';
import { endsOf, eventsIn, play, secondsOf, walk, type Scene } from './testing/scene.ts';

/** The right half of the picture. */
const RIGHT = zone.parse({
  polygon: [
    [0.5, 0],
    [1, 0],
    [1, 1],
    [0.5, 1],
  ],
});
/** Upwards through the middle. */
const MIDDLE = line.parse({ from: [0.5, 1], to: [0.5, 0] });

const backAndForth =
  (periodS: number, reach: number): Scene =>
  (second) => ({
    objects: [{ box: [0.45 + reach * Math.sin((2 * Math.PI * second) / periodS), 0.4, 0.08, 0.4] }],
  });

describe('zones', () => {
  it('contain what is on their side of every edge, also where they are hollow', () => {
    const hollow: [number, number][] = [
      [0.1, 0.1],
      [0.9, 0.1],
      [0.9, 0.9],
      [0.5, 0.3],
      [0.1, 0.9],
    ];
    expect(isInside([0.2, 0.6], hollow)).toBe(true);
    expect(isInside([0.5, 0.6], hollow)).toBe(false);
    expect(isInside([0.95, 0.5], hollow)).toBe(false);
    const unit = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(unit, unit, (x, y) => {
        expect(isInside([x, y], RIGHT.polygon)).toBe(x >= 0.5 && x < 1 && y < 1);
      }),
    );
  });

  it('are told with the event whose object entered them, by the middle of its lower edge', () => {
    const ends = endsOf(walk(1, 9), 20, { places: { zones: { right: RIGHT } } });
    expect(ends.map(({ zones }) => zones)).toEqual([['right']]);
    expect(ends[0]?.tracks[0]?.zones).toEqual(['right']);
    const half = endsOf((second) => (second < 4 ? walk(1, 9)(second) : {}), 20, {
      places: { zones: { right: RIGHT } },
    });
    expect(half.map(({ zones }) => zones)).toEqual([[]]);
  });

  it('that are required make the only events, from entering them', () => {
    const places = { zones: { right: { ...RIGHT, required: true } } };
    const [end, ...others] = endsOf(walk(1, 9), 20, { places });
    expect(others).toEqual([]);
    // Its foot is past the middle after a bit more than half of its way.
    expect(secondsOf(end?.startUs ?? 0)).toBeCloseTo(5.2, 0);
    expect(end?.began).toMatchObject({ rule: 'entered-zone', zone: 'right' });
    expect(endsOf((second) => (second < 4 ? walk(1, 9)(second) : {}), 20, { places })).toEqual([]);
  });

  it('that are required end the event of who leaves them and is still seen', () => {
    const places = { zones: { right: { ...RIGHT, required: true } } };
    const scene: Scene = (second) =>
      second < 5
        ? walk(1, 5)(second)
        : { objects: [{ box: [Math.max(0.05, 0.85 - (second - 5) / 10), 0.4, 0.08, 0.4] }] };
    const [end] = endsOf(scene, 20, { places });
    expect(end?.ended?.rule).toBe('left-zones');
    expect(secondsOf(end?.endUs ?? 0)).toBeGreaterThan(7);
    expect(secondsOf(end?.endUs ?? 0)).toBeLessThan(11);
  });

  it('are not entered by a box that trembles over their edge for fewer frames than their inertia', () => {
    const places = { zones: { right: { ...RIGHT, required: true } } };
    expect(play(backAndForth(0.8, 0.05), 20, { places })).toEqual([]);
    expect(play(backAndForth(6, 0.2), 20, { places })).not.toEqual([]);
  });

  it('with a time to loiter count who stays so long, from entering, and nobody who passes', () => {
    const places = { zones: { right: { ...RIGHT, required: true, loiteringMs: 20_000 } } };
    expect(play(walk(1, 9), 30, { places })).toEqual([]);
    const stays: Scene = (second) =>
      second < 5
        ? walk(1, 5)(second)
        : { objects: [{ box: [0.8 + 0.03 * Math.sin(second), 0.4, 0.08, 0.4] }] };
    const [start] = eventsIn(play(stays, 40, { places }), 'start');
    expect(secondsOf(start?.startUs ?? 0)).toBeLessThan(4);
    expect(secondsOf(start?.began?.atUs ?? 0)).toBeGreaterThan(22);
  });

  describe('with someone in them who steps out at the tenth second', () => {
    const zones = { right: { ...RIGHT, required: true } };
    const loitering = { right: { ...RIGHT, required: true, loiteringMs: 12_000 } };
    /** Comes in, walks up and down just within the edge, and is out of it for so many sights. */
    const stepsOut =
      (sights: number): Scene =>
      (second) => {
        if (second < 4) return walk(0, 6)(second);
        if (second > 25) return {};
        const isOut = second > 9.99 && second < 9.99 + sights / 5;
        const foot = isOut ? 0.47 : 0.56 + 0.03 * Math.sin(second);
        return { objects: [{ box: [foot - 0.04, 0.4, 0.08, 0.4] }] };
      };

    it('the stay goes on where that is for fewer sights than their inertia, and ends where it is not', () => {
      const settings = { mergeGapMs: 0 };
      const short = endsOf(stepsOut(2), 40, { places: { zones }, settings });
      expect(short.map(({ ended }) => ended?.rule)).toEqual(['objects-left']);
      expect(secondsOf(short[0]?.endUs ?? 0)).toBeGreaterThan(24);
      const long = endsOf(stepsOut(4), 40, { places: { zones }, settings });
      expect(long.map(({ ended }) => ended?.rule)).toEqual(['left-zones', 'objects-left']);
      expect(secondsOf(long[0]?.endUs ?? 0)).toBeLessThan(11);
    });

    it('the time to loiter is not counted anew where that is for fewer sights than their inertia', () => {
      const beganAt = (sights: number): number => {
        const [start] = eventsIn(play(stepsOut(sights), 40, { places: { zones: loitering } }), 'start');
        return secondsOf(start?.began?.atUs ?? 0);
      };
      // It enters at about the third second.
      expect(beganAt(0)).toBeLessThan(17);
      expect(beganAt(2)).toBe(beganAt(0));
      expect(beganAt(4)).toBeGreaterThan(22);
    });
  });

  it('count only the labels that they name', () => {
    const places = { zones: { right: { ...RIGHT, required: true, labels: ['car'] } } };
    expect(play(walk(1, 9), 20, { places })).toEqual([]);
  });
});

describe('lines', () => {
  const rightwards = walk(1, 9);
  const leftwards: Scene = (second) => rightwards(10 - second);

  it('are crossed from left to right by who goes right before someone who looks up along them', () => {
    const crossed = (scene: Scene) =>
      endsOf(scene, 20, { places: { lines: { middle: MIDDLE } } }).flatMap(({ crossings = [] }) =>
        crossings.map(({ line: name, direction }) => [name, direction]),
      );
    expect(crossed(rightwards)).toEqual([['middle', 'left-to-right']]);
    expect(crossed(leftwards)).toEqual([['middle', 'right-to-left']]);
  });

  it('do not count crossings against their direction, of other labels, or past their ends', () => {
    for (const other of [
      { ...MIDDLE, direction: 'right-to-left' as const },
      { ...MIDDLE, labels: ['car'] },
      line.parse({ from: [0.5, 0.5], to: [0.5, 0] }),
    ]) {
      const [end] = endsOf(rightwards, 20, { places: { lines: { other } } });
      expect(end?.crossings).toBeUndefined();
    }
  });

  it('are crossed once by a box that trembles on them on its way', () => {
    const trembling: Scene = (second) => {
      const shown = rightwards(second);
      const objects = shown.objects?.map((sight) => ({
        ...sight,
        box: [sight.box[0] + 0.008 * Math.sin(second * 40), 0.4, 0.08, 0.4] as typeof sight.box,
      }));
      return { ...shown, ...(objects === undefined ? {} : { objects }) };
    };
    const [end] = endsOf(trembling, 20, { places: { lines: { middle: MIDDLE } } });
    expect(end?.crossings).toHaveLength(1);
  });
});

describe('filters', () => {
  it.each([
    ['too small', { minArea: 0.05 }],
    ['too large', { maxArea: 0.01 }],
    ['too narrow', { minRatio: 0.5 }],
    ['too wide', { maxRatio: 0.3 }],
    ['of too low a score', { minScore: 0.9 }],
    ['of too low a median score', { minMedianScore: 0.9 }],
  ])('leave out what is %s', (_what, filter) => {
    const places = { objects: { person: objectFilter.parse(filter) } };
    expect(play(walk(1, 9), 20, { places })).toEqual([]);
    expect(play(walk(1, 9), 20, { places: { objects: { car: objectFilter.parse(filter) } } })).not.toEqual(
      [],
    );
  });

  it('let through what is within all of their bounds', () => {
    // 0.08 of 16 by 0.4 of 9 is about 0.36 wide for its height.
    const filter = objectFilter.parse({
      minScore: 0.7,
      minArea: 0.03,
      maxArea: 0.04,
      minRatio: 0.3,
      maxRatio: 0.4,
    });
    expect(play(walk(1, 9), 20, { places: { objects: { person: filter } } })).not.toEqual([]);
  });
});
