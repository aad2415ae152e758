import type { Clock } from '@faascam/core/clock';

/** Beyond so many frames the oldest are let go: nobody will look at them in time. */
const MOST_WAITING = 60;

/**
 * Lets frames that come at once, such as those from before a change, go out one after the other: those who take only a
 * camera's newest frame would see none but the last. A frame that comes alone goes at once.
 */
export class FramePacer<Frame> {
  readonly #intervalUs: number;
  readonly #clock: Clock;
  readonly #send: (frame: Frame) => void;
  #waiting: Frame[] = [];
  #sentUs = Number.NEGATIVE_INFINITY;
  #hurry: AbortController | undefined;
  #going = false;

  constructor(options: { intervalMs: number; clock: Clock; send: (frame: Frame) => void }) {
    this.#intervalUs = options.intervalMs * 1000;
    this.#clock = options.clock;
    this.#send = options.send;
  }

  push(frame: Frame): void {
    if (!this.#going && this.#dueInMs() <= 0) {
      this.#sendNow(frame);
      return;
    }
    this.#waiting.push(frame);
    if (this.#waiting.length > MOST_WAITING) this.#waiting.shift();
    if (!this.#going) void this.#go();
  }

  /** Sends what waits at once. */
  flush(): void {
    for (const frame of this.#waiting.splice(0)) this.#send(frame);
    this.#hurry?.abort();
  }

  /** Never rejects: sending tells of its own faults. */
  async #go(): Promise<void> {
    this.#going = true;
    const hurry = new AbortController();
    this.#hurry = hurry;
    while (this.#waiting.length > 0) {
      const waitMs = this.#dueInMs();
      if (waitMs > 0) await this.#clock.sleep(waitMs, hurry.signal).catch(() => undefined);
      const frame = this.#waiting.shift();
      if (frame === undefined) break;
      this.#sendNow(frame);
    }
    this.#going = false;
  }

  #dueInMs(): number {
    return (this.#sentUs + this.#intervalUs - this.#clock.nowUs()) / 1000;
  }

  #sendNow(frame: Frame): void {
    this.#sentUs = this.#clock.nowUs();
    this.#send(frame);
  }
}
