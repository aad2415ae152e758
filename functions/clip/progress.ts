import type { Clock } from '@faascam/core/clock';
import type { Logger } from '@faascam/core/log';

const EVERY_US = 5_000_000;

/** Says how far a long job is: in the log, at most every 5 s, so that a short one says nothing. */
export class Progress {
  readonly #clock: Pick<Clock, 'nowUs'>;
  readonly #log: Pick<Logger, 'info'>;
  readonly #event: string;
  #toldAtUs: number;
  /** For people: the step, and how much of it is done. Whoever has a progress has begun with the first. */
  text = 'fetching segments';

  constructor(event: string, { clock, log }: { clock: Pick<Clock, 'nowUs'>; log: Pick<Logger, 'info'> }) {
    this.#event = event;
    this.#clock = clock;
    this.#log = log;
    this.#toldAtUs = clock.nowUs();
  }

  /** `share` is from 0 to 1. */
  at(step: string, share?: number): void {
    const percent = share === undefined ? '' : ` ${Math.round(Math.min(1, share) * 100)} %`;
    this.text = `${step}${percent}`;
    const nowUs = this.#clock.nowUs();
    if (nowUs - this.#toldAtUs < EVERY_US) return;
    this.#toldAtUs = nowUs;
    this.#log.info({ event: this.#event, step: this.text }, 'still at work');
  }
}
