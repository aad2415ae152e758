import { expect, it } from 'vitest';
import { at, fractionOf, including, lengthOf, marksOf, panned, timeAt, zoomed } from './time-axis.ts';

const HOUR_US = 3_600_000_000;
const day = { fromUs: 0, toUs: 24 * HOUR_US };

it('zooming keeps the time that one points at where it is, and ends at the day and at two minutes', () => {
  const near = zoomed(day, day, 0.5, 18 * HOUR_US);
  expect(lengthOf(near)).toBe(12 * HOUR_US);
  expect(fractionOf(near, 18 * HOUR_US)).toBeCloseTo(0.75);
  expect(zoomed(near, day, 10, 18 * HOUR_US)).toEqual(day);
  expect(lengthOf(zoomed(day, day, 0, HOUR_US))).toBe(120_000_000);
  expect(zoomed(day, day, 0.25, 0)).toEqual({ fromUs: 0, toUs: 6 * HOUR_US });
});

it('the part shown follows a time that leaves it, and stays in the day', () => {
  const shown = { fromUs: 6 * HOUR_US, toUs: 8 * HOUR_US };
  expect(including(shown, day, 7 * HOUR_US)).toBe(shown);
  const later = including(shown, day, 9 * HOUR_US);
  expect(9 * HOUR_US > later.fromUs && 9 * HOUR_US < later.toUs).toBe(true);
  expect(including(shown, day, 24 * HOUR_US).toUs).toBe(24 * HOUR_US);
  expect(panned(shown, day, -100 * HOUR_US).fromUs).toBe(0);
  expect(timeAt(shown, 2)).toBe(8 * HOUR_US);
});

it('marks are at round times, no more than there is room for', () => {
  expect(marksOf(day, day, 12)).toHaveLength(13);
  expect(marksOf({ fromUs: 0.5 * HOUR_US, toUs: 1.6 * HOUR_US }, day, 6)).toEqual([
    0.5 * HOUR_US,
    0.75 * HOUR_US,
    HOUR_US,
    1.25 * HOUR_US,
    1.5 * HOUR_US,
  ]);
});

it('at a time is what began last and has not ended', () => {
  const spans = [
    { fromUs: 0, toUs: 10 },
    { fromUs: 5, toUs: 6 },
  ];
  expect(at(spans, 5)).toBe(spans[1]);
  expect(at(spans, 8)).toBe(spans[0]);
  expect(at(spans, 11)).toBeUndefined();
});
