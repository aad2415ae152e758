import {
  createInbox,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  type Subscription,
} from '@nats-io/transport-node';
import { FaascamError } from '@faascam/core/errors';
import type { Messaging } from '@faascam/core/messaging';

/** A message of a durable pull consumer, to be answered once. */
export class PulledMessage {
  /** Its place in the stream. */
  readonly seq: number;
  /** It was given out before. */
  readonly redelivered: boolean;
  /** When the stream took it in, in ns since the Unix epoch. */
  readonly storedAtNs: bigint;
  readonly #nc: NatsConnection;
  readonly #message: Msg;

  constructor(nc: NatsConnection, message: Msg) {
    this.#nc = nc;
    this.#message = message;
    const { deliveries, seq, storedAtNs } = placeOf(message.reply ?? '');
    this.seq = seq;
    this.redelivered = deliveries > 1;
    this.storedAtNs = storedAtNs;
  }

  get subject(): string {
    return this.#message.subject;
  }

  get headers(): MsgHdrs | undefined {
    return this.#message.headers;
  }

  get data(): Uint8Array {
    return this.#message.data;
  }

  /** Done with. All four throw when the connection was closed for good. */
  ack(): void {
    this.#answer('+ACK');
  }

  /** Given back, to be delivered again at once. */
  nak(): void {
    this.#answer('-NAK');
  }

  /** Never to be delivered again. */
  term(): void {
    this.#answer('+TERM');
  }

  /** Still in hand: the server waits on. */
  working(): void {
    this.#answer('+WPI');
  }

  #answer(text: string): void {
    this.#nc.publish(this.#message.reply ?? '', text);
  }
}

/**
 * What the subject tells on which a message is to be acknowledged, as nats-server makes it (ADR-15):
 * `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<time>.<pending>`, with domain and account before
 * the stream and a random token at the end in the longer form. Throws `FaascamError` `nats-malformed` for any other.
 */
export function placeOf(ackSubject: string): { deliveries: number; seq: number; storedAtNs: bigint } {
  const tokens = ackSubject.split('.');
  const from = tokens.length === 9 ? 4 : 6;
  const [deliveries, seq, , storedAt] = tokens.slice(from);
  const known = tokens[0] === '$JS' && tokens[1] === 'ACK' && (tokens.length === 9 || tokens.length >= 11);
  if (!known || !/^\d+$/.test(`${deliveries}${seq}${storedAt}`) || storedAt === undefined) {
    throw new FaascamError('nats-malformed', `NATS sent a message with the answer subject ${ackSubject}.`);
  }
  return { deliveries: Number(deliveries), seq: Number(seq), storedAtNs: BigInt(storedAt) };
}

/** Where this connection's answers go: a user may have a place of its own, and hear nothing elsewhere. */
function inboxPrefixOf(nc: NatsConnection): string | undefined {
  if (!('options' in nc) || typeof nc.options !== 'object' || nc.options === null) return undefined;
  const { options } = nc;
  return 'inboxPrefix' in options && typeof options.inboxPrefix === 'string'
    ? options.inboxPrefix
    : undefined;
}

export interface PullOptions {
  messaging: Messaging;
  stream: string;
  consumer: string;
  /** Messages of one request. */
  batch: number;
  /** How long a request stands at the server. */
  expiresMs: number;
  /** Looked at before each request. */
  mayAsk: () => boolean;
  onMessage: (message: PulledMessage) => void;
}

const ASK_AGAIN_MS = 100;
/** A request that the server has not ended so long after its time is lost: the connection was. */
const LOST_AFTER_MS = 500;
/** By how much the server may be late to forget a request. */
const LATE_MS = 200;
const DRAIN_MS = 2000;
const EXPIRED = 408;

/**
 * One request for messages after the other, each made only if it may be at that moment. The client's own loop asks on
 * by itself, also in a process that was stopped and goes on after its work was given to another; and when it is closed
 * it loses what is under way.
 */
export class Pull {
  /** Resolves when the pull is over: with the reason if it was not closed. */
  readonly ended: Promise<Error | undefined>;
  readonly #options: PullOptions;
  readonly #inbox: string;
  readonly #subscription: Subscription;
  #end: (error?: Error) => void = () => undefined;
  #closed = false;
  #request = 0;
  #left = 0;
  #standsUntilMs = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: PullOptions) {
    this.#options = options;
    const { nc } = options.messaging;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#inbox = createInbox(inboxPrefixOf(nc));
    this.#subscription = nc.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => {
        if (error) this.#fail(error);
        else this.#receive(message);
      },
    });
    this.#ask();
  }

  /** By `performance.now()`: until when the server may remember the last request, also after `close`. */
  get standsUntilMs(): number {
    return this.#standsUntilMs;
  }

  /** Asks no more. Resolves once everything that the server has sent was handed over. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    const { messaging } = this.#options;
    if (messaging.isConnected()) {
      let limit: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        limit = setTimeout(resolve, DRAIN_MS);
      });
      await Promise.race([this.#subscription.drain(), late]).catch(() => undefined);
      clearTimeout(limit);
    }
    this.#subscription.unsubscribe();
    this.#end();
  }

  #ask(): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    const { messaging, stream, consumer, batch, expiresMs, mayAsk } = this.#options;
    if (!mayAsk()) {
      this.#timer = setTimeout(() => this.#ask(), ASK_AGAIN_MS);
      return;
    }
    this.#request += 1;
    this.#left = batch;
    this.#standsUntilMs = performance.now() + expiresMs + LATE_MS;
    const request = JSON.stringify({ batch, expires: expiresMs * 1e6 });
    this.#timer = setTimeout(() => this.#ask(), expiresMs + LOST_AFTER_MS);
    try {
      messaging.nc.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, request, {
        reply: `${this.#inbox}.${this.#request}`,
      });
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #receive(message: Msg): void {
    if (message.subject.startsWith(`${this.#inbox}.`)) {
      // Of a request that was given up: a newer one stands.
      if (message.subject !== `${this.#inbox}.${this.#request}`) return;
      const { code = 0, description = '' } = message.headers ?? {};
      if (code === EXPIRED) this.#ask();
      else
        this.#fail(
          new FaascamError('nats-refused', `NATS ended a request for messages: ${code} ${description}`),
        );
      return;
    }
    this.#left -= 1;
    this.#options.onMessage(new PulledMessage(this.#options.messaging.nc, message));
    if (this.#left === 0) this.#ask();
  }

  #fail(error: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#subscription.unsubscribe();
    this.#end(error);
  }
}
