import { expect, it } from 'vitest';
import { inputText, inputUs, rangeFault } from './time-input.ts';

it('a time goes into an input and comes out of it, to the second', () => {
  const us = Date.UTC(2026, 2, 4, 12, 0, 5, 700) * 1000;
  expect(inputUs(inputText(us))).toBe(us - 700_000);
  expect(inputText(us)).toMatch(/^2026-03-0[345]T\d\d:\d\d:05$/);
  for (const none of ['', '2026', 'yesterday', '2026-13-40T99:99']) expect(inputUs(none)).toBeUndefined();
});

it('a range is refused that is not set, turned around, too long, or yet to come', () => {
  const minute = 60_000_000;
  expect(rangeFault(undefined, minute, minute)).toBe('unset');
  expect(rangeFault(minute, minute, 2 * minute)).toBe('turned');
  expect(rangeFault(0, 11 * minute, 20 * minute)).toBe('long');
  expect(rangeFault(2 * minute, 3 * minute, minute)).toBe('future');
  expect(rangeFault(0, 10 * minute, 20 * minute)).toBeUndefined();
  // Its end may be yet to come: the agent waits for it.
  expect(rangeFault(0, 2 * minute, minute)).toBeUndefined();
});
