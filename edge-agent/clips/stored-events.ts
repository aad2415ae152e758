import { DeliverPolicy, type ConsumerMessages } from '@nats-io/jetstream';
import type { Clock } from '@faascam/core/clock';
import { messageOf } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import { clipStored, isWithoutAgent } from '@faascam/core/clip-messages';
import { parseMessage } from '@faascam/core/messages';
import type { Messaging } from '@faascam/core/messaging';
import { streams, subjects } from '@faascam/core/subjects';

/** Far more than can wait at the same time. */
const REMEMBERED = 5000;
/** Far longer than the reading takes. Going on without some of them costs an offer of what is stored already. */
const CATCH_UP_MS = 15_000;

/**
 * Which events of a camera are stored for good, from `clips.stored.<camera>`. It reads the stream itself, from before
 * the oldest open request on, so nothing is missed that was stored while the agent or its connection was away.
 */
export class StoredEvents {
  readonly #camera: string;
  readonly #log: Logger;
  readonly #messages: ConsumerMessages;
  /** By id; what each one's receipt was, where that was told. */
  readonly #stored = new Map<string, string | undefined>();
  readonly #waiting = new Map<string, () => void>();
  readonly #reading: Promise<void>;

  /** Aborted once all was read that lay in the stream already. */
  readonly #caughtUp = new AbortController();

  private constructor(camera: string, log: Logger, messages: ConsumerMessages) {
    this.#camera = camera;
    this.#log = log;
    this.#messages = messages;
    this.#reading = this.#read();
  }

  /**
   * Resolves once all is known that was stored so far, or cannot be read for a while. `fromSeq`: the sequence in the
   * stream CLIPS from which on stored events matter. An aborted signal cuts that short. The caller closes it.
   */
  static async open(options: {
    messaging: Messaging;
    camera: string;
    fromSeq: number;
    log: Logger;
    signal: AbortSignal;
    clock: Clock;
  }): Promise<StoredEvents> {
    const { messaging, camera, fromSeq, log, signal, clock } = options;
    const consumer = await messaging.js.consumers.get(streams.clips, {
      filter_subjects: subjects.clipsStored(camera),
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: Math.max(1, fromSeq),
    });
    const { num_pending: backlog } = await consumer.info(true);
    const events = new StoredEvents(camera, log, await consumer.consume());
    if (backlog > 0) await events.#catchUp(clock, signal);
    return events;
  }

  has(event: string): boolean {
    return this.#stored.has(event);
  }

  /** sha256 of the stored receipt's canonical JSON, if the message told it. */
  receiptOf(event: string): string | undefined {
    return this.#stored.get(event);
  }

  /** Resolves once the event is stored. One caller an event. */
  async until(event: string, signal: AbortSignal): Promise<void> {
    if (this.has(event)) return;
    await new Promise<void>((resolve, reject) => {
      const stop = (): void => {
        this.#waiting.delete(event);
        reject(new DOMException('no longer waiting for the event to be stored', 'AbortError'));
      };
      signal.addEventListener('abort', stop, { once: true });
      this.#waiting.set(event, () => {
        signal.removeEventListener('abort', stop);
        resolve();
      });
      if (signal.aborted) stop();
    });
  }

  async close(): Promise<void> {
    await this.#messages.close();
    await this.#reading;
  }

  async #catchUp(clock: Clock, signal: AbortSignal): Promise<void> {
    const over = AbortSignal.any([signal, this.#caughtUp.signal]);
    await clock.sleep(CATCH_UP_MS, over).catch(() => undefined);
  }

  async #read(): Promise<void> {
    for await (const message of this.#messages) {
      try {
        const stored = parseMessage(clipStored, message.data, message.subject);
        // That no agent came is no reason to let go: here is one, and its footage takes that receipt's place.
        if (!isWithoutAgent(stored)) this.#note(stored.eventId, stored.receiptSha256);
      } catch (error) {
        this.#log.warn({ camera: this.#camera }, `A message was left out: ${messageOf(error)}`);
      }
      // A server that miscounts after it has lost some is what the end of the waiting is for.
      if (message.info.pending === 0) this.#caughtUp.abort();
    }
  }

  #note(event: string, receipt: string | undefined): void {
    this.#stored.set(event, receipt);
    if (this.#stored.size > REMEMBERED) {
      const [oldest] = this.#stored.keys();
      if (oldest !== undefined) this.#stored.delete(oldest);
    }
    const wake = this.#waiting.get(event);
    this.#waiting.delete(event);
    wake?.();
  }
}
