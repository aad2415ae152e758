import { describe, expect, it } from 'vitest';
import { localTime, timeOf } from './local-time.ts';

const NOW = new Date(2026, 10, 21, 18, 30, 15);
const NOW_US = NOW.getTime() * 1000;
const from = (text: string): number => timeOf(text, 'from', NOW_US);
const to = (text: string): number => timeOf(text, 'to', NOW_US);
const at = (...parts: [number, number, number, number?, number?, number?]): number =>
  new Date(...parts).getTime() * 1000;

describe('a time on the command line', () => {
  it.each([
    ['2026-11-21T19:05:12.25+01:00', Date.UTC(2026, 10, 21, 18, 5, 12, 250)],
    ['2026-11-21T19:05-0330', Date.UTC(2026, 10, 21, 22, 35)],
    ['2026-11-21 19:05:12z', Date.UTC(2026, 10, 21, 19, 5, 12)],
    ['1999-12-31T23:59:59.000Z', Date.UTC(1999, 11, 31, 23, 59, 59)],
  ])('%s is in the zone that it names', (text, ms) => {
    expect(from(text)).toBe(ms * 1000);
    expect(to(text)).toBe(ms * 1000);
  });

  it('keeps microseconds', () => {
    expect(from('2026-11-21T19:05:12.000007Z')).toBe(Date.UTC(2026, 10, 21, 19, 5, 12) * 1000 + 7);
  });

  it('is in the terminal’s zone where it names none', () => {
    expect(from('2026-11-20T07:08:09')).toBe(at(2026, 10, 20, 7, 8, 9));
    expect(from('2026-11-20 07:08')).toBe(at(2026, 10, 20, 7, 8));
    expect(from('7:08')).toBe(at(2026, 10, 21, 7, 8));
  });

  it('that is a day is its beginning, or its end', () => {
    expect([from('2026-11-20'), to('2026-11-20')]).toEqual([at(2026, 10, 20), at(2026, 10, 21)]);
    expect([from('yesterday'), to('yesterday')]).toEqual([at(2026, 10, 20), at(2026, 10, 21)]);
    expect([from('today'), to('today')]).toEqual([at(2026, 10, 21), at(2026, 10, 22)]);
  });

  it('may be so long ago', () => {
    expect(from('now')).toBe(NOW_US);
    expect(from('90s')).toBe(NOW_US - 90_000_000);
    expect(from('1.5h')).toBe(NOW_US - 5_400_000_000);
    expect(from('2d')).toBe(NOW_US - 172_800_000_000);
    expect(from('90000w')).toBe(0);
  });

  it.each([
    '',
    '5',
    '5x',
    '2026-02-30',
    '2026-13-01',
    '25:00',
    '12:60',
    '2026-11-21Z',
    '+01:00',
    'Thursday',
    '2026-11-21T',
  ])('%j is refused', (text) => {
    expect(() => from(text)).toThrow(/is no time: give one like/);
  });

  it('reads what it has written', () => {
    for (const us of [NOW_US, at(2026, 6, 1, 3, 4, 5), at(2026, 0, 1)]) expect(from(localTime(us))).toBe(us);
  });
});
