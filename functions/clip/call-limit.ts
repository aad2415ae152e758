import { goDurationMs } from '@faascam/core/go-duration';

/** The connector waits for two minutes at most, whatever the watchdog allows. */
const MOST_MS = 100_000;

/**
 * How long a call may take, in ms, where of-watchdog allows it `exec_timeout` (as in `stack.yml`: `115s`; it hands its
 * environment on). An eighth less, so that the caller hears how far the clip is, and not just that time is up. Without
 * one, or with one that is none, 100 s.
 */
export function callLimitMs(execTimeout: string | undefined): number {
  const execMs = goDurationMs(execTimeout ?? '') ?? 0;
  // of-watchdog takes 0 for no limit.
  return execMs === 0 ? MOST_MS : Math.min(MOST_MS, (execMs * 7) / 8);
}
