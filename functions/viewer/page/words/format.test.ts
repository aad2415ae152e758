import { afterEach, describe, expect, it } from 'vitest';
import {
  agoText,
  bytesText,
  dayBeside,
  dayKey,
  dayText,
  dayWindow,
  durationText,
  language,
  languageOf,
  localeOf,
  percentText,
  plural,
} from './format.ts';

const plain = (text: string): string => text.replaceAll('\u00a0', ' ');

afterEach(() => {
  language.value = 'en';
});

describe('in English', () => {
  it.each([
    [0, '0 s'],
    [-5, '0 s'],
    [40, '0 s'],
    [2500, '2.5 s'],
    [9949, '9.9 s'],
    [9950, '10 s'],
    [59_400, '59 s'],
    [59_600, '1:00 min'],
    [65_000, '1:05 min'],
    [3_599_600, '1:00:00 h'],
    [3_723_000, '1:02:03 h'],
  ])('%i ms are %s', (ms, text) => {
    expect(plain(durationText(ms))).toBe(text);
  });

  it.each([
    [100, 'now'],
    [12_000, '12 sec. ago'],
    [300_000, '5 min. ago'],
    [7_200_000, '2 hr. ago'],
    [400_000_000, '5 days ago'],
  ])('%i ms ago is %s', (ms, text) => {
    expect(agoText(ms)).toBe(text);
  });

  it('a score is a whole percentage, and bytes are rounded', () => {
    expect(percentText(0.876)).toBe('88%');
    expect(plain(bytesText(7.24e6))).toBe('7.2 MB');
    expect(plain(bytesText(1.5e9))).toBe('1.5 GB');
  });
});

it('numbers, units and days are written as in German where that is shown', () => {
  language.value = 'de';
  expect(plain(durationText(2500))).toBe('2,5 s');
  expect(plain(percentText(0.876))).toBe('88 %');
  expect(agoText(300_000)).toBe('vor 5 Min.');
  const noonUs = new Date(2026, 2, 1, 12).getTime() * 1000;
  expect(dayText(noonUs, noonUs)).toBe('Heute');
  expect(plural(1, 'Tag', 'Tage') + plural(2, 'Tag', 'Tage')).toBe('TagTage');
});

it('the language is the first of the browser’s that there is, in the browser’s own variety', () => {
  expect(languageOf(['fr-FR', 'de-AT', 'en'])).toBe('de');
  expect(languageOf(['fr'])).toBe('en');
  expect(localeOf('en', ['de', 'en-GB'])).toBe('en-GB');
  expect(localeOf('de', ['en-GB'])).toBe('de');
});

it('days are those of the calendar here', () => {
  const noonUs = new Date(2026, 2, 1, 12).getTime() * 1000;
  expect(dayKey(noonUs)).toBe('2026-03-01');
  expect(dayText(noonUs, noonUs + 3_600_000_000)).toBe('Today');
  expect(dayText(noonUs - 13 * 3_600_000_000, noonUs)).toBe('Yesterday');
  expect(dayText(noonUs - 400 * 86_400_000_000, noonUs)).toContain('2025');
  expect(dayBeside('2026-03-01', -1)).toBe('2026-02-28');
  const { fromUs = 0, toUs = 0 } = dayWindow('2026-03-01') ?? {};
  expect(noonUs > fromUs && noonUs < toUs).toBe(true);
  expect(dayWindow('2026-02-30')).toBeUndefined();
});
