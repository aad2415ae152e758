import type { Readable } from 'node:stream';

/** Whether whoever began it may still have it. */
export type StillAllowed = () => Promise<boolean>;

/** A session that was ended, and a user who was taken out, count after so long at most. */
const LOOK_MS = 2000;

/**
 * Calls `end` once when `allowed` says no, or fails: what nobody can vouch for goes no further. The function that it gives
 * ends the looking.
 */
export function guarded(allowed: StillAllowed, end: () => void, everyMs = LOOK_MS): () => void {
  let looking = false;
  let over = false;
  const stop = (): void => {
    over = true;
    clearInterval(timer);
  };
  const look = async (): Promise<void> => {
    if (looking) return;
    looking = true;
    const may = await allowed().catch(() => false);
    looking = false;
    if (may || over) return;
    stop();
    end();
  };
  const timer = setInterval(() => void look(), everyMs);
  timer.unref();
  return stop;
}

/** Breaks a streamed answer off once it is not allowed any more. */
export function guardStream(stream: Readable, allowed: StillAllowed, everyMs?: number): void {
  const stop = guarded(allowed, () => stream.destroy(), everyMs);
  stream.once('close', stop);
}
