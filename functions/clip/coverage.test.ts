import { expect, test } from 'vitest';
import { deliveredBy, gapsOf, toleranceUsOf, usualIntervalUs, without } from './coverage.ts';

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

/** Pictures after these intervals in seconds, from `fromS` on. */
function pictures(fromS: number, intervals: number[]) {
  let at = fromS * 1_000_000;
  const atUs = [at, ...intervals.map((seconds) => (at += seconds * 1_000_000))];
  return { atUs, endUs: at + 40_000 };
}
const inSeconds = (spans: { fromUs: number; toUs: number }[]) =>
  spans.map(({ fromUs, toUs }) => [fromUs / 1_000_000, toUs / 1_000_000]);
const every = (seconds: number, count: number) => Array.from({ length: count }, () => seconds);

test('a freeze within a segment is not delivered, and is no reason to let other footage be missing', () => {
  const frozen = [pictures(0, every(0.04, 50)), pictures(2.04, [...every(0.04, 24), 8, ...every(0.04, 25)])];
  expect(inSeconds(deliveredBy(frozen))).toEqual([
    [0, 2.04],
    [2.04, 3.04],
    [11, 12.04],
  ]);
  const usual = usualIntervalUs(frozen);
  expect(usual).toBe(40_000);
  expect(toleranceUsOf({ longestIntervalUs: 8_000_000, usualIntervalUs: usual })).toBe(2_000_000);
  // Also where hardly a picture came beside it.
  const [sound, few] = [pictures(0, every(0.04, 50)), pictures(2.04, [8])];
  expect(inSeconds(deliveredBy([sound, few]))).toHaveLength(3);
});

test.each([
  { name: 'one picture a second', segments: [pictures(0, every(1, 4)), pictures(5, [1, 2, 1])] },
  { name: 'a picture every few seconds', segments: [0, 7, 14, 22, 28].map((at) => pictures(at, [])) },
  {
    name: 'fewer pictures by night',
    segments: [pictures(0, every(0.04, 99)), pictures(4, [2, 2.5, 2]), pictures(12.5, [2, 1.5, 3])],
  },
  { name: 'pictures that come in bursts', segments: [pictures(0, [0.04, 0.04, 1.9, 0.04, 0.04, 1.9])] },
])('a camera with $name delivers all of its segments', ({ segments }) => {
  expect(deliveredBy(segments)).toEqual(
    segments.map(({ atUs, endUs }) => ({ fromUs: atUs[0], toUs: endUs })),
  );
  const last = segments.at(-1)?.endUs ?? 0;
  const longestIntervalUs = Math.max(
    ...segments.flatMap(({ atUs }) => atUs.map((at, index) => at - (atUs[index - 1] ?? at))),
  );
  const toleranceUs = toleranceUsOf({ longestIntervalUs, usualIntervalUs: usualIntervalUs(segments) });
  const delivered = deliveredBy(segments);
  expect(gapsOf({ requested: span(0, last), delivered, declared: [], damaged: [], toleranceUs })).toEqual([]);
});
