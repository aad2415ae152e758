/** When a sampled frame was taken, in stream time, and when we heard of it. Undefined `streamUs`: it has no time. */
export interface FrameTime {
  streamUs: number | undefined;
  arrivedUs: number;
}

/** The times of frames whose pictures are still to come, in order. */
export class FrameTimes {
  /** The first frame's time; undefined when the stream ended without one. */
  readonly first: Promise<number | undefined>;
  readonly #queue: FrameTime[] = [];
  #ended = false;
  #wake: (() => void) | undefined;
  #setFirst: (streamUs: number | undefined) => void = () => undefined;

  constructor() {
    this.first = new Promise((resolve) => {
      this.#setFirst = resolve;
    });
  }

  push(time: FrameTime): void {
    if (time.streamUs !== undefined) this.#setFirst(time.streamUs);
    this.#queue.push(time);
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#setFirst(undefined);
    this.#wake?.();
  }

  /** The time of the next picture; undefined when there will be none. For one caller at a time. */
  async next(): Promise<FrameTime | undefined> {
    while (this.#queue.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#queue.shift();
  }
}
