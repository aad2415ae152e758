import { expect, it } from 'vitest';
import { eventsUrl, filterOf, searchOf } from './filters.ts';

it('a filter goes into the address and comes back out of it', () => {
  const filter = { camera: 'yard', label: 'a&b=<c>' };
  expect(filterOf(searchOf(filter, ''))).toEqual(filter);
  expect(searchOf({ camera: '', label: '' }, '?camera=yard')).toBe('');
  expect(searchOf({ camera: 'gate', label: '' }, '?theme=dark&camera=yard&label=x')).toBe(
    '?theme=dark&camera=gate',
  );
});

it('a page of events is asked for below the page itself', () => {
  expect(eventsUrl({ camera: '', label: '' }, 24)).toBe('api/events?limit=24');
  expect(eventsUrl({ camera: 'yard', label: 'a b' }, 9, 'cursor')).toBe(
    'api/events?limit=9&camera=yard&label=a+b&before=cursor',
  );
});
