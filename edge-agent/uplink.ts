import type { Clock } from '@faascam/core/clock';
import type { Logger } from '@faascam/core/log';
import type { AgentHealth } from '@faascam/core/messages';
import type { Messaging } from '@faascam/core/messaging';

/** The connection to NATS, as its client tells of it. */
export class Uplink {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #onReconnect: () => void;
  #state: NonNullable<AgentHealth['uplink']>;

  constructor(clock: Clock, log: Logger, onReconnect: () => void) {
    this.#clock = clock;
    this.#log = log;
    this.#onReconnect = onReconnect;
    this.#state = { state: 'connected', sinceUs: Math.round(clock.nowUs()), losses: 0 };
  }

  get state(): NonNullable<AgentHealth['uplink']> {
    return this.#state;
  }

  /** Watches until the signal is aborted or the connection is closed. */
  async watch({ nc }: { nc: Pick<Messaging['nc'], 'status'> }, signal: AbortSignal): Promise<void> {
    const changes = nc.status()[Symbol.asyncIterator]();
    // The iterator itself cannot be ended while nothing happens; whatever comes after the end is let go.
    const stopped = new Promise<undefined>((resolve) => {
      if (signal.aborted) resolve(undefined);
      else signal.addEventListener('abort', () => resolve(undefined), { once: true });
    });
    for (;;) {
      const next = await Promise.race([changes.next(), stopped]);
      if (next === undefined || next.done === true) return;
      if (next.value.type === 'disconnect') this.#become('reconnecting');
      if (next.value.type === 'reconnect') this.#become('connected');
    }
  }

  #become(state: 'connected' | 'reconnecting'): void {
    if (this.#state.state === state) return;
    const { sinceUs, losses } = this.#state;
    const nowUs = Math.round(this.#clock.nowUs());
    const seconds = Math.round((nowUs - sinceUs) / 1e6);
    if (state === 'connected') this.#log.info(`NATS answers again, after ${seconds} s.`);
    else this.#log.warn('NATS is away: frames are dropped until it is back; footage is recorded meanwhile.');
    this.#state = { state, sinceUs: nowUs, losses: losses + (state === 'connected' ? 0 : 1) };
    if (state === 'connected') this.#onReconnect();
  }
}
