import type { Clock } from '@faascam/core/clock';
import { messageOf } from '@faascam/core/errors';
import type { LiveSettings } from '@faascam/core/live-settings';
import type { Logger } from '@faascam/core/log';
import { followedInput } from '../capture/ffmpeg-args.ts';
import { processor } from '../capture/hardware.ts';
import { PictureSampler } from '../capture/picture-sampler.ts';
import { runSession } from '../capture/session.ts';
import { RateLimit } from '../rate-limit.ts';
import { MJPEG } from './codec-names.ts';
import type { LiveStream } from './live-stream.ts';
import type { LiveTap } from './live-tap.ts';
import { matroskaFeed } from './matroska-feed.ts';
import { newestGroup } from './newest-group.ts';

export interface LivePicture {
  jpeg: Buffer;
  capturedAtUs: number | undefined;
}

/** Takes pictures; it must neither throw nor last. */
export type PictureTaker = (picture: LivePicture) => void;

const LOOK_EVERY_MS = 5000;
const STALL_MS = 15_000;
const RETRY_MS = 1000;
/** Whoever asks for one picture will soon ask for another. */
const HOLD_MS = 4000;

/**
 * A camera as JPEG pictures, for any number of takers: one ffmpeg decodes what the camera sends while there is a taker, and
 * none where the camera sends JPEG itself.
 */
export class LivePictures {
  readonly #options: {
    tap: LiveTap;
    pictures: LiveSettings['pictures'];
    clock: Clock;
    log: Logger;
  };
  readonly #limit: RateLimit;
  readonly #takers = new Set<PictureTaker>();
  #running: { stop: AbortController; over: Promise<void> } | undefined;
  #newest: { picture: LivePicture; atUs: number } | undefined;

  constructor(options: { tap: LiveTap; pictures: LiveSettings['pictures']; clock: Clock; log: Logger }) {
    this.#options = options;
    this.#limit = new RateLimit(options.clock);
  }

  get takers(): number {
    return this.#takers.size;
  }

  /** Serves the taker until the answer is called. */
  subscribe(taker: PictureTaker): () => void {
    this.#takers.add(taker);
    if (this.#running === undefined) {
      const stop = new AbortController();
      this.#running = { stop, over: this.#run(stop.signal) };
    }
    return () => {
      if (this.#takers.delete(taker) && this.#takers.size === 0) this.#stop();
    };
  }

  /** The newest picture; undefined when none comes within `timeoutMs`. */
  async newest(timeoutMs: number): Promise<LivePicture | undefined> {
    const { clock } = this.#options;
    const hold = this.subscribe(() => undefined);
    setTimeout(hold, HOLD_MS).unref();
    const { fps } = this.#options.pictures;
    const newest = this.#newest;
    if (newest !== undefined && clock.nowUs() - newest.atUs < 2e6 / fps) return newest.picture;
    return await new Promise((resolve) => {
      const over = new AbortController();
      const leave = this.subscribe((picture) => {
        leave();
        over.abort();
        resolve(picture);
      });
      const late = (): void => {
        leave();
        resolve(undefined);
      };
      clock.sleep(timeoutMs, over.signal).then(late, late);
    });
  }

  async close(): Promise<void> {
    this.#takers.clear();
    const over = this.#running?.over;
    this.#stop();
    await over;
  }

  #stop(): void {
    this.#running?.stop.abort();
    this.#running = undefined;
    this.#newest = undefined;
  }

  /** Never rejects. */
  async #run(signal: AbortSignal): Promise<void> {
    const { tap, clock, log } = this.#options;
    const goesOn = (): boolean => !signal.aborted;
    while (goesOn()) {
      const found = await newestGroup(tap, { timeoutMs: LOOK_EVERY_MS, signal, clock });
      if (found === undefined) continue;
      try {
        if (found.stream.video.codecId === MJPEG) await this.#passOn(signal);
        else await this.#decode(found.stream, signal);
      } catch (error) {
        this.#limit.tell('pictures', () => log.warn(`Live pictures cannot be made: ${messageOf(error)}`));
      }
      if (goesOn()) await clock.sleep(RETRY_MS, signal).catch(() => undefined);
    }
  }

  async #decode(stream: LiveStream, signal: AbortSignal): Promise<void> {
    const { tap, pictures, clock, log } = this.#options;
    const { fps, width, quality } = pictures;
    const end = await runSession({
      capture: {
        input: followedInput,
        frames: {
          mode: 'all',
          picture: { width, quality, rotate: 0 },
          fps,
          thumbnails: false,
          decoder: processor,
        },
      },
      stdin: matroskaFeed(tap, { sound: false }),
      ...{ stallMs: STALL_MS, clock, log, signal },
      onFrame: ({ jpeg, streamUs }) => {
        if (!signal.aborted)
          this.#give({ jpeg: Buffer.from(jpeg), capturedAtUs: stream.capturedAtUs(streamUs) });
      },
    });
    if (end.frames === 0 && !signal.aborted)
      this.#limit.tell('pictures', () =>
        log.warn(
          { complaints: end.complaints.slice(-3) },
          'Live pictures cannot be made of what the camera sends.',
        ),
      );
  }

  async #passOn(signal: AbortSignal): Promise<void> {
    const sampler = new PictureSampler(this.#options.pictures.fps);
    await new Promise<void>((resolve) => {
      let stream: LiveStream | undefined;
      const over = (): void => {
        leave();
        resolve();
      };
      const leave = this.#options.tap.subscribe({
        begin: (begun) => (stream = begun),
        packet: ({ kind, streamUs, data }) => {
          if (kind === 'video' && sampler.takes(streamUs))
            this.#give({ jpeg: data, capturedAtUs: stream?.capturedAtUs(streamUs) });
        },
        end: over,
      });
      if (signal.aborted) over();
      else signal.addEventListener('abort', over, { once: true });
    });
  }

  #give(picture: LivePicture): void {
    this.#newest = { picture, atUs: this.#options.clock.nowUs() };
    for (const taker of this.#takers) taker(picture);
  }
}
