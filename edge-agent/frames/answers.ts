import type { Subscription } from '@nats-io/transport-node';
import type { Clock } from '@faascam/core/clock';
import { messageOf } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import { detectionsMessage, parseMessage } from '@faascam/core/messages';
import type { Messaging } from '@faascam/core/messaging';
import { streams, subjects } from '@faascam/core/subjects';

/** Without an answer for this long, it is worth a look whether one was missed, and a word if not. */
const LOOK_AFTER_MS = 10_000;

/**
 * Counts frames that were published but have no `detections.<camera>` message yet, so that a replay goes only as fast
 * as its frames are worked on. Answers come in order: one for a later frame also settles those before it, which were
 * then dropped on the way and are counted as `unanswered`.
 */
export class Answers {
  /** Frames that were dropped on the way. */
  unanswered = 0;
  readonly #options: AnswersOptions;
  readonly #subscription: Subscription;
  readonly #reading: Promise<void>;
  readonly #fromSeq: number;
  readonly #skipped = new Set<number>();
  #open: number[] = [];
  #wake: () => void = () => undefined;

  private constructor(options: AnswersOptions, subscription: Subscription, fromSeq: number) {
    this.#options = options;
    this.#subscription = subscription;
    this.#fromSeq = fromSeq;
    this.#reading = this.#read();
  }

  /** Listens from now on. The caller closes it. */
  static async open(options: AnswersOptions): Promise<Answers> {
    const { messaging, camera } = options;
    const subscription = messaging.nc.subscribe(subjects.detections(camera));
    await messaging.nc.flush();
    const { state } = await messaging.jsm.streams.info(streams.detections);
    return new Answers(options, subscription, state.last_seq + 1);
  }

  /** A frame of this capture time is about to be published. */
  expect(capturedAtUs: number): void {
    this.#open.push(capturedAtUs);
  }

  /** Resolves once at most `most` frames are without an answer. Rejects with the signal's reason. For one caller at a time. */
  async until(most: number, signal: AbortSignal): Promise<void> {
    const { clock, log, camera } = this.#options;
    while (this.#open.length > most) {
      const before = this.#open[0];
      const changed = new AbortController();
      this.#wake = () => changed.abort();
      await clock.sleep(LOOK_AFTER_MS, AbortSignal.any([signal, changed.signal])).catch(() => undefined);
      signal.throwIfAborted();
      if (changed.signal.aborted) continue;
      await this.#look();
      if (this.#open[0] === before) {
        log.warn(
          { camera, waitingFor: this.#open.length },
          `No detections came for ${LOOK_AFTER_MS / 1000} s: check that the connector and the functions run.`,
        );
      }
    }
  }

  async close(): Promise<void> {
    this.#subscription.unsubscribe();
    await this.#reading;
  }

  async #read(): Promise<void> {
    for await (const message of this.#subscription) this.#take(message.data, message.subject);
  }

  /** The newest answer in the stream: a plain subscription misses what came while the connection was away. */
  async #look(): Promise<void> {
    const { messaging, camera } = this.#options;
    const subject = subjects.detections(camera);
    try {
      const newest = await messaging.jsm.streams.getMessage(streams.detections, { last_by_subj: subject });
      if (newest !== null && newest.seq >= this.#fromSeq) this.#take(newest.data, subject);
    } catch (error) {
      this.#options.log.warn({ camera }, `The newest detections could not be read: ${messageOf(error)}`);
    }
  }

  #take(data: Uint8Array, subject: string): void {
    let capturedAtUs: number;
    try {
      ({ capturedAtUs } = parseMessage(detectionsMessage, data, subject));
    } catch (error) {
      this.#options.log.warn({ camera: this.#options.camera }, `A message was left out: ${messageOf(error)}`);
      return;
    }
    // Frames of one replay come in order of time.
    const settled = this.#open.filter((us) => us <= capturedAtUs);
    this.#open = this.#open.filter((us) => us > capturedAtUs);
    for (const us of settled) if (us !== capturedAtUs) this.#skipped.add(us);
    this.#skipped.delete(capturedAtUs);
    this.unanswered = this.#skipped.size;
    if (settled.length > 0) this.#wake();
  }
}

export interface AnswersOptions {
  camera: string;
  messaging: Messaging;
  clock: Clock;
  log: Logger;
}
