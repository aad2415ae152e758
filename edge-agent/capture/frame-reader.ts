import type { ChildProcess } from 'node:child_process';
import type { Clock } from '@faascam/core/clock';
import { THUMBNAIL_BYTES } from '../frames/change.ts';
import { ChunkSplitter } from './chunks.ts';
import { pipes } from './ffmpeg-args.ts';
import { LineSplitter } from './lines.ts';
import { MpjpegSplitter } from './mpjpeg.ts';
import { pipeOf, readPipe } from './pipe.ts';

/** When a sampled frame was taken, in stream time, and when we heard of it. Undefined `streamUs`: it has no time. */
export interface FrameTime {
  streamUs: number | undefined;
  arrivedUs: number;
}

/** What came of one frame. Times and thumbnails are missing when ffmpeg ended without them. */
export interface FrameParts {
  jpeg: Buffer;
  time: FrameTime | undefined;
  thumbnail: Uint8Array | undefined;
}

export interface FrameReaderOptions {
  child: ChildProcess;
  /** The time in a line of the pipe `times`; undefined for a line that tells of none. */
  parseTime: (line: string) => number | 'no-time' | undefined;
  /** Whether thumbnails come. */
  thumbnails: boolean;
  clock: Clock;
  /** Called in order, one at a time; ffmpeg waits meanwhile. When it fails, the others are let go. */
  onFrame: (frame: FrameParts) => void | Promise<void>;
  /** Called once when the pictures are garbled, or `onFrame` has failed: what comes then is worth nothing. */
  onFault: (fault: 'garbled' | 'failed') => void;
}

/** Reads an ffmpeg's frames: picture, time and thumbnail come on a pipe each, in step. */
export class FrameReader {
  /** The first frame's time; undefined when it has none, or the stream ended without a frame. */
  readonly first: Promise<number | undefined>;
  readonly #options: FrameReaderOptions;
  readonly #jpegs: Buffer[] = [];
  readonly #times: FrameTime[] = [];
  readonly #thumbnails: Uint8Array[] = [];
  #setFirst: (streamUs: number | undefined) => void = () => undefined;
  #timesEnd = false;
  #thumbnailsEnd: boolean;
  #taking: Promise<void> | undefined;
  #failure: { error: unknown } | undefined;

  constructor(options: FrameReaderOptions) {
    this.#options = options;
    this.#thumbnailsEnd = !options.thumbnails;
    this.first = new Promise((resolve) => {
      this.#setFirst = resolve;
    });
  }

  /** Resolves once ffmpeg has closed its pipes, and all frames were taken. Rejects with what `onFrame` threw. */
  async run(): Promise<void> {
    await Promise.all([this.#readPictures(), this.#readTimes(), this.#readThumbnails()]);
    while (this.#taking !== undefined) await this.#taking;
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #readPictures(): Promise<void> {
    const splitter = new MpjpegSplitter();
    await readPipe(pipeOf(this.#options.child, pipes.frames), (bytes) => {
      const jpegs = splitter.push(bytes);
      // A lost frame would leave its time to the next one.
      if (splitter.junkBytes > 0) this.#options.onFault('garbled');
      if (jpegs.length === 0) return;
      this.#jpegs.push(...jpegs);
      this.#takeWhole();
    });
  }

  async #readTimes(): Promise<void> {
    const { child, clock, parseTime } = this.#options;
    const lines = new LineSplitter();
    await readPipe(pipeOf(child, pipes.times), (bytes) => {
      const arrivedUs = clock.nowUs();
      for (const line of lines.push(bytes)) {
        const time = parseTime(line);
        if (time === undefined) continue;
        const streamUs = time === 'no-time' ? undefined : time;
        this.#setFirst(streamUs);
        this.#times.push({ streamUs, arrivedUs });
      }
      this.#takeWhole();
    });
    this.#setFirst(undefined);
    this.#timesEnd = true;
    this.#takeWhole();
  }

  async #readThumbnails(): Promise<void> {
    const chunks = new ChunkSplitter(THUMBNAIL_BYTES);
    await readPipe(pipeOf(this.#options.child, pipes.thumbnails), (bytes) => {
      // Those who want none need not keep them.
      if (!this.#options.thumbnails) return;
      this.#thumbnails.push(...chunks.push(bytes));
      this.#takeWhole();
    });
    this.#thumbnailsEnd = true;
    this.#takeWhole();
  }

  /** Hands over the frames of which all is here. */
  #takeWhole(): void {
    while (this.#taking === undefined && this.#isWhole()) {
      const [jpeg, time, thumbnail] = [this.#jpegs.shift(), this.#times.shift(), this.#thumbnails.shift()];
      if (jpeg === undefined) return;
      // After a failure all is read on, or ffmpeg could not end.
      if (this.#failure !== undefined) continue;
      try {
        const taken = this.#options.onFrame({ jpeg, time, thumbnail });
        if (taken !== undefined) this.#taking = this.#hold(taken);
      } catch (error) {
        this.#fail(error);
      }
    }
  }

  #isWhole(): boolean {
    if (this.#jpegs.length === 0) return false;
    if (this.#times.length === 0 && !this.#timesEnd) return false;
    return this.#thumbnails.length > 0 || this.#thumbnailsEnd;
  }

  /** Lets ffmpeg wait until a frame is taken. */
  async #hold(taken: Promise<void>): Promise<void> {
    const pictures = pipeOf(this.#options.child, pipes.frames);
    pictures?.pause();
    try {
      await taken;
    } catch (error) {
      this.#fail(error);
    }
    this.#taking = undefined;
    pictures?.resume();
    this.#takeWhole();
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#options.onFault('failed');
  }
}
