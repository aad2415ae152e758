import type { Clock } from '@faascam/core/clock';

const MINUTE_US = 60_000_000;
const MINUTES = 60;

/** How much came in the last hour, to the minute: bytes sent, bytes written. */
export class LastHour {
  readonly #clock: Clock;
  readonly #minutes = new Map<number, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(amount: number): void {
    const minute = this.#minute();
    this.#minutes.set(minute, (this.#minutes.get(minute) ?? 0) + amount);
    this.#forget(minute);
  }

  get total(): number {
    this.#forget(this.#minute());
    let total = 0;
    for (const amount of this.#minutes.values()) total += amount;
    return total;
  }

  #minute(): number {
    return Math.floor(this.#clock.nowUs() / MINUTE_US);
  }

  /** Minutes of the future go too: the host's clock was set back. */
  #forget(now: number): void {
    for (const minute of this.#minutes.keys()) {
      if (minute <= now - MINUTES || minute > now) this.#minutes.delete(minute);
    }
  }
}
