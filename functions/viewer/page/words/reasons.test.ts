import { describe, expect, it } from 'vitest';
import type { BeganView } from '../api.ts';
import {
  beganText,
  crossingsText,
  endedText,
  gapText,
  groupOf,
  incompleteText,
  labelsText,
  playbackFaultText,
} from './reasons.ts';

const plain = (text: string | undefined): string | undefined => text?.replaceAll('\u00a0', ' ');
const began: BeganView = {
  ...{ rule: 'object-moved', label: 'person', zone: undefined, sights: 3, medianScore: 0.81 },
};

describe('why an event began', () => {
  it.each<[Partial<BeganView>, string]>([
    [{}, 'person moved, seen 3 times, median score 81%'],
    [{ sights: 1 }, 'person moved, seen once, median score 81%'],
    [{ sights: 10 }, 'person moved, seen 10 times and more, median score 81%'],
    [
      { rule: 'entered-zone', zone: 'drive' },
      'person entered the zone drive, seen 3 times, median score 81%',
    ],
    [
      { rule: 'motion', label: 'motion', medianScore: 0.04 },
      'something moved that was not made out, over 4% of the picture',
    ],
    [{ rule: 'split' }, 'goes on with the event before, which had reached its greatest length (person)'],
    [{ rule: 'struck-by-lightning' }, 'struck-by-lightning (person), seen 3 times, median score 81%'],
  ])('of %o is told in words', (given, text) => {
    expect(plain(beganText({ ...began, ...given }))).toBe(text);
  });
});

describe('why an event ended', () => {
  it.each([
    ['objects-left', 'the last object left, and nothing followed for 2.2 s'],
    ['objects-still', 'the last object stood still'],
    ['longest', 'it had reached its greatest length; the next event goes on'],
    ['camera-lost', 'the camera was lost'],
    ['struck-by-lightning', 'struck-by-lightning'],
  ])('by the rule %s is told in words', (rule, text) => {
    expect(plain(endedText({ rule, quietMs: 2200 }, 'left'))).toBe(text);
  });

  it('is told of an event whose state was lost, which has no reason', () => {
    expect(endedText({ rule: 'state-lost', quietMs: 0 }, undefined)).toMatch(
      /^what was known of it was lost/,
    );
  });

  it('is told by the reason alone of an event that names no rule, and not at all without either', () => {
    expect(endedText(undefined, 'still')).toBe('the last object stood still');
    expect(endedText(undefined, undefined)).toBeUndefined();
  });
});

it('crossings of lines are counted by line and way', () => {
  const gate = { line: 'gate', direction: 'left-to-right' };
  expect(crossingsText([gate, { line: 'drive', direction: 'right-to-left' }, gate])).toBe(
    'gate left to right, 2 times; drive right to left',
  );
});

it('labels are a phrase, and each is of a kind', () => {
  expect(labelsText(['person'])).toBe('Person');
  expect(labelsText(['person', 'car', 'dog'])).toMatch(/^Person, car,? and dog$/);
  expect(labelsText([])).toBe('Something');
  expect(['person', 'truck', 'cat', 'suitcase', '<b>'].map(groupOf)).toEqual([
    'person',
    'vehicle',
    'animal',
    'other',
    'other',
  ]);
});

it('what is missing is told with its reason, also one that is not known yet', () => {
  expect(plain(gapText({ ms: 3000, cause: 'camera-lost' }))).toBe(
    '3 s missing: no picture came from the camera',
  );
  expect(gapText({ ms: 3000, cause: 'struck-by-lightning' })).toContain('struck-by-lightning');
  expect(incompleteText([{ cause: 'evicted' }, { cause: 'evicted' }, { cause: 'damaged' }])).toBe(
    'incomplete: dropped from ring, damaged segment',
  );
  expect(incompleteText([])).toBe('incomplete');
});

it('a clip that does not play is told of by its codec', () => {
  expect(playbackFaultText('hevc', false)).toMatch(/HEVC.*cannot play/);
  expect(playbackFaultText('av1', false)).toMatch(/^The clip's av1 video/);
  expect(playbackFaultText(undefined, false)).toMatch(/^The clip cannot/);
  expect(playbackFaultText('h264', true)).toMatch(/not be loaded/);
});
