import { eventIdOf } from '@faascam/core/ids';
import { expect, it } from 'vitest';
import { cursorAt, placeOf } from './event-ids.ts';

it('ids and cursors are as the functions make them', () => {
  const startUs = Date.UTC(2026, 2, 4, 12, 5, 9) * 1000 + 42;
  const id = eventIdOf('front-yard', startUs);
  expect(cursorAt('front-yard', startUs)).toBe(id);
  expect(placeOf(id)).toEqual({ camera: 'front-yard', startUs });
  expect(placeOf('no-event')).toBeUndefined();
});
