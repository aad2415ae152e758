import { expect, test } from 'vitest';
import { gapsOf, without } from './coverage.ts';

const requested = { fromUs: 1000, toUs: 9000 };
const span = (fromUs: number, toUs: number) => ({ fromUs, toUs });

test('a span without others is what none of them covers, in order', () => {
  expect(without(requested, [])).toEqual([requested]);
  expect(without(requested, [span(0, 20_000)])).toEqual([]);
  expect(without(requested, [span(5000, 6000), span(0, 2000), span(5500, 7000)])).toEqual([
    span(2000, 5000),
    span(7000, 9000),
  ]);
  expect(without(requested, [span(9000, 10_000), span(0, 1000)])).toEqual([requested]);
});

const quiet = { requested, delivered: [span(900, 9100)], declared: [], damaged: [], toleranceUs: 100 };

test('nothing is missing when the footage covers the window, give or take the tolerance', () => {
  expect(gapsOf(quiet)).toEqual([]);
  expect(gapsOf({ ...quiet, delivered: [span(1050, 5000), span(5100, 8950)] })).toEqual([]);
});

test('the agent’s gaps are kept as they are, and explain the footage that is missing', () => {
  const declared = [{ ...span(4000, 6000), cause: 'agent-stopped' as const }];
  expect(gapsOf({ ...quiet, declared, delivered: [span(900, 4000), span(6000, 9100)] })).toEqual(declared);
  // Also where footage is there after all: the agent knows why it said so.
  expect(gapsOf({ ...quiet, declared })).toEqual(declared);
});

test('footage that is missing without a word is a gap', () => {
  const delivered = [span(2000, 4000), span(5000, 8000)];
  const declared = [{ ...span(1000, 2000), cause: 'before-start' as const }];
  expect(gapsOf({ ...quiet, declared, delivered })).toEqual([
    ...declared,
    { ...span(4000, 5000), cause: 'camera-lost' },
    { ...span(8000, 9000), cause: 'camera-lost' },
  ]);
});

test('damaged segments are gaps within the window, whether they are in the clip or not', () => {
  const damaged = [span(0, 3000), span(7000, 8000), span(9500, 9900)];
  expect(gapsOf({ ...quiet, damaged })).toEqual([
    { ...span(1000, 3000), cause: 'damaged' },
    { ...span(7000, 8000), cause: 'damaged' },
  ]);
});

test('with no footage at all the whole window is a gap', () => {
  expect(gapsOf({ ...quiet, delivered: [] })).toEqual([{ ...requested, cause: 'camera-lost' }]);
});
