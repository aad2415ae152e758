import type { Clock } from '@faascam/core/clock';
import { messageOf } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import type { Messaging } from '@faascam/core/messaging';
import { subjects } from '@faascam/core/subjects';
import { RateLimit } from '../rate-limit.ts';
import { EventFeedback } from './event-feedback.ts';
import { frameHeaders, largestFrame, tooLargeMessage } from './frame-message.ts';

/**
 * Messages on their way at the same time. With more, the broker is behind and old frames are worth nothing. Enough for
 * the burst that a camera begins with, some 3 s at 5 frames a second.
 */
const MOST_IN_FLIGHT = 16;
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

/** Publishes a camera's frames as they come. What cannot be sent at once is dropped and counted: only the newest matter. */
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
  readonly #inFlight = new Set<Promise<void>>();
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
    } else if (this.#inFlight.size >= MOST_IN_FLIGHT) {
      this.#drop('behind', 'NATS does not keep up with the frames: they are dropped.');
    } else {
      this.#send('image', jpeg, capturedAtUs);
    }
  }

  async lost(capturedAtUs: number): Promise<void> {
    this.#send('lost', new Uint8Array(0), capturedAtUs);
    await this.settled();
  }

  openFeedback(): EventFeedback {
    return new EventFeedback({ camera: this.#camera, messaging: this.#messaging, clock: this.#clock });
  }

  /** Resolves once nothing is on its way any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#inFlight);
  }

  #send(kind: 'image' | 'lost', body: Uint8Array, capturedAtUs: number): void {
    this.#seq += 1;
    const facts = { kind, capturedAtUs, seq: this.#seq, agent: this.#agent };
    const sent = this.#messaging.js
      .publish(subjects.frames(this.#camera), body, {
        headers: frameHeaders(facts),
        timeout: PUBLISH_TIMEOUT_MS,
      })
      .then(() => {
        if (kind !== 'image') return;
        this.published += 1;
        this.publishedBytes += body.length;
      })
      .catch((error: unknown) => {
        this.#drop('failed', `A frame could not be sent to NATS: ${messageOf(error)}`, false);
      });
    this.#inFlight.add(sent);
    void sent.finally(() => this.#inFlight.delete(sent));
  }

  #drop(why: string, message: string, countsUp = true): void {
    this.dropped += 1;
    this.droppedFor[why] = (this.droppedFor[why] ?? 0) + 1;
    // A frame that was never sent still counts, so that a hole in the numbers tells of it.
    if (countsUp) this.#seq += 1;
    this.#limit.tell(why, (keptBack) => this.#log.warn({ keptBack }, message));
  }
}
