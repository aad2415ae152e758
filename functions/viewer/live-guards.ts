import { guarded, type StillAllowed } from './stream-guard.ts';

/** More than anybody watches; the first to be ended is the oldest. */
const MOST = 500;
/** Whether a session has ended by itself only its agent knows. Whoever watches for longer begins anew. */
const LONGEST_MS = 12 * 3_600_000;
const LOOK_MS = 3000;
const END_AGAIN_MS = 3000;

export interface LiveSession {
  camera: string;
  session: string;
}

interface Guard {
  /** Ends the session, and stops looking. */
  end: () => void;
  /** Forgets it. */
  stop: () => void;
}

/** Live sessions that go on without the viewer: it ends those whose user may not watch any more. */
export class LiveGuards {
  readonly #guards = new Map<string, Guard>();

  /** Calls `end` when the session is not allowed any more, and again until it succeeds or `drop` is called. */
  add(of: LiveSession, allowed: StillAllowed, end: () => Promise<unknown>): void {
    this.drop(of);
    let again: NodeJS.Timeout | undefined;
    let ending = false;
    let over = false;
    const tryToEnd = async (): Promise<void> => {
      try {
        await end();
        if (!over) this.drop(of);
      } catch {
        // The pictures do not need NATS, which may be away just now.
        if (!over) again = setTimeout(() => void tryToEnd(), END_AGAIN_MS).unref();
      }
    };
    const begin = (): void => {
      if (ending) return;
      ending = true;
      stopLooking();
      clearTimeout(late);
      // By then its agent is gone for good, and the session with it.
      late = setTimeout(() => this.drop(of), LONGEST_MS).unref();
      void tryToEnd();
    };
    const stopLooking = guarded(allowed, begin, LOOK_MS);
    let late = setTimeout(begin, LONGEST_MS).unref();
    const stop = (): void => {
      over = true;
      stopLooking();
      clearTimeout(late);
      clearTimeout(again);
    };
    this.#guards.set(keyOf(of), { end: begin, stop });
    const tooMany = this.#guards.size - MOST;
    if (tooMany > 0) for (const guard of [...this.#guards.values()].slice(0, tooMany)) guard.end();
  }

  /** It has ended. */
  drop(of: LiveSession): void {
    this.#guards.get(keyOf(of))?.stop();
    this.#guards.delete(keyOf(of));
  }

  close(): void {
    for (const { stop } of this.#guards.values()) stop();
    this.#guards.clear();
  }
}

function keyOf({ camera, session }: LiveSession): string {
  return `${camera}/${session}`;
}
