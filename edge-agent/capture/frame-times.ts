import { Pending } from './pending.ts';

/** When a sampled frame was taken, in stream time, and when we heard of it. Undefined `streamUs`: it has no time. */
export interface FrameTime {
  streamUs: number | undefined;
  arrivedUs: number;
}

/** The times of frames whose pictures are still to come, in order. */
export class FrameTimes extends Pending<FrameTime> {
  /** The first frame's time; undefined when it has none, or the stream ended without a frame. */
  readonly first: Promise<number | undefined>;
  #setFirst: (streamUs: number | undefined) => void = () => undefined;

  constructor() {
    super();
    this.first = new Promise((resolve) => {
      this.#setFirst = resolve;
    });
  }

  override push(time: FrameTime): void {
    this.#setFirst(time.streamUs);
    super.push(time);
  }

  override end(): void {
    this.#setFirst(undefined);
    super.end();
  }
}
