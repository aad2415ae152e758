import type { Logger } from '@faascam/core/log';
import type { Messaging } from '@faascam/core/messaging';
import { headers as headerNames } from '@faascam/core/subjects';
import { publishDeadLetter } from './dead-letter.ts';
import { Dispatcher, type FunctionStats, type Held } from './dispatcher.ts';
import type { Invocation } from './invocation.ts';
import type { Lease } from './leases.ts';
import { type Freshness, type Outcome, policyOf, type StreamPolicy } from './policy.ts';
import type { PulledMessage } from './pull.ts';
import { Subscription } from './subscription.ts';
import { consumerName } from './topics.ts';
import { withTrace } from './trace-context.ts';

/** A topic of a function, and a stream that holds some of its subjects. */
export interface Feed {
  topic: string;
  stream: string;
}

export interface FunctionLineOptions {
  lease: Lease;
  /** Whether a call may begin now. */
  allowed: () => boolean;
  /** Whether messages may be asked for now. */
  mayAsk: () => boolean;
  messaging: Messaging;
  log: Logger;
  freshness: Freshness;
  maxConcurrent: number;
  call: (invocation: Invocation, policy: StreamPolicy, signal: AbortSignal) => Promise<Outcome>;
  onCall: (held: Held, outcome: Outcome, tookMs: number) => void;
}

/** One function's consumers and lanes, for as long as this replica holds its lease. */
export class FunctionLine {
  readonly #options: FunctionLineOptions;
  readonly #dispatcher: Dispatcher;
  readonly #subscriptions = new Map<string, Subscription>();

  constructor(options: FunctionLineOptions) {
    this.#options = options;
    const { lease, maxConcurrent, log, allowed, onCall } = options;
    const { functionName } = lease;
    this.#dispatcher = new Dispatcher({ functionName, maxConcurrent, log, allowed, onCall });
  }

  get lease(): Lease {
    return this.#options.lease;
  }

  get stats(): FunctionStats {
    return this.#dispatcher.stats;
  }

  /** Calls in flight, and messages that wait for theirs. */
  get load(): { active: number; waiting: number } {
    const { active, waiting } = this.#dispatcher;
    return { active, waiting };
  }

  get subscriptions(): readonly Subscription[] {
    return [...this.#subscriptions.values()];
  }

  /** Takes from these feeds and from no others. */
  async feed(feeds: readonly Feed[]): Promise<void> {
    const wanted = new Map(feeds.map((feed) => [`${feed.topic} ${feed.stream}`, feed]));
    const gone = [...this.#subscriptions].filter(([key]) => !wanted.has(key));
    for (const [key, feed] of wanted) {
      if (this.#subscriptions.has(key)) continue;
      this.#options.log.info({ function: this.lease.functionName, ...feed }, 'delivering');
      this.#subscriptions.set(key, this.#open(feed));
    }
    for (const [key, subscription] of gone) {
      // The consumer itself stays: a topic that comes back goes on where it stopped.
      this.#subscriptions.delete(key);
      await subscription.stop();
      subscription.release();
    }
  }

  /** Resolves once every consumer exists: nothing published from then on is missed. */
  async exists(): Promise<void> {
    await Promise.all(this.subscriptions.map(({ exists }) => exists));
  }

  wake(): void {
    this.#dispatcher.wake();
  }

  /**
   * Takes no more, finishes the calls in flight, which are cut off after `drainMs`, and gives the rest back. Resolves
   * with whether the next holder may begin at once, since nothing is still to come again.
   */
  async close(drainMs: number): Promise<boolean> {
    const stopped = this.subscriptions.map((subscription) => subscription.stop());
    await Promise.all([this.#dispatcher.stop(drainMs), ...stopped]);
    const { lease } = this;
    if (lease.lost) {
      this.#abandon();
      return false;
    }
    const given = await Promise.all(this.subscriptions.map((subscription) => subscription.giveBack()));
    return given.every(Boolean);
  }

  /** Ends at once and tells the stream nothing: the lease was lost, and another replica has all of it. */
  async drop(): Promise<void> {
    const stopped = this.subscriptions.map((subscription) => subscription.stop());
    this.#abandon();
    await Promise.all([...stopped, this.#dispatcher.stop(0)]);
  }

  #abandon(): void {
    for (const subscription of this.subscriptions) subscription.abandon();
  }

  #open({ topic, stream }: Feed): Subscription {
    const { messaging, log, freshness, lease, allowed, mayAsk } = this.#options;
    const policy = policyOf(stream, freshness);
    return new Subscription({
      messaging,
      stream,
      name: consumerName(lease.functionName, topic),
      topic,
      policy,
      log,
      clean: lease.clean,
      allowed,
      mayAsk,
      onMessage: (message, settle) => this.#dispatcher.accept(this.#hold(message, stream, policy, settle)),
    });
  }

  #hold(message: PulledMessage, stream: string, policy: StreamPolicy, settle: Held['settle']): Held {
    const { functionName } = this.lease;
    const { subject, data: body } = message;
    // Once a message, so that all of its calls are of one trace.
    const headers = withTrace(message.headers ?? []);
    return {
      subject,
      freshness: policy.freshness,
      kept: message.headers?.get(headerNames.kind) === 'lost',
      stale: message.redelivered,
      policy,
      heldSinceMs: performance.now(),
      publishedAtMs: Number(message.storedAtNs) / 1e6,
      settle,
      bury: async (status, reason) => {
        const { js, nc } = this.#options.messaging;
        const letter = {
          ...{ functionName, stream, subject, headers, body, status, reason },
          sequence: message.seq,
          storedAtNs: message.storedAtNs,
        };
        await publishDeadLetter(js, letter, nc.info?.max_payload ?? 1024 * 1024);
      },
      call: (signal) => this.#options.call({ functionName, subject, body, headers }, policy, signal),
    };
  }
}
