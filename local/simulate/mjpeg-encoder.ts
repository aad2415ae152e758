import { spawn, type ChildProcess } from 'node:child_process';
import { MpjpegSplitter } from '@faascam/edge-agent/capture/mpjpeg';
import { mjpegArgs } from './feeder-args.ts';
import { ended } from './process-end.ts';
import type { StreamFan } from './stream-fan.ts';

/** More than this waits for the encoder only when it hangs. */
const LONGEST_QUEUE_BYTES = 32 * 1024 * 1024;

interface Running {
  child: ChildProcess;
  over: Promise<void>;
  leave: () => void;
}

/** JPEGs of a stream. One ffmpeg makes them for all who look, and only while someone does. */
export class MjpegEncoder {
  readonly #stream: StreamFan;
  readonly #viewers = new Set<(jpeg: Buffer) => void>();
  #running: Running | undefined;

  constructor(stream: StreamFan) {
    this.#stream = stream;
  }

  /** Answers how to look no longer. */
  look(viewer: (jpeg: Buffer) => void): () => void {
    this.#viewers.add(viewer);
    this.#running ??= this.#start();
    return () => {
      this.#viewers.delete(viewer);
      if (this.#viewers.size === 0) this.#end();
    };
  }

  async stop(): Promise<void> {
    const over = this.#running?.over;
    this.#viewers.clear();
    this.#end();
    await over;
  }

  #start(): Running {
    const child = spawn('ffmpeg', mjpegArgs(), { stdio: ['pipe', 'pipe', 'ignore'] });
    const splitter = new MpjpegSplitter();
    child.stdout.on('data', (chunk: Buffer) => {
      for (const jpeg of splitter.push(chunk)) for (const viewer of this.#viewers) viewer(jpeg);
    });
    child.stdin.on('error', () => {
      // It has ended: the next one who looks starts another.
    });
    const leave = this.#stream.join((bytes) => {
      if (child.stdin.writableLength < LONGEST_QUEUE_BYTES) child.stdin.write(bytes);
      else child.kill('SIGKILL');
    });
    const over = ended(child).then(() => {
      leave();
      if (this.#running?.child === child) this.#running = undefined;
    });
    return { child, over, leave };
  }

  #end(): void {
    this.#running?.leave();
    this.#running?.child.kill('SIGKILL');
    this.#running = undefined;
  }
}
