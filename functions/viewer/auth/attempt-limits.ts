/** What the tries of one address, name or device add up to. */
interface Tries {
  failures: number;
  /** No try counts before, in microseconds. */
  untilUs: number;
  lastUs: number;
}

export interface LimitSettings {
  /** So many failures are free. */
  free: number;
  /** The wait after the next one in ms; it doubles with each that follows. */
  firstWaitMs: number;
  /** It gets no longer: whoever is right comes in at the latest this long after the last wrong try. */
  longestWaitMs: number;
  /** Failures are forgotten when the last one is this long ago. */
  forgetMs: number;
  /** The most keys that are remembered; the ones longest unused go. */
  most: number;
}

export const loginLimits: LimitSettings = {
  free: 5,
  firstWaitMs: 1000,
  longestWaitMs: 60_000,
  forgetMs: 3_600_000,
  most: 10_000,
};

export type Admission =
  | { admitted: true }
  /** `first`: nobody was refused under these keys since the wait began. */
  | { admitted: false; waitMs: number; first: boolean };

/**
 * How often a login may be tried. A try counts as failed from its beginning, so that many at once are no way around, and is
 * taken back when it succeeds. Pure but for its own memory, which is bounded.
 */
export class AttemptLimits {
  readonly #settings: LimitSettings;
  /** In order of use, the longest unused first. */
  readonly #tries = new Map<string, Tries>();
  readonly #refused = new Set<string>();

  constructor(settings: LimitSettings = loginLimits) {
    this.#settings = settings;
  }

  /** Begins a try under all of these keys, unless one of them must wait. */
  admit(keys: readonly string[], nowUs: number): Admission {
    const waits = keys.map((key) => ({ key, us: (this.#of(key, nowUs)?.untilUs ?? 0) - nowUs }));
    const longest = waits.reduce((most, each) => (each.us > most.us ? each : most), { key: '', us: 0 });
    if (longest.us > 0) {
      const first = !this.#refused.has(longest.key);
      this.#refused.add(longest.key);
      return { admitted: false, waitMs: Math.ceil(longest.us / 1000), first };
    }
    for (const key of keys) this.#fail(key, nowUs);
    return { admitted: true };
  }

  /** The try was right: it counts no more. What was tried in vain before stays, but under `cleared`. */
  succeeded(keys: readonly string[], cleared: readonly string[]): void {
    for (const key of cleared) this.#tries.delete(key);
    for (const key of keys) {
      const tries = this.#tries.get(key);
      if (tries === undefined) continue;
      tries.failures -= 1;
      tries.untilUs = 0;
      if (tries.failures <= 0) this.#tries.delete(key);
    }
  }

  get remembered(): number {
    return this.#tries.size;
  }

  #of(key: string, nowUs: number): Tries | undefined {
    const tries = this.#tries.get(key);
    if (tries === undefined || nowUs - tries.lastUs <= this.#settings.forgetMs * 1000) return tries;
    this.#tries.delete(key);
    return undefined;
  }

  #fail(key: string, nowUs: number): void {
    const { free, firstWaitMs, longestWaitMs, most } = this.#settings;
    const failures = (this.#of(key, nowUs)?.failures ?? 0) + 1;
    const over = failures - free;
    const waitMs = over <= 0 ? 0 : Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(over - 1, 30));
    this.#refused.delete(key);
    this.#tries.delete(key);
    this.#tries.set(key, { failures, untilUs: nowUs + waitMs * 1000, lastUs: nowUs });
    if (this.#tries.size <= most) return;
    const [oldest] = this.#tries.keys();
    if (oldest === undefined) return;
    this.#tries.delete(oldest);
    this.#refused.delete(oldest);
  }
}
