import type { Retry } from './cause.ts';

/** Waits between tries, in seconds: a camera that restarts is back soon, a dead one is not hammered. */
const WAITS_S = [1, 2, 5, 10, 30, 60];

const LEAST_MS = 1000;

/** A session that streamed for this long counts as a success, and the waits begin anew. */
const STREAMED_WELL_MS = 30_000;

/** A camera that gave pictures at all is there: more than so many failures in a row do not make it wait longer. */
const FAILURES_WHILE_THERE = 2;

/** When to try again after a session. There is no giving up: cameras come back after days. */
export function reconnectAfter(last: {
  /** Sessions in a row that failed before this one. */
  failures: number;
  streamedMs: number;
  /** How long it lasted in all: waits count from the begin of one try to the next. */
  lastedMs: number;
  retry: Retry;
  /** 0..1; spreads the tries of many cameras that went away together. */
  random: number;
}): { waitMs: number; failures: number } {
  const before = last.streamedMs >= STREAMED_WELL_MS ? 0 : last.failures;
  const failures = Math.min(before + 1, last.streamedMs > 0 ? FAILURES_WHILE_THERE : Number.MAX_SAFE_INTEGER);
  const step = last.retry === 'slow' ? WAITS_S.length - 1 : Math.min(failures, WAITS_S.length) - 1;
  const intervalMs =
    (last.retry === 'at-once' ? LEAST_MS : (WAITS_S[step] ?? 60) * 1000) * (0.8 + 0.4 * last.random);
  const triedMs = last.streamedMs > 0 ? 0 : last.lastedMs;
  return {
    waitMs: Math.round(Math.max(LEAST_MS * (0.8 + 0.4 * last.random), intervalMs - triedMs)),
    failures,
  };
}
