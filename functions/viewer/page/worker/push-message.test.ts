import { expect, it } from 'vitest';
import { shownOf } from './push-message.ts';

it('a push is shown with its own words, replaces one of the same id, and leads to its event', () => {
  const push = {
    v: 1,
    id: 'door.yard-1',
    title: 'person at yard',
    text: '12:00',
    eventId: 'yard-1',
    url: 'x',
  };
  expect(shownOf(JSON.stringify(push))).toEqual({
    title: 'person at yard',
    options: { body: '12:00', tag: 'door.yard-1', data: 'events/yard-1' },
  });
  const odd = shownOf(JSON.stringify({ ...push, eventId: '../../x?y' }));
  expect(odd.options.data).toBe('events/..%2F..%2Fx%3Fy');
});

it.each(['', '{', '[]', 'null', '{"title":7}'])(
  'of a push that is not understood (%s) something is shown',
  (body) => {
    expect(shownOf(body)).toEqual({ title: 'faascam', options: { body: '', tag: 'faascam', data: '' } });
  },
);
