import type { Clock } from '@faascam/core/clock';
import { FaascamError, messageOf, UsageError } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import type { AgentHealth } from '@faascam/core/messages';
import { closeNats, type Messaging } from '@faascam/core/messaging';
import { orAborted } from './aborted.ts';
import { jittered } from './clips/offer-schedule.ts';

/** The way to NATS as the agent's parts see it: it may come long after them. */
export interface NatsLink {
  /** The connection, from the first one on: it is there for good, and finds its way back by itself. */
  readonly messaging: Messaging | undefined;
  /** Whether what is sent now arrives. While it does not, the client would keep it in memory, without any bound. */
  isConnected(): boolean;
  /** Resolves with the connection, once there was one; with undefined if the signal is aborted before. */
  first(signal?: AbortSignal): Promise<Messaging | undefined>;
}

/** The way to a server that was there from the beginning. */
export function linkOf(messaging: Messaging): NatsLink {
  return { messaging, isConnected: () => messaging.isConnected(), first: () => Promise.resolve(messaging) };
}

/** Where nobody answers, as after a power cut: the server may be there any moment. The last one stays. */
const AWAY_WAITS_MS = [500, 1000, 2000, 5000];
/** Where somebody does and will not have us: it takes a person to mend that. */
const REFUSED_WAIT_MS = 30_000;

/** How long to wait after so many tries in vain, the last of them with this error. `random` is from 0 to 1. */
export function waitToConnectMs(failures: number, error: unknown, random: number): number {
  const awayMs = AWAY_WAITS_MS[Math.min(failures, AWAY_WAITS_MS.length) - 1] ?? REFUSED_WAIT_MS;
  return jittered(refused(error) ? REFUSED_WAIT_MS : awayMs, random);
}

/** Whether it is more than that nobody answers. */
function refused(error: unknown): boolean {
  if (error instanceof UsageError) return true;
  return error instanceof FaascamError && ['nats-denied', 'nats-certificate'].includes(error.code);
}

export interface UplinkOptions {
  /** Connects. Called again and again until it has; rejects with a sentence that says why it could not. */
  connect: () => Promise<Messaging>;
  /** Called each time that NATS answers. Of the first time no other part knows before this has resolved. Never rejects. */
  onConnected: () => Promise<void>;
  /** Measures, and waits. */
  clock: Clock;
  /** Tells the date. */
  dates: Pick<Clock, 'nowUs'>;
  log: Logger;
  /** From 0 to 1. */
  random?: () => number;
}

/**
 * The agent's connection to NATS. The agent does its work without one: whatever is in the way is told once, and tried again
 * until it works. nats.js can wait for its first connection by itself, but then tells nobody why, and cannot be stopped.
 */
export class Uplink implements NatsLink {
  readonly #options: UplinkOptions;
  readonly #told = new Set<string>();
  /** Those who wait for the first connection. */
  readonly #waiting = new Set<() => void>();
  #setTried: () => void = () => undefined;
  #messaging: Messaging | undefined;
  #ready = false;
  #state: NonNullable<AgentHealth['uplink']>;
  /** By the clock that measures. */
  #sinceUs: number;

  /** Resolves when the first try to connect has ended, well or not. */
  readonly tried: Promise<void>;

  constructor(options: UplinkOptions) {
    this.#options = options;
    this.tried = new Promise((resolve) => (this.#setTried = resolve));
    this.#sinceUs = options.clock.nowUs();
    this.#state = { state: 'reconnecting', sinceUs: Math.round(options.dates.nowUs()), losses: 0 };
  }

  get messaging(): Messaging | undefined {
    return this.#messaging;
  }

  get state(): NonNullable<AgentHealth['uplink']> {
    return this.#state;
  }

  isConnected(): boolean {
    return this.#ready && this.#messaging?.isConnected() === true;
  }

  async first(signal?: AbortSignal): Promise<Messaging | undefined> {
    if (this.#ready) return this.#messaging;
    return await new Promise((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done);
        signal?.removeEventListener('abort', done);
        resolve(this.#ready ? this.#messaging : undefined);
      };
      this.#waiting.add(done);
      signal?.addEventListener('abort', done, { once: true });
      if (signal?.aborted) done();
    });
  }

  /** Connects, watches the connection until the signal is aborted, and closes it. */
  async run(signal: AbortSignal): Promise<void> {
    const messaging = await this.#connect(signal);
    if (messaging === undefined) return;
    const changes = messaging.nc.status()[Symbol.asyncIterator]();
    this.#messaging = messaging;
    await this.#options.onConnected();
    this.#ready = true;
    if (this.#told.size > 0) this.#options.log.info(`NATS answers, after ${this.#seconds} s.`);
    this.#become({ state: 'connected', losses: 0 });
    for (const done of this.#waiting) done();
    this.#setTried();
    try {
      await this.#watch(changes, signal);
    } finally {
      await closeNats(messaging);
    }
  }

  /** Undefined: the signal was aborted first. */
  async #connect(signal: AbortSignal): Promise<Messaging | undefined> {
    const { connect, clock, random = Math.random } = this.#options;
    for (let failures = 1; !signal.aborted; failures++) {
      const attempt = connect();
      try {
        const messaging = await orAborted(attempt, signal);
        if (messaging !== undefined) return messaging;
        // The client cannot be told to let it be.
        attempt.then(closeNats).catch(() => undefined);
      } catch (error) {
        this.#tell(error);
        this.#setTried();
        await clock.sleep(waitToConnectMs(failures, error, random()), signal).catch(() => undefined);
      }
    }
    return undefined;
  }

  /** Says each cause once, however often it comes; the newest is in the state, if it is more than that nobody answers. */
  #tell(error: unknown): void {
    const { log } = this.#options;
    const sentence = messageOf(error);
    this.#state = { ...this.#state, cause: refused(error) ? sentence : undefined };
    if (this.#told.has(sentence)) return;
    this.#told.add(sentence);
    const text = `${sentence} It is tried again until it works; footage is recorded meanwhile.`;
    if (refused(error)) log.error(text);
    else log.warn(text);
  }

  async #watch(changes: AsyncIterator<{ type: string }>, signal: AbortSignal): Promise<void> {
    const { log, onConnected } = this.#options;
    for (;;) {
      // The iterator itself cannot be ended while nothing happens; whatever comes after the end is let go.
      const next = await orAborted(changes.next(), signal);
      if (next === undefined || next.done === true) return;
      const { state, losses } = this.#state;
      if (next.value.type === 'disconnect' && state === 'connected') {
        log.warn('NATS is away: frames are dropped until it is back; footage is recorded meanwhile.');
        this.#become({ state: 'reconnecting', losses: losses + 1 });
      }
      if (next.value.type === 'reconnect' && state === 'reconnecting') {
        log.info(`NATS answers again, after ${this.#seconds} s.`);
        this.#become({ state: 'connected', losses });
        void onConnected();
      }
    }
  }

  #become(state: Omit<NonNullable<AgentHealth['uplink']>, 'sinceUs'>): void {
    const { clock, dates } = this.#options;
    this.#sinceUs = clock.nowUs();
    this.#state = { ...state, sinceUs: Math.round(dates.nowUs()) };
  }

  /** For how long it has been as it is. */
  get #seconds(): number {
    return Math.round((this.#options.clock.nowUs() - this.#sinceUs) / 1e6);
  }
}
