import { afterEach, expect, it, vi } from 'vitest';
import { inputText, inputUs, rangeFault } from './time-input.ts';

const HOUR_US = 3_600_000_000;

afterEach(() => {
  vi.unstubAllEnvs();
});

it('a time goes into an input and comes out of it: to the second, and unchanged where it was proposed', () => {
  const us = Date.UTC(2026, 2, 4, 12, 0, 5, 700) * 1000;
  expect(inputUs(inputText(us), us)).toBe(us);
  expect(inputUs(inputText(us), us + 200 * 24 * HOUR_US)).toBe(us - 700_000);
  expect(inputText(us)).toMatch(/^2026-03-0[345]T\d\d:\d\d:05$/);
  for (const none of ['', '2026', 'yesterday', '2026-13-40T99:99']) expect(inputUs(none, us)).toBeUndefined();
});

it('in the hour that the clocks repeat a time is the one that was proposed, and others lie beside it', () => {
  vi.stubEnv('TZ', 'Europe/Berlin');
  const secondUs = Date.UTC(2026, 9, 25, 1, 30) * 1000;
  const firstUs = secondUs - HOUR_US;
  for (const us of [firstUs, secondUs]) {
    expect(inputText(us)).toBe('2026-10-25T02:30:00');
    expect(inputUs('2026-10-25T02:30:00', us)).toBe(us);
    // As a browser writes a whole minute.
    expect(inputUs('2026-10-25T02:35', us)).toBe(us + 300_000_000);
  }
  // Before and after it the calendar alone counts.
  expect(inputUs('2026-10-25T01:59', secondUs)).toBe(firstUs - 31 * 60_000_000);
  expect(inputUs('2026-10-25T03:00', firstUs)).toBe(secondUs + 30 * 60_000_000);
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
