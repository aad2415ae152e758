import { headers as headersOf } from '@nats-io/transport-node';
import type { Clock } from '@faascam/core/clock';
import type { Logger } from '@faascam/core/log';
import { headers, subjects } from '@faascam/core/subjects';
import { largestFrame } from '../frames/frame-message.ts';
import { RateLimit } from '../rate-limit.ts';
import type { NatsLink } from '../uplink.ts';
import type { LivePicture } from './live-pictures.ts';

/** A picture that is worth something only while it is new. */
type DatedPicture = LivePicture & { capturedAtUs: number };

/** Somebody may watch for hours, some pictures a second. */
const TELL_EVERY_MS = 3_600_000;

/**
 * Publishes pictures of cameras, one at a time: the next one goes once NATS has the last one. Frames, health and clips share
 * the link, and on a slow one would else wait behind all pictures that were ever made. Of each camera the newest waits for
 * its turn.
 */
export class PictureUplink {
  readonly #nats: NatsLink;
  readonly #log: Logger;
  readonly #limit: RateLimit;
  readonly #waiting = new Map<string, DatedPicture>();
  #sends = false;

  constructor({ nats, clock, log }: { nats: NatsLink; clock: Clock; log: Logger }) {
    this.#nats = nats;
    this.#log = log;
    this.#limit = new RateLimit(clock, TELL_EVERY_MS);
  }

  offer(camera: string, picture: DatedPicture): void {
    // While NATS is away the client would keep what nobody will look at.
    if (!this.#nats.isConnected()) return;
    const { length } = picture.jpeg;
    if (length > largestFrame(this.#nats.messaging?.nc.info?.max_payload)) {
      this.#limit.tell(camera, () => this.#log.warn({ camera }, tooLarge(camera, length)));
      return;
    }
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

function tooLarge(camera: string, bytes: number): string {
  return `Live pictures of camera ${camera} do not go through NATS: ${bytes} bytes are more than it takes. Lower live.pictures.width, or the picture of a camera that sends JPEG itself, or raise max_payload of the NATS server.`;
}
