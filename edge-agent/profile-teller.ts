import { Kvm } from '@nats-io/kv';
import { profileOf, type CameraProfile } from '@faascam/core/camera-profile';
import { messageOf } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import type { CameraSettings } from '@faascam/core/camera-settings';
import { buckets } from '@faascam/core/subjects';
import type { NatsLink } from './uplink.ts';

/** Whoever waits for the functions to know waits no longer than this: a camera without NATS records all the same. */
const PATIENCE_MS = 3000;
/** What failed is tried again after so long, then after twice as long, up to the most. */
const FIRST_WAIT_MS = 500;
const MOST_WAIT_MS = 15_000;

/**
 * Tells the functions how the cameras' pictures are to be looked at, in the bucket `cameras`. What fails is tried again until
 * the signal is aborted: the connector may not have made the bucket yet, and no part but it may.
 */
export class ProfileTeller {
  readonly #nats: Pick<NatsLink, 'messaging'>;
  readonly #log: Logger;
  readonly #signal: AbortSignal;
  #wanted = new Map<string, CameraProfile>();
  /** Cameras that are still to be taken out. */
  readonly #gone = new Set<string>();
  #waitMs = FIRST_WAIT_MS;
  #retry: NodeJS.Timeout | undefined;
  #told: Promise<void> = Promise.resolve();

  /** Before there is a connection it tells nobody; `again` is to be called with the first. */
  constructor(nats: Pick<NatsLink, 'messaging'>, log: Logger, signal: AbortSignal) {
    this.#nats = nats;
    this.#log = log;
    this.#signal = signal;
    signal.addEventListener('abort', () => clearTimeout(this.#retry), { once: true });
  }

  /** Tells what differs from what is there. Never rejects. */
  async tell(cameras: Readonly<Record<string, CameraSettings>>): Promise<void> {
    this.#wanted = new Map(
      Object.entries(cameras).map(([camera, settings]) => [camera, profileOf(camera, settings)]),
    );
    for (const camera of this.#wanted.keys()) this.#gone.delete(camera);
    await this.again();
  }

  /** Takes out cameras that are no more; call it after their last frame, which is still looked at as they ask. */
  async withdraw(cameras: readonly string[]): Promise<void> {
    if (cameras.length === 0) return;
    for (const camera of cameras) {
      this.#wanted.delete(camera);
      this.#gone.add(camera);
    }
    await this.again();
  }

  /** Tells all again that is not there: after NATS was away it may have been begun anew, with nothing in it. */
  async again(): Promise<void> {
    const turn = this.#told.then(() => this.#write());
    this.#told = turn;
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, PATIENCE_MS);
    });
    await Promise.race([turn, patience]);
    clearTimeout(timer);
  }

  async #write(): Promise<void> {
    clearTimeout(this.#retry);
    const { messaging } = this.#nats;
    if (messaging === undefined) return;
    try {
      // Not read directly: an agent has no right to have what it wrote sent to where it likes (docs/security.md).
      const bucket = await new Kvm(messaging.nc).create(buckets.cameras, {
        history: 1,
        allow_direct: false,
      });
      for (const camera of this.#gone) {
        await bucket.delete(camera);
        this.#gone.delete(camera);
      }
      for (const [camera, profile] of this.#wanted) {
        const text = JSON.stringify(profile);
        const there = await bucket.get(camera);
        if (there?.operation !== 'PUT' || there.string() !== text) await bucket.put(camera, text);
      }
      if (this.#waitMs !== FIRST_WAIT_MS)
        this.#log.info('The functions know of masks, zones and filters now.');
      this.#waitMs = FIRST_WAIT_MS;
    } catch (error) {
      // Once is enough: it is tried again until it worked.
      if (this.#waitMs === FIRST_WAIT_MS)
        this.#log.warn(
          `The functions could not be told of masks, zones and filters: ${messageOf(error)}. It is tried again until it works.`,
        );
      this.#tryAgain();
    }
  }

  #tryAgain(): void {
    if (this.#signal.aborted) return;
    this.#retry = setTimeout(() => void this.again(), this.#waitMs);
    this.#waitMs = Math.min(this.#waitMs * 2, MOST_WAIT_MS);
  }
}
