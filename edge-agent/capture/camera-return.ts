import { access } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Clock } from '@faascam/core/clock';
import type { Reach } from '../sources/reach.ts';

/** How often a camera that is away is looked for, and how long each look may take. */
const LOOK_MS = 500;
const ANSWER_MS = 1000;
/** Beyond its wait, a camera that does not answer is tried anyway after this long: the look may be what is wrong. */
const TRY_ANYWAY_MS = 60_000;

/**
 * Waits `waitMs` before a camera is tried again. A camera that was away and answers is back: that ends the wait. One that
 * does not answer need not be tried yet. Resolves early when the signal is aborted.
 */
export async function waitForReturn(options: {
  waitMs: number;
  /** What must answer; undefined where nothing simple tells, then it is the wait alone. */
  reach: Reach | undefined;
  clock: Clock;
  signal: AbortSignal;
}): Promise<void> {
  const { waitMs, reach, clock, signal } = options;
  const sleep = (ms: number): Promise<void> => clock.sleep(ms, signal).catch(() => undefined);
  if (reach === undefined) {
    await sleep(waitMs);
    return;
  }
  const begunUs = clock.nowUs();
  let away = false;
  while (!signal.aborted) {
    const waitedMs = (clock.nowUs() - begunUs) / 1000;
    if (waitedMs >= waitMs && (!away || waitedMs >= waitMs + TRY_ANYWAY_MS)) return;
    await sleep(Math.max(50, Math.min(LOOK_MS, away ? LOOK_MS : waitMs - waitedMs)));
    const there = await answers(reach);
    if (there && away) return;
    away = !there;
  }
}

/** Whether what a source needs is there right now. Takes a second at the most. */
export async function answers(reach: Reach): Promise<boolean> {
  if (reach.kind === 'path') {
    return await access(reach.path).then(
      () => true,
      () => false,
    );
  }
  return await new Promise((resolve) => {
    const socket = connect({ host: reach.host, port: reach.port });
    const end = (there: boolean): void => {
      socket.destroy();
      resolve(there);
    };
    socket.setTimeout(ANSWER_MS, () => end(false));
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}
