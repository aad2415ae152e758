import {
  AckPolicy,
  DeliverPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type ConsumerInfo,
} from '@nats-io/jetstream';
import { systemClock } from '@faascam/core/clock';
import { messageOf } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import type { Messaging } from '@faascam/core/messaging';
import { LimitedLog } from './limited-log.ts';
import type { StreamPolicy } from './policy.ts';
import { Pull, type PulledMessage } from './pull.ts';

export interface SubscriptionOptions {
  messaging: Messaging;
  stream: string;
  /** Of the durable consumer. */
  name: string;
  topic: string;
  policy: StreamPolicy;
  /** Given each message once for as long as it is held; `settle` ends that. */
  onMessage: (message: PulledMessage, settle: (how: 'ack' | 'term') => void) => void;
  /** Whoever took from the consumer before gave everything back. */
  clean: boolean;
  /** Whether what is held may be kept from others now. */
  allowed: () => boolean;
  /** Whether messages may be asked for now, which stands at the server for another `PULL_EXPIRES_MS`. */
  mayAsk: () => boolean;
  log: Logger;
}

/**
 * How long the server waits before it gives a message to somebody else. Everything held is renewed well before, so
 * this is only how soon work goes on after a connector died.
 */
const ACK_WAIT_MS = 6000;
const RENEW_MS = 2000;
/** Orphans of functions that were removed for good disappear by themselves; longer than any stream keeps work. */
const INACTIVE_MS = 8 * 86_400_000;
/** With `mayAsk` it sees to it that what a stopped process has asked for is over before its work is given to another. */
export const PULL_EXPIRES_MS = 1000;
/** How long the server may take to know of all that was given back. */
const GIVEN_BACK_WITHIN_MS = 2000;
const SETTLED_REMEMBERED = 1024;

/**
 * A durable pull consumer and what was taken from it. Keeps itself alive: whatever happens to the consumer, the
 * stream or the connection, it goes on until it is stopped.
 */
export class Subscription {
  /** Resolves when the consumer exists: from then on nothing published is missed. */
  readonly exists: Promise<void>;
  readonly #options: SubscriptionOptions;
  readonly #log: LimitedLog;
  readonly #held = new Map<number, PulledMessage>();
  readonly #settled = new Set<number>();
  readonly #stop = new AbortController();
  readonly #life: Promise<void>;
  readonly #renewal: NodeJS.Timeout;
  #pull: Pull | undefined;
  /** Until when the server may remember what was asked for. */
  #askedUntilMs = 0;
  /** Creation time of the stream that the held sequences belong to. */
  #streamCreated: string | undefined;

  constructor(options: SubscriptionOptions) {
    this.#options = options;
    this.#log = new LimitedLog(options.log.child({ consumer: options.name }));
    let exists: () => void = () => undefined;
    this.exists = new Promise((resolve) => {
      exists = resolve;
    });
    this.#life = this.#live(exists);
    this.#renewal = setInterval(() => this.#renew(), RENEW_MS);
  }

  /** Takes no more messages. Those held stay renewed until `giveBack`, `release` or `abandon`. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error('stopped'));
    await this.#pull?.close();
    await this.#life;
  }

  /**
   * Gives what is still held back to the stream, to be delivered first and in order to whoever asks next. Resolves with
   * whether the server knows; if not, it comes again once its time is over. After `stop`.
   */
  async giveBack(): Promise<boolean> {
    const { messaging, stream, name } = this.#options;
    // While a request of ours stands whose answers nobody hears any more, nats-server 2.9 takes what is given back for
    // delivered to it, and the first message would come again after all the others.
    if (this.#held.size > 0) await systemClock.sleep(Math.max(0, this.#askedUntilMs - performance.now()));
    this.release();
    const held = [...this.#held.values()].sort((a, b) => a.seq - b.seq);
    this.#held.clear();
    try {
      for (const message of held) message.nak();
      if (!messaging.isConnected()) return false;
      const limitMs = performance.now() + GIVEN_BACK_WITHIN_MS;
      for (;;) {
        const { num_ack_pending } = await messaging.jsm.consumers.info(stream, name);
        if (num_ack_pending <= held.length) return true;
        if (performance.now() > limitMs) return false;
        await systemClock.sleep(20);
      }
    } catch (error) {
      this.#log.warn({ err: messageOf(error) }, 'what was taken could not be given back; it comes again');
      return false;
    }
  }

  /** Renews no more: what is held may still be settled, and else comes again. After `stop`. */
  release(): void {
    clearInterval(this.#renewal);
  }

  /** Lets go of what is held without a word: it is another's by now. */
  abandon(): void {
    this.release();
    this.#held.clear();
  }

  /** Messages that the stream has and that nobody took yet, and those taken and not settled, by anybody. */
  async lag(): Promise<{ pending: number; unsettled: number }> {
    const { messaging, stream, name } = this.#options;
    const { num_pending, num_ack_pending } = await messaging.jsm.consumers.info(stream, name);
    return { pending: num_pending, unsettled: num_ack_pending };
  }

  get name(): string {
    return this.#options.name;
  }

  #stopped(): boolean {
    return this.#stop.signal.aborted;
  }

  async #live(exists: () => void): Promise<void> {
    let failures = 0;
    let { clean } = this.#options;
    while (!this.#stopped()) {
      try {
        const info = await this.#ensureConsumer();
        failures = 0;
        exists();
        const ordered = this.#options.policy.freshness === 'ordered';
        if (ordered && !clean && info.num_ack_pending > this.#held.size) {
          // A predecessor died with messages in hand. They come again first, in order, if nobody pulls before.
          await systemClock.sleep(ACK_WAIT_MS + 500, this.#stop.signal);
        }
        clean = false;
        await this.#consume();
      } catch (error) {
        if (this.#stopped()) return;
        failures += 1;
        this.#log.warn({ err: messageOf(error) }, 'messages cannot be taken; trying again');
      }
      const delayMs = Math.min(5000, 100 * 2 ** Math.min(10, failures));
      await systemClock.sleep(delayMs, this.#stop.signal).catch(() => undefined);
    }
  }

  async #ensureConsumer(): Promise<ConsumerInfo> {
    const { messaging, stream, name, topic, policy } = this.#options;
    const { jsm } = messaging;
    const { created } = await jsm.streams.info(stream);
    const before = this.#streamCreated;
    if (before !== created) {
      this.#streamCreated = created;
      this.#held.clear();
      this.#settled.clear();
    }
    const changeable = {
      filter_subject: topic,
      ack_wait: ACK_WAIT_MS * 1e6,
      max_ack_pending: policy.maxAckPending,
    };
    try {
      const info = await jsm.consumers.info(stream, name);
      const { filter_subject, ack_wait, max_ack_pending } = info.config;
      const same =
        filter_subject === topic &&
        ack_wait === changeable.ack_wait &&
        max_ack_pending === changeable.max_ack_pending;
      return same ? info : await jsm.consumers.update(stream, name, changeable);
    } catch (error) {
      const missing = error instanceof JetStreamApiError && error.code === JetStreamApiCodes.ConsumerNotFound;
      if (!missing) throw error;
    }
    // A stream that was made anew under us has nothing yet that we have seen.
    const begin = before !== undefined && before !== created ? 'all' : policy.begin;
    return await jsm.consumers.add(stream, {
      durable_name: name,
      ack_policy: AckPolicy.Explicit,
      deliver_policy: begin === 'new' ? DeliverPolicy.New : DeliverPolicy.All,
      max_deliver: -1,
      inactive_threshold: INACTIVE_MS * 1e6,
      ...changeable,
    });
  }

  /** Resolves when the subscription was stopped; rejects when the consumer cannot be asked any more. */
  async #consume(): Promise<void> {
    const { messaging, stream, name, policy, mayAsk } = this.#options;
    if (this.#stopped()) return;
    this.#pull = new Pull({
      ...{ messaging, stream, mayAsk },
      consumer: name,
      // Pictures are large, and all of a request may come at once.
      batch: policy.contentType === 'image/jpeg' ? 32 : 256,
      expiresMs: PULL_EXPIRES_MS,
      onMessage: (message) => this.#take(message),
    });
    const error = await this.#pull.ended;
    this.#askedUntilMs = this.#pull.standsUntilMs;
    this.#pull = undefined;
    if (error) throw error;
  }

  #take(message: PulledMessage): void {
    const { seq } = message;
    if (message.redelivered) {
      // Still ours: the link was down for longer than the server waits.
      if (this.#held.has(seq)) return;
      if (this.#settled.has(seq)) {
        message.ack();
        return;
      }
    }
    this.#held.set(seq, message);
    this.#options.onMessage(message, (how) => this.#settle(message, how));
  }

  #settle(message: PulledMessage, how: 'ack' | 'term'): void {
    // Of a stream that is no more: its sequence may be another message's by now.
    if (this.#held.get(message.seq) !== message) return;
    this.#held.delete(message.seq);
    this.#settled.add(message.seq);
    for (const oldest of this.#settled) {
      if (this.#settled.size <= SETTLED_REMEMBERED) break;
      this.#settled.delete(oldest);
    }
    try {
      if (how === 'ack') message.ack();
      // Without a reason, which servers before 2.10 do not understand: the dead letter has it.
      else message.term();
    } catch (error) {
      // The connection was closed for good; the message comes again, and whoever gets it may do it twice.
      this.#log.warn(
        { subject: message.subject, err: messageOf(error) },
        'a message could not be acknowledged',
      );
    }
  }

  #renew(): void {
    if (!this.#options.allowed()) return;
    for (const message of this.#held.values()) {
      try {
        message.working();
      } catch (error) {
        this.#log.warn({ err: messageOf(error) }, 'held messages could not be renewed');
        return;
      }
    }
  }
}
