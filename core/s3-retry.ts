import type { S3Trouble } from './s3-errors.ts';

const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 5000;

/** Troubles that pass by themselves. Nothing else is worth a second try. */
const PASSING: readonly S3Trouble[] = [
  'busy',
  'unreachable',
  'refused',
  'silent',
  'name',
  'damaged',
  'conflict',
];

export interface FailedTry {
  trouble: S3Trouble;
  /** How many have failed by now: 1 after the first. */
  tries: number;
  sinceFirstFailureMs: number;
  /** From the first failure on, tries may begin for so long. */
  retryMs: number;
  /** What the server asked for. */
  retryAfterMs: number | undefined;
  /** 0 to 1, so that many who wait do not come back at the same moment. */
  chance: number;
}

/** How long to wait before the next try, in ms; undefined to give up. Waits double, up to 5 s. */
export function nextTryMs(failed: FailedTry): number | undefined {
  if (!PASSING.includes(failed.trouble)) return undefined;
  const doubled = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(failed.tries - 1, 10));
  const wait = Math.max(doubled * (0.5 + failed.chance / 2), failed.retryAfterMs ?? 0);
  return failed.sinceFirstFailureMs + wait <= failed.retryMs ? wait : undefined;
}
