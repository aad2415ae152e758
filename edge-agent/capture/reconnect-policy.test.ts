import { describe, expect, test } from 'vitest';
import type { Retry } from './cause.ts';
import { reconnectAfter } from './reconnect-policy.ts';

function waitsOf(tries: { streamedMs: number; lastedMs?: number; retry: Retry }[]): number[] {
  let failures = 0;
  return tries.map((last) => {
    const next = reconnectAfter({ lastedMs: 0, ...last, failures, random: 0.5 });
    failures = next.failures;
    return next.waitMs / 1000;
  });
}

describe('reconnect policy', () => {
  const dead = { streamedMs: 0, retry: 'soon' as const };

  test('waits grow and then stay, forever', () => {
    expect(waitsOf(Array.from({ length: 8 }, () => dead))).toEqual([1, 2, 5, 10, 30, 60, 60, 60]);
  });

  test('after a session that streamed well, they begin anew', () => {
    expect(waitsOf([dead, dead, dead, { streamedMs: 45_000, retry: 'soon' }, dead])).toEqual([1, 2, 5, 1, 2]);
  });

  test('a session that broke soon does not reset them', () => {
    expect(waitsOf([dead, { streamedMs: 2000, retry: 'soon' }, dead])).toEqual([1, 2, 5]);
  });

  test('a camera that gives pictures now and then is never waited for long', () => {
    const brief = { streamedMs: 6000, retry: 'soon' as const };
    expect(waitsOf([brief, brief, brief, brief, brief, brief])).toEqual([1, 2, 2, 2, 2, 2]);
  });

  test('what only a person can mend is tried once a minute', () => {
    expect(waitsOf([{ streamedMs: 0, retry: 'slow' }])).toEqual([60]);
  });

  test('a try that took long itself is followed by the next one sooner', () => {
    const slowTry = { ...dead, lastedMs: 12_000 };
    expect(waitsOf([slowTry, slowTry, slowTry, slowTry, slowTry, slowTry])).toEqual([1, 1, 1, 1, 18, 48]);
  });

  test('a camera that is connected but silent is connected again at once', () => {
    const silent = { streamedMs: 0, lastedMs: 30_000, retry: 'at-once' as const };
    expect(waitsOf([silent, silent, silent, silent])).toEqual([1, 1, 1, 1]);
  });

  test('jitter is a fifth either way', () => {
    const wait = (random: number) => reconnectAfter({ ...dead, lastedMs: 0, failures: 3, random }).waitMs;
    expect([wait(0), wait(0.5), wait(1)]).toEqual([8000, 10_000, 12_000]);
  });
});
