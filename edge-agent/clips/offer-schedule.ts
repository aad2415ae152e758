import type { Clock } from '@faascam/core/clock';
import { NewestFirst } from './newest-first.ts';

/** Events that are brought to the clip function at the same time, at the most. It makes one clip after the other. */
export const MOST_OFFERED = 8;

/** Among those that were offered in vain, each such offer counts for more than any ring is long. */
const BEHIND_US = 1e14;

/** How a place was left: what it tells of those who are to store clips. */
export type Outcome = 'stored' | 'unanswered' | 'failed';

/** What the schedule goes by. */
export interface Flow {
  /** Events that may be offered at the same time. */
  places: number;
  /** Offers in a row that nobody stored in time. */
  unanswered: number;
  /** What it took from its offer until the event that was stored last was. */
  answerMs: number;
}

/** One is made while the next one is brought; more only once clips are seen to be stored. */
export const firstFlow: Flow = { places: 2, unanswered: 0, answerMs: 0 };

/**
 * One stored clip makes room for one more; an offer that nobody stored leaves a single place: offers that heap up while
 * the clip function or the store is away would be worked on oldest first once it is back. That single one is the probe.
 */
export function flowAfter(flow: Flow, outcome: Outcome): Flow {
  if (outcome === 'stored')
    return { ...flow, places: Math.min(MOST_OFFERED, flow.places + 1), unanswered: 0 };
  if (outcome === 'unanswered') return { ...flow, places: 1, unanswered: flow.unanswered + 1 };
  return flow;
}

/** How long an offer waits for its event to be stored: longer with each that is not. `random` is from 0 to 1. */
export function offerWaitMs(waitsMs: readonly number[], attempt: number, flow: Flow, random: number): number {
  const step = Math.min(Math.max(attempt, flow.unanswered + 1), waitsMs.length);
  return jittered(waitsMs[step - 1] ?? 60_000, random);
}

/**
 * How long an offer keeps its place whoever waits; after that an event that was never offered takes it over, for this one
 * may be the fault itself. Longer where clips are seen to take longer: what is offered faster than it is made heaps up.
 */
export function sliceMs(waitsMs: readonly number[], flow: Flow): number {
  const shortestMs = waitsMs[0] ?? 15_000;
  return Math.min(Math.max(shortestMs, 1.5 * flow.answerMs), 4 * shortestMs);
}

/** Within a fifth, so that agents that lost the same server do not all come back at the same moment. */
export function jittered(ms: number, random: number): number {
  return ms * (0.8 + 0.4 * random);
}

/** An event's place among those that are offered. */
export interface Place {
  /**
   * Resolves when the `attempt`-th offer has waited long enough for its event to be stored. On the way it may lose its
   * place to an event that was never offered; it is then waited on without.
   */
  wait(waitsMs: readonly number[], attempt: number, signal: AbortSignal): Promise<void>;
  /** To be called once. */
  leave(outcome: Outcome): void;
}

/**
 * Which of the agent's events, of all its cameras, are brought to the clip function now: the newest of those that were
 * never offered, then the newest of those that were least often. All others only hold their footage.
 */
export class OfferSchedule {
  readonly #neverOffered = new NewestFirst();
  readonly #offeredInVain = new NewestFirst();
  /** How those give up their places that have had them for long enough. */
  readonly #yielding = new Set<() => void>();
  readonly #clock: Clock;
  readonly #random: () => number;
  #flow: Flow = firstFlow;
  #taken = 0;

  constructor(clock: Clock, random: () => number = Math.random) {
    this.#clock = clock;
    this.#random = random;
  }

  /**
   * Resolves when it is the turn of the event of this `order`, which was offered `attempts` times; the highest order goes
   * first. Rejects when aborted.
   */
  async enter(order: number, attempts: number, signal: AbortSignal): Promise<Place> {
    const queue = attempts === 0 ? this.#neverOffered : this.#offeredInVain;
    // Those that come at the same moment, as at the agent's start, are looked at together.
    await queue.wait(order - attempts * BEHIND_US, signal, () => void setImmediate(() => this.#next()));
    let isHeld = true;
    const leave = (outcome: Outcome): void => {
      if (!isHeld) return;
      isHeld = false;
      this.#leave(outcome);
    };
    const wait: Place['wait'] = async (waitsMs, attempt, until) => {
      await this.#wait(() => leave('unanswered'), waitsMs, attempt, until);
    };
    return { wait, leave };
  }

  /** An event was stored so long after its last offer, whether it had a place still or not. */
  answered(tookMs: number): void {
    this.#flow = { ...this.#flow, unanswered: 0, answerMs: tookMs };
  }

  async #wait(
    leave: () => void,
    waitsMs: readonly number[],
    attempt: number,
    signal: AbortSignal,
  ): Promise<void> {
    const random = this.#random();
    const holdsMs = offerWaitMs(waitsMs, attempt, this.#flow, random);
    const ownMs = offerWaitMs(waitsMs, attempt, firstFlow, random);
    const keptMs = Math.min(holdsMs, jittered(sliceMs(waitsMs, this.#flow), random));
    await this.#clock.sleep(keptMs, signal);
    const beganUs = this.#clock.nowUs();
    if (await this.#yieldsFor(holdsMs - keptMs, leave, signal)) {
      const yieldedMs = (this.#clock.nowUs() - beganUs) / 1000;
      await this.#clock.sleep(Math.max(0, ownMs - keptMs - yieldedMs), signal);
    }
  }

  /** Keeps the place for as long as nobody needs it more. Says whether someone did. */
  async #yieldsFor(ms: number, leave: () => void, signal: AbortSignal): Promise<boolean> {
    const over = new AbortController();
    const stop = (): void => over.abort(signal.reason);
    const giveUp = (): void => {
      this.#yielding.delete(giveUp);
      over.abort();
      leave();
    };
    signal.addEventListener('abort', stop, { once: true });
    this.#yielding.add(giveUp);
    try {
      this.#next();
      await this.#clock.sleep(ms, over.signal);
      return false;
    } catch (error) {
      if (signal.aborted || !over.signal.aborted) throw error;
      return true;
    } finally {
      signal.removeEventListener('abort', stop);
      this.#yielding.delete(giveUp);
    }
  }

  #leave(outcome: Outcome): void {
    this.#taken -= 1;
    this.#flow = flowAfter(this.#flow, outcome);
    this.#next();
  }

  #next(): void {
    // Whoever goes counts before anyone else is asked.
    while (this.#taken < this.#flow.places) {
      this.#taken += 1;
      if (this.#neverOffered.admit() || this.#offeredInVain.admit()) continue;
      this.#taken -= 1;
      return;
    }
    const [giveUp] = this.#yielding;
    // Its leaving comes back here.
    if (this.#neverOffered.size > 0) giveUp?.();
  }
}
