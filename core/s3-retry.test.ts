import { expect, test } from 'vitest';
import { partsOf } from './s3-body.ts';
import { nextTryMs, type FailedTry } from './s3-retry.ts';

const failed: FailedTry = {
  ...{ trouble: 'busy', tries: 1, sinceFirstFailureMs: 0, retryMs: 20_000 },
  ...{ retryAfterMs: undefined, chance: 1 },
};

test('waits double up to five seconds, and chance shortens them by half at most', () => {
  const waits = [1, 2, 3, 4, 5, 6, 7, 1000].map((tries) => nextTryMs({ ...failed, tries }));
  expect(waits).toEqual([200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
  expect(nextTryMs({ ...failed, tries: 3, chance: 0 })).toBe(400);
});

test('a server that asks for more patience gets it, as far as the time goes', () => {
  expect(nextTryMs({ ...failed, retryAfterMs: 7000 })).toBe(7000);
  expect(nextTryMs({ ...failed, retryAfterMs: 1 })).toBe(200);
  expect(nextTryMs({ ...failed, retryAfterMs: 30_000 })).toBeUndefined();
});

test('after its time, or for a trouble that does not pass, there is no further try', () => {
  expect(nextTryMs({ ...failed, sinceFirstFailureMs: 19_900 })).toBeUndefined();
  expect(nextTryMs({ ...failed, retryMs: 0 })).toBeUndefined();
  for (const trouble of ['denied', 'no-bucket', 'full', 'certificate', 'other'] as const) {
    expect(nextTryMs({ ...failed, trouble })).toBeUndefined();
  }
});

test('parts cover a file without gap or overlap, and are at most ten thousand', () => {
  expect(partsOf(10, 4)).toEqual([
    { start: 0, end: 3 },
    { start: 4, end: 7 },
    { start: 8, end: 9 },
  ]);
  expect(partsOf(8, 4)).toHaveLength(2);
  const many = partsOf(5 * 1024 ** 4, 16 * 1024 ** 2);
  expect(many.length).toBeLessThanOrEqual(10_000);
  expect(many.at(-1)?.end).toBe(5 * 1024 ** 4 - 1);
  expect(many.slice(1).every((part, index) => part.start === (many[index]?.end ?? 0) + 1)).toBe(true);
});
