import type { Clock } from '@faascam/core/clock';

/** Lets a repeated message through now and then, so that a fault that happens with every frame fills no log. */
export class RateLimit {
  readonly #clock: Clock;
  readonly #everyUs: number;
  readonly #told = new Map<string, { atUs: number; keptBack: number }>();

  constructor(clock: Clock, everyMs = 60_000) {
    this.#clock = clock;
    this.#everyUs = everyMs * 1000;
  }

  /** Calls `say` at most once in the given time for each `key`, with how often it was kept back since. */
  tell(key: string, say: (keptBack: number) => void): void {
    const nowUs = this.#clock.nowUs();
    const last = this.#told.get(key);
    if (last !== undefined && nowUs - last.atUs < this.#everyUs) {
      last.keptBack += 1;
      return;
    }
    this.#told.set(key, { atUs: nowUs, keptBack: 0 });
    say(last?.keptBack ?? 0);
  }
}
