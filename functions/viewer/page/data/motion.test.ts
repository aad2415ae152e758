import { expect, it } from 'vitest';
import { barsOf, levelAt, spellsOf, withNewer, type Motion } from './motion.ts';

const SECOND_US = 1_000_000;
const motion: Motion = { fromUs: 0, slotUs: 10 * SECOND_US, levels: [0, 3, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 1] };

it('each part of the line has the most that moved in it, however many slots or parts of one it has', () => {
  expect(barsOf(motion, { fromUs: 0, toUs: 60 * SECOND_US }, 3)).toEqual([3, 0, 5]);
  expect(barsOf(motion, { fromUs: 10 * SECOND_US, toUs: 30 * SECOND_US }, 4)).toEqual([3, 3, 0, 0]);
  // Before and after what is known.
  expect(barsOf(motion, { fromUs: -20 * SECOND_US, toUs: 20 * SECOND_US }, 2)).toEqual([0, 3]);
  expect(barsOf(motion, { fromUs: 120 * SECOND_US, toUs: 140 * SECOND_US }, 2)).toEqual([1, 0]);
  expect([levelAt(motion, 19 * SECOND_US), levelAt(motion, -1), levelAt(motion, 1e12)]).toEqual([3, 0, 0]);
});

it('a short pause does not part a spell, a long one does', () => {
  expect(spellsOf(motion)).toEqual([
    { fromUs: 10 * SECOND_US, toUs: 50 * SECOND_US },
    { fromUs: 120 * SECOND_US, toUs: 130 * SECOND_US },
  ]);
  expect(spellsOf({ ...motion, levels: [] })).toEqual([]);
});

it('what is newer replaces what was known of that time, and goes on', () => {
  const newer = { ...motion, fromUs: 110 * SECOND_US, levels: [2, 4, 6] };
  expect(withNewer(motion, newer).levels).toEqual([0, 3, 0, 0, 5, 0, 0, 0, 0, 0, 0, 2, 4, 6]);
});
