import { expect, it } from 'vitest';
import { de } from './de.ts';
import { en } from './en.ts';

/** Every place of a catalogue with what stands there. */
function placesOf(words: object, prefix = ''): Map<string, unknown> {
  const places = new Map<string, unknown>();
  for (const [key, value] of Object.entries<unknown>({ ...words })) {
    if (typeof value === 'object' && value !== null) {
      for (const [place, inner] of placesOf(value, `${prefix}${key}.`)) places.set(place, inner);
    } else places.set(`${prefix}${key}`, value);
  }
  return places;
}

/** Names and words that are the same in both languages. */
const shared = new Set([
  ...[
    'nav.live',
    'link.live',
    'states.streaming',
    'events.zone',
    'facts.clip',
    'facts.video',
    'health.software',
  ],
  ...['paths.webrtc', 'paths.mse', 'paths.mjpeg', 'player.receipt', 'health.messaging'],
  ...['zones.zone', 'zones.name'],
]);

it('both languages say everything', () => {
  const english = placesOf(en);
  const german = placesOf(de);
  // English labels are the names that models give.
  const missing = [...english.keys()].filter((place) => !german.has(place));
  const extra = [...german.keys()].filter((place) => !english.has(place) && !place.startsWith('labels.'));
  expect({ missing, extra }).toEqual({ missing: [], extra: [] });
  for (const [place, text] of [...english, ...german]) {
    expect(typeof text === 'function' || (typeof text === 'string' && text.trim() !== ''), place).toBe(true);
  }
});

it('no sentence is left in the other language', () => {
  const german = placesOf(de);
  const same = [...placesOf(en)]
    .filter(([place, text]) => typeof text === 'string' && german.get(place) === text && !shared.has(place))
    .map(([place]) => place);
  expect(same).toEqual([]);
});
