import type { MsgHdrs } from '@nats-io/transport-node';
import type { Clock } from '@faascam/core/clock';
import { messageOf } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import type { Messaging } from '@faascam/core/messaging';
import { subjects } from '@faascam/core/subjects';
import { RateLimit } from '../rate-limit.ts';
import type { NatsLink } from '../uplink.ts';
import { EventFeedback } from './event-feedback.ts';
import { frameHeaders, largestFrame, tooLargeMessage } from './frame-message.ts';

/**
 * Frames of which NATS has not said yet that it has them. With more, it is behind and old frames are worth nothing. Enough
 * for the burst that a camera begins with, some 3 s at 5 frames a second.
 */
const MOST_IN_FLIGHT = 16;
/**
 * An answer is asked for with the first frame after this long, or when so many frames wait for one: each costs as much as
 * sending a frame does.
 */
const ANSWER_EVERY_US = 2_000_000;
const ANSWER_EVERY_FRAMES = MOST_IN_FLIGHT / 2;
const PUBLISH_TIMEOUT_MS = 5000;

/** Where a camera's frames go, and what comes back. */
export interface FramePublisher {
  /** Sends a picture, or drops it. */
  frame(jpeg: Uint8Array, capturedAtUs: number): void;
  /**
   * Says that the camera went away at this time. Resolves once NATS has it, or cannot be reached. Before there was a connection, it
   * is said with the first, unless frames came after it.
   */
  lost(capturedAtUs: number): Promise<void>;
  /** Whether the functions have an event open for this camera. The caller closes it. */
  openFeedback(): { readonly eventOpen: boolean; close(): void };
}

/**
 * Publishes a camera's frames as they come. What cannot be sent at once is dropped and counted: only the newest matter.
 * Only a frame now and then is answered by NATS, which stands for those before it as well. After a missing answer
 * each frame waits for its own, so that nothing heaps up in memory while nobody takes it.
 */
export class LivePublisher implements FramePublisher {
  published = 0;
  publishedBytes = 0;
  dropped = 0;
  /** Why frames were dropped, and how many each. */
  readonly droppedFor: Record<string, number> = {};
  readonly #agent: string;
  readonly #camera: string;
  readonly #nats: NatsLink;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #limit: RateLimit;
  readonly #answers = new Set<Promise<void>>();
  /** Frames that no answer stands for yet. */
  readonly #unanswered: { seq: number; bytes: number }[] = [];
  #askedUs = Number.NEGATIVE_INFINITY;
  #trusted = true;
  #seq = 0;
  /** Since when the camera is lost, where there was never a connection to say it. */
  #unsaidLostUs: number | undefined;

  /** `log` names the camera. */
  constructor(options: { agent: string; camera: string; nats: NatsLink; clock: Clock; log: Logger }) {
    this.#agent = options.agent;
    this.#camera = options.camera;
    this.#nats = options.nats;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#limit = new RateLimit(options.clock);
    void this.#nats.first().then((messaging) => {
      const lostUs = this.#unsaidLostUs;
      if (messaging !== undefined && lostUs !== undefined)
        this.#ask(messaging, 'lost', new Uint8Array(0), lostUs);
    });
  }

  frame(jpeg: Uint8Array, capturedAtUs: number): void {
    const { messaging } = this.#nats;
    this.#unsaidLostUs = undefined;
    if (jpeg.length > largestFrame(messaging?.nc.info?.max_payload)) {
      this.#drop('too-large', tooLargeMessage(jpeg.length));
    } else if (messaging === undefined || !this.#nats.isConnected()) {
      // What was on its way may have come to nothing.
      this.#failed(new Error('the connection was lost'), this.#answered(this.#seq).length);
      this.#drop('not-connected');
    } else if (this.#unanswered.length >= (this.#trusted ? MOST_IN_FLIGHT : 1)) {
      this.#drop('behind', 'NATS does not keep up with the frames: they are dropped.');
    } else {
      this.#unanswered.push({ seq: this.#seq + 1, bytes: jpeg.length });
      const due =
        this.#clock.nowUs() - this.#askedUs >= ANSWER_EVERY_US ||
        this.#unanswered.length >= ANSWER_EVERY_FRAMES;
      // The answer that is waited for stands for none of the frames after it.
      if (this.#answers.size === 0 && (due || !this.#trusted))
        this.#ask(messaging, 'image', jpeg, capturedAtUs);
      else this.#send(messaging, jpeg, capturedAtUs);
    }
  }

  async lost(capturedAtUs: number): Promise<void> {
    const { messaging } = this.#nats;
    if (messaging === undefined) {
      this.#unsaidLostUs = capturedAtUs;
      return;
    }
    this.#ask(messaging, 'lost', new Uint8Array(0), capturedAtUs);
    await this.settled();
  }

  openFeedback(): EventFeedback {
    return new EventFeedback({ camera: this.#camera, nats: this.#nats, clock: this.#clock });
  }

  /** Resolves once no answer is waited for any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#answers);
  }

  #send(messaging: Messaging, jpeg: Uint8Array, capturedAtUs: number): void {
    try {
      const headers = this.#headers('image', capturedAtUs);
      messaging.nc.publish(subjects.frames(this.#camera), jpeg, { headers });
    } catch (error) {
      this.#unanswered.pop();
      this.#failed(error, 1);
    }
  }

  /** Sends a message, and counts the frames up to it as NATS answers. */
  #ask(messaging: Messaging, kind: 'image' | 'lost', body: Uint8Array, capturedAtUs: number): void {
    this.#askedUs = this.#clock.nowUs();
    const headers = this.#headers(kind, capturedAtUs);
    const upToSeq = this.#seq;
    const answer = messaging.js
      .publish(subjects.frames(this.#camera), body, { headers, timeout: PUBLISH_TIMEOUT_MS })
      .then(() => {
        this.#trusted = true;
        for (const { bytes } of this.#answered(upToSeq)) {
          this.published += 1;
          this.publishedBytes += bytes;
        }
      })
      .catch((error: unknown) => {
        this.#trusted = false;
        // No other answer is on its way that would ever free the places of those after it.
        this.#failed(error, this.#answered(this.#seq).length);
      })
      .finally(() => this.#answers.delete(answer));
    this.#answers.add(answer);
  }

  /** Takes out the frames that an answer to this one stands for. */
  #answered(upToSeq: number): { bytes: number }[] {
    const after = this.#unanswered.findIndex(({ seq }) => seq > upToSeq);
    return this.#unanswered.splice(0, after < 0 ? this.#unanswered.length : after);
  }

  #headers(kind: 'image' | 'lost', capturedAtUs: number): MsgHdrs {
    this.#seq += 1;
    return frameHeaders({ kind, capturedAtUs, seq: this.#seq, agent: this.#agent });
  }

  #failed(error: unknown, frames: number): void {
    if (frames === 0) return;
    for (let frame = 0; frame < frames; frame++) this.#count('failed');
    const message = `Frames could not be sent to NATS: ${messageOf(error)}`;
    this.#limit.tell('failed', (keptBack) => this.#log.warn({ keptBack }, message));
  }

  /** `message` is for the log, now and then; none where somebody else tells. */
  #drop(why: string, message?: string): void {
    this.#count(why);
    // A frame that was never sent still counts, so that a hole in the numbers tells of it.
    this.#seq += 1;
    if (message !== undefined) this.#limit.tell(why, (keptBack) => this.#log.warn({ keptBack }, message));
  }

  #count(why: string): void {
    this.dropped += 1;
    this.droppedFor[why] = (this.droppedFor[why] ?? 0) + 1;
  }
}
