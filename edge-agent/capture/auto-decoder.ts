import type { Clock } from '@faascam/core/clock';
import { messageOf } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import type { FrameFlow } from '../frames/frame-flow.ts';
import { decodeBurst } from './burst.ts';
import type { FramePicture } from './ffmpeg-args.ts';
import type { LiveFrame, LiveSession } from './live-session.ts';
import type { SegmentFollower } from './segment-follower.ts';

/** Keyframes further apart than this, with some room for jitter, tell too little of what happens between them. */
const FARTHEST_US = 2_200_000;
const TRY_AGAIN_US = 30_000_000;

export interface AutoDecoderOptions {
  flow: FrameFlow;
  follower: SegmentFollower;
  live: LiveSession;
  picture: FramePicture;
  fps: number;
  clock: Clock;
  log: Logger;
  /** Called when keyframes are too far apart for this to work. */
  onFarApart: () => void;
}

/**
 * Looks at keyframes while nothing happens. From the keyframe before a change on, all pictures are decoded, out of the
 * session's own segments, until nothing happens any more.
 */
export class AutoDecoder {
  readonly #options: AutoDecoderOptions;
  #previous: LiveFrame | undefined;
  #burst: { stop: AbortController; done: Promise<void> } | undefined;
  #notBeforeUs = 0;

  constructor(options: AutoDecoderOptions) {
    this.#options = options;
  }

  /** The session's next keyframe. */
  keyframe(frame: LiveFrame): void {
    const { flow, clock, onFarApart } = this.#options;
    const previous = this.#previous;
    this.#previous = frame;
    if (previous !== undefined && frame.streamUs - previous.streamUs > FARTHEST_US) onFarApart();
    // The burst brings this picture as well, in its turn.
    if (this.#burst !== undefined) return;
    if (clock.nowUs() >= this.#notBeforeUs && flow.isWorthALook(frame)) this.#begin(frame, previous ?? frame);
    else flow.take(frame);
  }

  /** Ends a burst; its last frames still arrive. Call it when the session's segments are all known. */
  async end(): Promise<void> {
    this.#burst?.stop.abort();
    await this.#burst?.done;
  }

  #begin(trigger: LiveFrame, from: LiveFrame): void {
    const stop = new AbortController();
    this.#burst = {
      stop,
      done: this.#decode(trigger, from, stop).finally(() => {
        this.#burst = undefined;
      }),
    };
  }

  /** Never rejects: without a burst the keyframes tell what they can. */
  async #decode(trigger: LiveFrame, from: LiveFrame, stop: AbortController): Promise<void> {
    const { flow, follower, live, picture, fps, clock, log } = this.#options;
    let frames = 0;
    try {
      frames = await decodeBurst({
        ...{ follower, picture, fps, clock, log, signal: stop.signal, fromUs: from.streamUs },
        onFrame: ({ jpeg, thumbnail, streamUs }) => {
          const capturedAtUs = live.capturedAtUs(streamUs);
          flow.take({ jpeg, thumbnail, capturedAtUs });
          if (streamUs > trigger.streamUs && !flow.activeAt(capturedAtUs)) stop.abort();
        },
      });
    } catch (error) {
      log.warn(`The newest footage could not be decoded: ${messageOf(error)}`);
    }
    if (frames > 0) return;
    this.#notBeforeUs = clock.nowUs() + TRY_AGAIN_US;
    flow.take(trigger);
  }
}
