import { describe, expect, it } from 'vitest';
import type { QuietTime } from '@faascam/core/notify-settings';
import { isQuiet } from './quiet.ts';

const night: QuietTime = { days: [], from: '22:00', to: '07:00' };
const at = (iso: string): number => Date.parse(iso) * 1000;

describe('a quiet time', () => {
  it.each([
    ['2026-01-05T21:59:59Z', false],
    ['2026-01-05T22:00:00Z', true],
    ['2026-01-06T06:59:59Z', true],
    ['2026-01-06T07:00:00Z', false],
  ])('over midnight begins and ends to the minute: %s is %s', (iso, quiet) => {
    expect(isQuiet([night], at(iso), 'UTC')).toBe(quiet);
  });

  it('of a day goes on into the next morning, and is not there that evening', () => {
    const saturday: QuietTime = { ...night, days: ['sat'] };
    // 2026-01-10 is a Saturday.
    expect(isQuiet([saturday], at('2026-01-10T06:00:00Z'), 'UTC')).toBe(false);
    expect(isQuiet([saturday], at('2026-01-10T23:00:00Z'), 'UTC')).toBe(true);
    expect(isQuiet([saturday], at('2026-01-11T06:00:00Z'), 'UTC')).toBe(true);
    expect(isQuiet([saturday], at('2026-01-11T23:00:00Z'), 'UTC')).toBe(false);
  });

  it('goes by the wall clock of its zone, also where clocks are put forward', () => {
    // Berlin: 22:30 in winter is 21:30 UTC, in summer 20:30 UTC; on 2026-03-29 it is 03:00 at 01:00 UTC.
    expect(isQuiet([night], at('2026-01-05T21:30:00Z'), 'Europe/Berlin')).toBe(true);
    expect(isQuiet([night], at('2026-07-05T20:30:00Z'), 'Europe/Berlin')).toBe(true);
    const early: QuietTime = { days: ['sun'], from: '00:00', to: '03:00' };
    expect(isQuiet([early], at('2026-03-29T00:59:00Z'), 'Europe/Berlin')).toBe(true);
    expect(isQuiet([early], at('2026-03-29T01:00:00Z'), 'Europe/Berlin')).toBe(false);
  });

  it('from a time to the same is a whole day', () => {
    const sunday: QuietTime = { days: ['sun'], from: '00:00', to: '00:00' };
    for (const hour of ['00', '12', '23'])
      expect(isQuiet([sunday], at(`2026-01-11T${hour}:30:00Z`), 'UTC')).toBe(true);
    expect(isQuiet([sunday], at('2026-01-12T00:00:00Z'), 'UTC')).toBe(false);
  });
});
