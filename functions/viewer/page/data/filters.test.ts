import { expect, it } from 'vitest';
import { choicesOf, eventsUrl, filterOf, filtersSet, noFilter, searchOf } from './filters.ts';

const windowOf = (day: string): { fromUs: number; toUs: number } => {
  const fromUs = Date.parse(`${day}T00:00:00Z`) * 1000;
  return { fromUs, toUs: fromUs + 86_400_000_000 };
};

it('a filter goes into the address and comes back out of it', () => {
  const filter = {
    ...{ camera: 'yard', label: 'a&b=<c>', zone: 'drive' },
    ...{ from: '2026-03-01', to: '2026-03-04', score: '70' },
  };
  expect(filterOf(searchOf(filter, ''))).toEqual(filter);
  expect(filtersSet(filter)).toBe(6);
  expect(searchOf(noFilter, '?camera=yard&zone=x')).toBe('');
  expect(searchOf({ ...noFilter, camera: 'gate' }, '?theme=dark&camera=yard&label=x')).toBe(
    '?theme=dark&camera=gate',
  );
});

it('what is no day or score in an address is left out', () => {
  expect(filterOf('?from=yesterday&to=2026-3-1&score=high')).toEqual(noFilter);
});

it('a page of events is asked for with days as times and the score as a fraction', () => {
  expect(eventsUrl(noFilter, { limit: 24, windowOf })).toBe('api/events?limit=24');
  expect(
    eventsUrl({ ...noFilter, camera: 'yard', label: 'a b' }, { limit: 9, before: 'cursor', windowOf }),
  ).toBe('api/events?limit=9&camera=yard&label=a+b&before=cursor');
  const filter = { ...noFilter, zone: 'drive', from: '2026-03-01', to: '2026-03-01', score: '70' };
  expect(eventsUrl(filter, { limit: 9, windowOf })).toBe(
    'api/events?limit=9&zone=drive&fromUs=1772323200000000&toUs=1772409600000000&minScore=0.7',
  );
});

it('choices are each there once, with the one chosen', () => {
  expect(choicesOf(['yard', 'gate', 'yard'], 'attic')).toEqual(['attic', 'gate', 'yard']);
  expect(choicesOf([], '')).toEqual([]);
});
