import { Kvm, type KV } from '@nats-io/kv';
import { cameraProfile, plainProfile, type CameraProfile } from './camera-profile.ts';
import { messageOf } from './errors.ts';
import type { FunctionMessaging } from './function-messaging.ts';
import { createLogger } from './log.ts';
import { parseMessage } from './messages.ts';
import type { Messaging } from './messaging.ts';
import { eventSettings, motionSettings, type EventSettings, type MotionSettings } from './settings.ts';
import { buckets } from './subjects.ts';

type Updates = Awaited<ReturnType<KV['watch']>>;

/**
 * The cameras' profiles as a function sees them: read when a camera's first frame comes, and kept up to date by a watch
 * from then on. A camera of which nothing was told has the plain profile, with the settings of the function alone.
 */
export class CameraProfiles {
  readonly #messaging: FunctionMessaging;
  readonly #known = new Map<string, CameraProfile>();
  readonly #log;
  #opening: Promise<KV> | undefined;
  #updates: Updates | undefined;
  #connection: Messaging['nc'] | undefined;

  /** `name` is the function's, for its log. */
  constructor(messaging: FunctionMessaging, name: string) {
    this.#messaging = messaging;
    this.#log = createLogger(name);
  }

  /** Rejects when NATS does not answer; the frame is tried again then. */
  async of(camera: string): Promise<CameraProfile> {
    const known = this.#known.get(camera);
    if (known !== undefined) return known;
    const bucket = await this.#open();
    const entry = await bucket.get(camera).catch((error: unknown) => {
      this.#forget();
      throw error;
    });
    // The watch may have been quicker, with a newer one.
    const told = this.#known.get(camera);
    if (told !== undefined) return told;
    return this.#note(camera, entry?.operation === 'PUT' ? entry.value : undefined);
  }

  #open(): Promise<KV> {
    this.#opening ??= this.#messaging
      .get()
      .then(async ({ nc, js }) => {
        if (this.#connection !== nc) {
          this.#connection = nc;
          void this.#forgetAtReconnects(nc);
        }
        const bucket = await new Kvm(js).create(buckets.cameras, { history: 1 });
        this.#updates?.stop();
        this.#updates = await bucket.watch({ include: 'updates' });
        void this.#follow(this.#updates);
        return bucket;
      })
      .catch((error: unknown) => {
        this.#forget();
        throw error;
      });
    return this.#opening;
  }

  async #follow(updates: Updates): Promise<void> {
    try {
      for await (const { key, operation, value } of updates)
        this.#note(key, operation === 'PUT' ? value : undefined);
    } catch (error) {
      this.#log.warn(`The cameras' settings are no longer followed, and are read anew: ${messageOf(error)}`);
    }
    // Also an end without an error is the end of being told, unless another watch has taken over.
    if (this.#updates === updates) this.#forget();
  }

  /** A server that comes back may have lost the bucket, and a watch of one that is gone says nothing any more. */
  async #forgetAtReconnects(nc: Messaging['nc']): Promise<void> {
    for await (const { type } of nc.status()) if (type === 'reconnect') this.#forget();
  }

  #note(camera: string, bytes: Uint8Array | undefined): CameraProfile {
    const profile = this.#parse(camera, bytes);
    this.#known.set(camera, profile);
    return profile;
  }

  /** One that cannot be read changes nothing: the last good one, or the plain one, stays. */
  #parse(camera: string, bytes: Uint8Array | undefined): CameraProfile {
    if (bytes === undefined) return plainProfile(camera);
    try {
      return parseMessage(
        cameraProfile,
        bytes,
        `The profile of camera ${camera} in the bucket ${buckets.cameras}`,
      );
    } catch (error) {
      this.#log.warn(`${messageOf(error)}; it is left aside. Is the agent newer than the functions?`);
      return this.#known.get(camera) ?? plainProfile(camera);
    }
  }

  #forget(): void {
    this.#updates?.stop();
    this.#updates = undefined;
    this.#opening = undefined;
    this.#known.clear();
  }
}

/** The motion settings for a camera: its own over those of the function. */
export function motionSettingsFor(base: MotionSettings, { motion }: CameraProfile): MotionSettings {
  return motionSettings.parse({ ...base, ...motion });
}

/** The event settings for a camera: its own over those of the function. */
export function eventSettingsFor(base: EventSettings, { events }: CameraProfile): EventSettings {
  return eventSettings.parse({ ...base, ...events });
}
