import type { MsgHdrs } from '@nats-io/transport-node';
import type { Clock } from '@faascam/core/clock';
import { messageOf } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import type { Messaging } from '@faascam/core/messaging';
import { subjects } from '@faascam/core/subjects';
import { RateLimit } from '../rate-limit.ts';
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
  /** Says that the camera went away at this time. Resolves once NATS has it, or cannot be reached. */
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
  readonly #messaging: Messaging;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #limit: RateLimit;
  readonly #answers = new Set<Promise<void>>();
  /** Frames that no answer stands for yet. */
  readonly #unanswered: { seq: number; bytes: number }[] = [];
  #askedUs = Number.NEGATIVE_INFINITY;
  #trusted = true;
  #seq = 0;

  /** `log` names the camera. */
  constructor(options: { agent: string; camera: string; messaging: Messaging; clock: Clock; log: Logger }) {
    this.#agent = options.agent;
    this.#camera = options.camera;
    this.#messaging = options.messaging;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#limit = new RateLimit(options.clock);
  }

  frame(jpeg: Uint8Array, capturedAtUs: number): void {
    if (jpeg.length > largestFrame(this.#messaging.nc.info?.max_payload)) {
      this.#drop('too-large', tooLargeMessage(jpeg.length));
    } else if (!this.#messaging.isConnected()) {
      // What was on its way may have come to nothing.
      this.#failed(new Error('the connection was lost'), this.#answered(this.#seq).length);
      this.#drop('not-connected', 'NATS is away: frames are dropped until it is back.');
    } else if (this.#unanswered.length >= (this.#trusted ? MOST_IN_FLIGHT : 1)) {
      this.#drop('behind', 'NATS does not keep up with the frames: they are dropped.');
    } else {
      this.#unanswered.push({ seq: this.#seq + 1, bytes: jpeg.length });
      const due =
        this.#clock.nowUs() - this.#askedUs >= ANSWER_EVERY_US ||
        this.#unanswered.length >= ANSWER_EVERY_FRAMES;
      // The answer that is waited for stands for none of the frames after it.
      if (this.#answers.size === 0 && (due || !this.#trusted)) this.#ask('image', jpeg, capturedAtUs);
      else this.#send(jpeg, capturedAtUs);
    }
  }

  async lost(capturedAtUs: number): Promise<void> {
    this.#ask('lost', new Uint8Array(0), capturedAtUs);
    await this.settled();
  }

  openFeedback(): EventFeedback {
    return new EventFeedback({ camera: this.#camera, messaging: this.#messaging, clock: this.#clock });
  }

  /** Resolves once no answer is waited for any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#answers);
  }

  #send(jpeg: Uint8Array, capturedAtUs: number): void {
    try {
      const headers = this.#headers('image', capturedAtUs);
      this.#messaging.nc.publish(subjects.frames(this.#camera), jpeg, { headers });
    } catch (error) {
      this.#unanswered.pop();
      this.#failed(error, 1);
    }
  }

  /** Sends a message, and counts the frames up to it as NATS answers. */
  #ask(kind: 'image' | 'lost', body: Uint8Array, capturedAtUs: number): void {
    this.#askedUs = this.#clock.nowUs();
    const headers = this.#headers(kind, capturedAtUs);
    const upToSeq = this.#seq;
    const answer = this.#messaging.js
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

  #drop(why: string, message: string): void {
    this.#count(why);
    // A frame that was never sent still counts, so that a hole in the numbers tells of it.
    this.#seq += 1;
    this.#limit.tell(why, (keptBack) => this.#log.warn({ keptBack }, message));
  }

  #count(why: string): void {
    this.dropped += 1;
    this.droppedFor[why] = (this.droppedFor[why] ?? 0) + 1;
  }
}
