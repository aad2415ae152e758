import { expect, test } from 'vitest';
import type { Box } from '@faascam/core/box';
import { hintsOf, remember } from './recollection.ts';

const legs: Box = [0.79, 0.71, 0.08, 0.18];
const person = { label: 'person', score: 0.9, box: [0.78, 0.52, 0.07, 0.35] satisfies Box };
const wholeEveryMs = 1000;

test('the whole picture is looked at after a region in which nothing was found', () => {
  const first = remember(undefined, { capturedAtUs: 1_000_000, movers: [] }, { objects: [], whole: true });
  const next = { capturedAtUs: 1_200_000, movers: [legs] };
  const found = remember(first, next, { objects: [person], whole: false });
  expect(hintsOf(found, 1_400_000, wholeEveryMs)).toEqual({ known: [person.box], wholeIsDue: false });
  const inVain = remember(first, next, { objects: [], whole: false });
  expect(hintsOf(inVain, 1_400_000, wholeEveryMs)).toEqual({ known: [], wholeIsDue: true });
  const elsewhere = { ...person, box: [0.1, 0.5, 0.1, 0.3] satisfies Box };
  const beside = remember(first, next, { objects: [elsewhere], whole: false });
  expect(hintsOf(beside, 1_400_000, wholeEveryMs).wholeIsDue).toBe(true);
});

test('the whole picture is due after its interval, and where nothing is known of the last look', () => {
  expect(hintsOf(undefined, 1, wholeEveryMs)).toEqual({ known: [], wholeIsDue: true });
  const seen = remember(undefined, { capturedAtUs: 1_000_000, movers: [] }, { objects: [], whole: true });
  expect(hintsOf(seen, 1_999_999, wholeEveryMs).wholeIsDue).toBe(false);
  expect(hintsOf(seen, 2_000_000, wholeEveryMs).wholeIsDue).toBe(true);
});
