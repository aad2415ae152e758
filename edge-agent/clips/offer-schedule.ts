import type { Clock } from '@faascam/core/clock';
import { NewestFirst } from './newest-first.ts';

/** Events that are brought to the clip function at the same time, at the most. It makes one clip after the other. */
export const MOST_OFFERED = 8;

/** How a place was left: what it tells of those who are to store clips. */
export type Outcome = 'stored' | 'unanswered' | 'failed';

/** What the schedule goes by. */
export interface Flow {
  /** Events that may be offered at the same time. */
  places: number;
  /** Offers in a row that nobody stored in time. */
  unanswered: number;
}

/** One is made while the next one is brought; more only once clips are seen to be stored. */
export const firstFlow: Flow = { places: 2, unanswered: 0 };

/**
 * One stored clip makes room for one more; an offer that nobody stored leaves a single place: offers that heap up while
 * the clip function or the store is away would be worked on oldest first once it is back. That single one is the probe.
 */
export function flowAfter(flow: Flow, outcome: Outcome): Flow {
  if (outcome === 'stored') return { places: Math.min(MOST_OFFERED, flow.places + 1), unanswered: 0 };
  if (outcome === 'unanswered') return { places: 1, unanswered: flow.unanswered + 1 };
  return flow;
}

/** How long an offer waits for its event to be stored: longer with each that is not. `random` is from 0 to 1. */
export function offerWaitMs(waitsMs: readonly number[], attempt: number, flow: Flow, random: number): number {
  const step = Math.min(Math.max(attempt, flow.unanswered + 1), waitsMs.length);
  return jittered(waitsMs[step - 1] ?? 60_000, random);
}

/** Within a fifth, so that agents that lost the same server do not all come back at the same moment. */
export function jittered(ms: number, random: number): number {
  return ms * (0.8 + 0.4 * random);
}

/** An event's place among those that are offered. */
export interface Place {
  leave(outcome: Outcome): void;
}

/**
 * Which of the agent's events, of all its cameras, are brought to the clip function now: the newest of those that wait.
 * All others only hold their footage.
 */
export class OfferSchedule {
  readonly #queue = new NewestFirst();
  readonly #clock: Clock;
  readonly #random: () => number;
  #flow: Flow = firstFlow;
  #taken = 0;

  constructor(clock: Clock, random: () => number = Math.random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Resolves when it is the turn of the event of this `order`; the highest goes first. Rejects when aborted. */
  async enter(order: number, signal: AbortSignal): Promise<Place> {
    // Those that come at the same moment, as at the agent's start, are looked at together.
    await this.#queue.wait(order, signal, () => void setImmediate(() => this.#next()));
    return { leave: (outcome) => this.#leave(outcome) };
  }

  /** Resolves when the `attempt`-th offer has waited long enough. */
  async wait(waitsMs: readonly number[], attempt: number, signal: AbortSignal): Promise<void> {
    await this.#clock.sleep(offerWaitMs(waitsMs, attempt, this.#flow, this.#random()), signal);
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
      if (this.#queue.admit()) continue;
      this.#taken -= 1;
      return;
    }
  }
}
