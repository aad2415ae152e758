import { setMaxListeners } from 'node:events';
import { messageOf } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import { enqueue, type Queued } from './lane.ts';
import { LimitedLog } from './limited-log.ts';
import { backoffMs, decide, maySpeakAgainst, type Outcome, type StreamPolicy } from './policy.ts';

/** A message that the connector holds: taken from a stream and not settled yet. */
export interface Held extends Queued {
  readonly subject: string;
  readonly policy: StreamPolicy;
  /** By `performance.now()`. */
  readonly heldSinceMs: number;
  /** When the stream took it in, in ms since the Unix epoch by the server's clock. */
  readonly publishedAtMs: number;
  /** Given out before, to a connector that died: newer ones may have been delivered since. */
  readonly stale: boolean;
  /** Tells the stream that it is done with, for good. */
  settle: (how: 'ack' | 'term') => void;
  /** Stores it as a dead letter; rejects when that did not work. */
  bury: (status: number, reason: string) => Promise<void>;
  /** Calls the function; never rejects. */
  call: (signal: AbortSignal) => Promise<Outcome>;
}

export interface FunctionStats {
  /** Calls that the function answered with success. */
  delivered: number;
  /** Images that a newer one replaced, or that were not worth another call. */
  dropped: number;
  /** Calls that were made again. */
  retried: number;
  /** Messages put into the dead letters. */
  parked: number;
}

export interface DispatcherOptions {
  functionName: string;
  /** Calls at the same time, over all lanes. */
  maxConcurrent: number;
  log: Logger;
  /** Whether a call may begin now; `wake` when it may again. Default: always. */
  allowed?: () => boolean;
  /** Told of each call when it is over. */
  onCall?: (held: Held, outcome: Outcome, tookMs: number) => void;
}

interface Entry extends Queued {
  held: Held;
  attempts: number;
  /** Attempts whose failure may be its own fault. */
  faults: number;
  /** Successes of the whole function when this message failed first; its own lane stands still meanwhile. */
  successesAtFailure: number | undefined;
  /** Decided to be parked, and why. */
  verdict: { status: number; reason: string } | undefined;
}

const PARK_AGAIN_MS = 1000;

interface Lane {
  waiting: Entry[];
  /** In the queue for a call, being called, or asleep until the next try. */
  state: 'queued' | 'calling' | 'asleep';
  timer: NodeJS.Timeout | undefined;
}

/**
 * Brings one function its messages: a lane for each subject with one call in flight at a time, in order, and at most
 * `maxConcurrent` calls over all lanes. What to do with each outcome is `policy.ts`'s to decide.
 */
export class Dispatcher {
  readonly stats: FunctionStats = { delivered: 0, dropped: 0, retried: 0, parked: 0 };
  readonly #lanes = new Map<string, Lane>();
  readonly #queue: Lane[] = [];
  readonly #options: DispatcherOptions;
  readonly #log: LimitedLog;
  readonly #cut = new AbortController();
  #active = 0;
  #stopping = false;
  #idle: (() => void) | undefined;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#log = new LimitedLog(options.log.child({ function: options.functionName }));
    // Each call in flight listens to it.
    setMaxListeners(0, this.#cut.signal);
  }

  /** Calls in flight. */
  get active(): number {
    return this.#active;
  }

  /** Messages that wait for their call. */
  get waiting(): number {
    let count = 0;
    for (const { waiting } of this.#lanes.values()) count += waiting.length;
    return count;
  }

  accept(held: Held): void {
    if (this.#stopping) return;
    if (held.stale && held.freshness === 'newest' && !held.kept) {
      this.#drop(held);
      return;
    }
    const lane = this.#lanes.get(held.subject);
    const entry: Entry = {
      held,
      freshness: held.freshness,
      kept: held.kept,
      attempts: 0,
      faults: 0,
      successesAtFailure: undefined,
      verdict: undefined,
    };
    if (lane) {
      const { waiting, dropped } = enqueue(lane.waiting, entry);
      lane.waiting = waiting;
      for (const { held: worthless } of dropped) this.#drop(worthless);
    } else {
      const fresh: Lane = { waiting: [entry], state: 'queued', timer: undefined };
      this.#lanes.set(held.subject, fresh);
      this.#queue.push(fresh);
    }
    // Also for a lane that is there: it may stand in the queue since calls were not allowed, and nobody told us.
    this.#pump();
  }

  /** Tries at once what waits, also for its next try: the gateway is back, or calls are allowed again. */
  wake(): void {
    for (const lane of this.#lanes.values()) {
      if (lane.state === 'asleep') this.#enqueueLane(lane);
    }
    this.#pump();
  }

  /**
   * Starts no more calls and waits for those in flight, which are cut off after `drainMs`. What was not settled
   * stays with the stream and comes again.
   */
  async stop(drainMs: number): Promise<void> {
    this.#stopping = true;
    for (const lane of this.#lanes.values()) {
      clearTimeout(lane.timer);
      // A later start has newer images; leaving these would only delay the messages behind them.
      for (const { held } of lane.waiting) if (held.freshness === 'newest' && !held.kept) this.#drop(held);
      lane.waiting = [];
    }
    if (this.#active === 0) return;
    const limit = setTimeout(() => this.#cut.abort(), drainMs);
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
    clearTimeout(limit);
  }

  #enqueueLane(lane: Lane): void {
    clearTimeout(lane.timer);
    lane.timer = undefined;
    lane.state = 'queued';
    this.#queue.push(lane);
  }

  #pump(): void {
    while (!this.#stopping && this.#active < this.#options.maxConcurrent) {
      if (this.#queue.length > 0 && !this.#allowed()) return;
      const lane = this.#queue.shift();
      if (!lane) return;
      const entry = lane.waiting.shift();
      if (!entry) throw new TypeError('a queued lane has a message');
      this.#active += 1;
      lane.state = 'calling';
      void this.#serve(lane, entry);
    }
  }

  #allowed(): boolean {
    return this.#options.allowed?.() ?? true;
  }

  /** One try of a lane's first message, and what follows from it. */
  async #serve(lane: Lane, entry: Entry): Promise<void> {
    const sleepMs = await this.#try(lane, entry);
    this.#active -= 1;
    if (this.#stopping) {
      if (this.#active === 0) this.#idle?.();
      return;
    }
    if (sleepMs !== undefined) {
      lane.waiting.unshift(entry);
      lane.state = 'asleep';
      lane.timer = setTimeout(() => {
        this.#enqueueLane(lane);
        this.#pump();
      }, sleepMs);
    } else if (lane.waiting.length > 0) {
      this.#enqueueLane(lane);
    } else {
      this.#lanes.delete(entry.held.subject);
    }
    this.#pump();
  }

  /** Returns how long to sleep before the message's next try, or undefined when it is settled. */
  async #try(lane: Lane, entry: Entry): Promise<number | undefined> {
    const { held } = entry;
    if (entry.verdict) return await this.#park(lane, entry, entry.verdict);
    entry.attempts += 1;
    const calledMs = performance.now();
    const outcome = await held.call(this.#cut.signal);
    this.#options.onCall?.(held, outcome, performance.now() - calledMs);
    // Cut off by us: that says nothing of the message, which comes again.
    if (this.#cut.signal.aborted && outcome.kind !== 'answered') return undefined;
    if (maySpeakAgainst(outcome)) entry.faults += 1;
    const successes = this.stats.delivered;
    const decision = decide(held.policy, outcome, {
      attempts: entry.attempts,
      heldMs: performance.now() - held.heldSinceMs,
      kept: held.kept,
      newerWaits: lane.waiting.length > 0,
      othersSucceeded: successes - (entry.successesAtFailure ?? successes),
      faults: entry.faults,
    });
    if (decision.kind !== 'done') entry.successesAtFailure ??= successes;
    switch (decision.kind) {
      case 'done':
        this.stats.delivered += 1;
        held.settle('ack');
        return undefined;
      case 'drop':
        this.#log.warn(
          { subject: held.subject, reason: decision.reason },
          'an image was dropped after a failed call',
        );
        this.#drop(held);
        return undefined;
      case 'retry':
        this.stats.retried += 1;
        this.#log.warn(
          {
            subject: held.subject,
            reason: decision.reason,
            attempts: entry.attempts,
            againInMs: decision.delayMs,
          },
          'a call failed and will be made again',
        );
        return decision.delayMs;
      case 'park':
        return await this.#park(lane, entry, decision);
    }
  }

  async #park(
    lane: Lane,
    entry: Entry,
    verdict: { status: number; reason: string },
  ): Promise<number | undefined> {
    const { held } = entry;
    const { status, reason } = verdict;
    if (!this.#allowed()) {
      // It may be another's by now, which may have better luck; if it is still ours, it is parked then.
      entry.verdict = { status, reason };
      return PARK_AGAIN_MS;
    }
    try {
      await held.bury(status, reason);
    } catch (error) {
      entry.verdict = { status, reason };
      entry.attempts += 1;
      this.#log.warn(
        { subject: held.subject, err: messageOf(error) },
        'a message could not be put into the dead letters; it will be tried again',
      );
      return backoffMs(entry.attempts);
    }
    this.stats.parked += 1;
    held.settle('term');
    this.#log.warn({ subject: held.subject, status, reason }, 'a message was put into the dead letters');
    if (expired(held)) {
      // Whatever waited behind it for as long would only be tried in vain, one timeout each.
      for (const next of lane.waiting) {
        if (expired(next.held))
          next.verdict ??= { status, reason: `waited too long behind another: ${reason}` };
      }
    }
    return undefined;
  }

  #drop(held: Held): void {
    this.stats.dropped += 1;
    held.settle('ack');
  }
}

function expired(held: Held): boolean {
  return performance.now() - held.heldSinceMs >= held.policy.giveUpAfterMs;
}
