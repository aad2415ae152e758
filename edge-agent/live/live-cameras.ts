import type { Clock } from '@faascam/core/clock';
import type { LiveSettings } from '@faascam/core/live-settings';
import type { Logger } from '@faascam/core/log';
import { LivePictures, type LivePicture } from './live-pictures.ts';
import { LiveRefusal } from './live-refusal.ts';
import type { LiveTap } from './live-tap.ts';
import { WebRtcViewers } from './webrtc-viewers.ts';

const PICTURE_MS = 6000;

/** The agent's cameras as they can be watched, and all who do. `close` ends them. */
export class LiveCameras {
  readonly webRtc: WebRtcViewers;
  readonly #settings: LiveSettings;
  readonly #cameras: ReadonlyMap<string, { readonly tap: LiveTap }>;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #pictures = new Map<LiveTap, LivePictures>();
  #streams = 0;

  constructor(options: {
    settings: LiveSettings;
    cameras: ReadonlyMap<string, { readonly tap: LiveTap }>;
    clock: Clock;
    log: Logger;
  }) {
    this.#settings = options.settings;
    this.#cameras = options.cameras;
    this.#clock = options.clock;
    this.#log = options.log;
    this.webRtc = new WebRtcViewers(options.settings, options.log);
  }

  /** Throws `LiveRefusal` for a camera that is none of this agent's. */
  tapOf(camera: string): LiveTap {
    const tap = this.#cameras.get(camera)?.tap;
    if (tap === undefined) throw new LiveRefusal(404, 'no-camera', `This agent has no camera ${camera}.`);
    return tap;
  }

  picturesOf(camera: string): LivePictures {
    const tap = this.tapOf(camera);
    const known = this.#pictures.get(tap);
    if (known !== undefined) return known;
    const log = this.#log.child({ camera });
    const pictures = new LivePictures({ tap, pictures: this.#settings.pictures, clock: this.#clock, log });
    this.#pictures.set(tap, pictures);
    return pictures;
  }

  /** Throws `LiveRefusal` when the camera sends nothing. */
  async picture(camera: string): Promise<LivePicture> {
    const picture = await this.picturesOf(camera).newest(PICTURE_MS);
    if (picture === undefined)
      throw new LiveRefusal(503, 'camera-silent', `Camera ${camera} sends nothing at the moment.`);
    return picture;
  }

  /** Answers a WebRTC offer; see `WebRtcViewers.offer`. */
  async offer(camera: string, sdp: string): Promise<{ session: string; sdp: string }> {
    const leave = this.enter();
    try {
      return await this.webRtc.offer(camera, this.tapOf(camera), sdp);
    } finally {
      leave();
    }
  }

  /** One viewer more, until the answer is called. Throws `LiveRefusal` when there are enough. */
  enter(): () => void {
    if (this.#streams + this.webRtc.count >= this.#settings.viewers)
      throw new LiveRefusal(
        503,
        'full',
        `${this.#settings.viewers} viewers watch already, as many as live.viewers lets in: try again later.`,
      );
    this.#streams += 1;
    let inside = true;
    return () => {
      if (inside) this.#streams -= 1;
      inside = false;
    };
  }

  async close(): Promise<void> {
    this.webRtc.close();
    await Promise.all([...this.#pictures.values()].map((pictures) => pictures.close()));
  }
}
