import { headers as headersOf } from '@nats-io/transport-node';
import { headers, subjects } from '@faascam/core/subjects';
import type { NatsLink } from '../uplink.ts';
import type { LivePicture } from './live-pictures.ts';

/** Nothing larger goes through a NATS of usual settings. */
const MOST_BYTES = 1_000_000;

/** A picture that is worth something only while it is new. */
type DatedPicture = LivePicture & { capturedAtUs: number };

/**
 * Publishes pictures of cameras, one at a time: the next one goes once NATS has the last one. Frames, health and clips share
 * the link, and on a slow one would else wait behind all pictures that were ever made. Of each camera the newest waits for
 * its turn.
 */
export class PictureUplink {
  readonly #nats: NatsLink;
  readonly #waiting = new Map<string, DatedPicture>();
  #sends = false;

  constructor(nats: NatsLink) {
    this.#nats = nats;
  }

  offer(camera: string, picture: DatedPicture): void {
    // While NATS is away the client would keep what nobody will look at.
    if (!this.#nats.isConnected() || picture.jpeg.length > MOST_BYTES) return;
    this.#waiting.set(camera, picture);
    if (!this.#sends) void this.#send();
  }

  /** Nobody looks at the camera any more. */
  forget(camera: string): void {
    this.#waiting.delete(camera);
  }

  /** Never rejects. */
  async #send(): Promise<void> {
    this.#sends = true;
    try {
      // What is offered meanwhile comes at the end.
      for (const [camera, { jpeg, capturedAtUs }] of this.#waiting) {
        this.#waiting.delete(camera);
        const nc = this.#nats.messaging?.nc;
        const head = headersOf();
        head.set(headers.capturedAt, String(capturedAtUs));
        nc?.publish(subjects.livePictures(camera), jpeg, { headers: head });
        await nc?.flush();
      }
    } catch {
      // The connection was lost or closed: what waited is past when it is back.
      this.#waiting.clear();
    } finally {
      this.#sends = false;
    }
  }
}
