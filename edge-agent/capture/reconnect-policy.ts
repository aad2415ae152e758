import type { Retry } from './cause.ts';

/** Waits between tries, in seconds: a camera that restarts is back soon, a dead one is not hammered. */
const WAITS_S = [1, 2, 5, 10, 30, 60];

/** A session that streamed for this long counts as a success, and the waits begin anew. */
const STREAMED_WELL_MS = 30_000;

/** When to try again after a session. There is no giving up: cameras come back after days. */
export function reconnectAfter(last: {
  /** Sessions in a row that failed before this one. */
  failures: number;
  streamedMs: number;
  retry: Retry;
  /** 0..1; spreads the tries of many cameras that went away together. */
  random: number;
}): { waitMs: number; failures: number } {
  const failures = last.streamedMs >= STREAMED_WELL_MS ? 1 : last.failures + 1;
  const step = last.retry === 'slow' ? WAITS_S.length - 1 : Math.min(failures, WAITS_S.length) - 1;
  const waitS = WAITS_S[step] ?? 60;
  return { waitMs: Math.round(waitS * 1000 * (0.8 + 0.4 * last.random)), failures };
}
