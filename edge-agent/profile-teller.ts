import { Kvm } from '@nats-io/kv';
import { profileOf, type CameraProfile } from '@faascam/core/camera-profile';
import { messageOf } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import type { Messaging } from '@faascam/core/messaging';
import type { CameraSettings } from '@faascam/core/camera-settings';
import { buckets } from '@faascam/core/subjects';

/** Whoever waits for the functions to know waits no longer than this: a camera without NATS records all the same. */
const PATIENCE_MS = 3000;

/** Tells the functions how the cameras' pictures are to be looked at, in the bucket `cameras`. */
export class ProfileTeller {
  readonly #messaging: Messaging;
  readonly #log: Logger;
  #wanted = new Map<string, CameraProfile>();
  #told: Promise<void> = Promise.resolve();

  constructor(messaging: Messaging, log: Logger) {
    this.#messaging = messaging;
    this.#log = log;
  }

  /** Tells what differs from what is there. Never rejects. */
  async tell(cameras: Readonly<Record<string, CameraSettings>>): Promise<void> {
    this.#wanted = new Map(
      Object.entries(cameras).map(([camera, settings]) => [camera, profileOf(camera, settings)]),
    );
    await this.#tellAll([]);
  }

  /** Takes out cameras that are no more; call it after their last frame, which is still looked at as they ask. */
  async withdraw(cameras: readonly string[]): Promise<void> {
    if (cameras.length > 0) await this.#tellAll(cameras);
  }

  /** Tells all again that is not there: after NATS was away it may have been begun anew, with nothing in it. */
  async again(): Promise<void> {
    await this.#tellAll([]);
  }

  async #tellAll(gone: readonly string[]): Promise<void> {
    const turn = this.#told.then(() => this.#write(gone));
    this.#told = turn;
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, PATIENCE_MS);
    });
    await Promise.race([turn, patience]);
    clearTimeout(timer);
  }

  async #write(gone: readonly string[]): Promise<void> {
    try {
      // Not read directly: an agent has no right to have what it wrote sent to where it likes (docs/security.md).
      const bucket = await new Kvm(this.#messaging.nc).create(buckets.cameras, {
        history: 1,
        allow_direct: false,
      });
      for (const camera of gone) await bucket.delete(camera);
      for (const [camera, profile] of this.#wanted) {
        const text = JSON.stringify(profile);
        const there = await bucket.get(camera);
        if (there?.operation !== 'PUT' || there.string() !== text) await bucket.put(camera, text);
      }
    } catch (error) {
      this.#log.warn(
        `The functions could not be told of masks, zones and filters: ${messageOf(error)}. It is done when NATS answers again.`,
      );
    }
  }
}
