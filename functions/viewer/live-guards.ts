import { guarded, type StillAllowed } from './stream-guard.ts';

/** More than anybody watches; the first to be let go is the oldest. */
const MOST = 500;
/** Whether a session of WebRTC has ended by itself only its agent knows: nobody watches for longer without beginning anew. */
const LONGEST_MS = 12 * 3_600_000;
const LOOK_MS = 3000;

/** Live sessions that go on without the viewer: it ends those whose user may not watch any more. */
export class LiveGuards {
  readonly #stops = new Map<string, () => void>();

  /** Calls `end` when the session is not allowed any more. */
  add(session: string, allowed: StillAllowed, end: () => void): void {
    this.drop(session);
    const stop = guarded(
      allowed,
      () => {
        this.drop(session);
        end();
      },
      LOOK_MS,
    );
    const late = setTimeout(() => this.drop(session), LONGEST_MS);
    late.unref();
    this.#stops.set(session, () => {
      clearTimeout(late);
      stop();
    });
    const [oldest] = this.#stops.keys();
    if (this.#stops.size > MOST && oldest !== undefined) this.drop(oldest);
  }

  /** It has ended. */
  drop(session: string): void {
    this.#stops.get(session)?.();
    this.#stops.delete(session);
  }

  close(): void {
    for (const session of [...this.#stops.keys()]) this.drop(session);
  }
}
