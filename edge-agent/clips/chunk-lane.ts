import type { Clock } from '@faascam/core/clock';
import { NewestFirst } from './newest-first.ts';

/** Between a chunk's start and NATS's word that it has it: how long a frame may have to wait behind it. */
const CHUNK_MS = 100;
const LEAST_CHUNK_BYTES = 16 * 1024;
const MOST_CHUNK_BYTES = 256 * 1024;

/**
 * The way of all the agent's clips to NATS: one chunk at a time, of the newest event first, so that frames get in between
 * and the link's queue never holds more of a clip than one chunk. On the frames' own connection, because two connections
 * would share a narrow link half and half, whatever frames need. A chunk is as large as the link takes in a tenth of a
 * second, and the bytes a second are limited where that is asked for.
 */
export class ChunkLane {
  /** 0: no limit. */
  kilobytesPerSecond: number;
  readonly #clock: Clock;
  readonly #queue = new NewestFirst();
  #chunkBytes = LEAST_CHUNK_BYTES * 2;
  #busy = false;
  /** When the limit allows the next chunk. */
  #allowedUs = 0;

  constructor(clock: Clock, kilobytesPerSecond = 0) {
    this.#clock = clock;
    this.kilobytesPerSecond = kilobytesPerSecond;
  }

  /**
   * Calls `work` with the most bytes that it may send, when no chunk of a higher `order` waits. It answers how many it
   * sent, and its result. Rejects with the signal's reason.
   */
  async send<T>(
    order: number,
    signal: AbortSignal,
    work: (bytes: number) => Promise<[sentBytes: number, result: T]>,
  ): Promise<T> {
    await this.#queue.wait(order, signal, () => this.#next());
    try {
      await this.#limited(signal);
      const beganUs = this.#clock.nowUs();
      const offered = this.#chunkBytes;
      const [sentBytes, result] = await work(offered);
      if (sentBytes === offered) this.#adapt((this.#clock.nowUs() - beganUs) / 1000);
      this.#count(sentBytes, beganUs);
      return result;
    } finally {
      this.#busy = false;
      // Whoever has just sent has its next chunk ready in a moment, and may still be the newest.
      setImmediate(() => this.#next());
    }
  }

  #next(): void {
    if (this.#busy) return;
    this.#busy = true;
    this.#busy = this.#queue.admit();
  }

  async #limited(signal: AbortSignal): Promise<void> {
    const waitMs = (this.#allowedUs - this.#clock.nowUs()) / 1000;
    if (this.kilobytesPerSecond > 0 && waitMs > 0) await this.#clock.sleep(waitMs, signal);
  }

  #count(bytes: number, beganUs: number): void {
    if (this.kilobytesPerSecond === 0) return;
    this.#allowedUs = Math.max(this.#allowedUs, beganUs) + (bytes / (this.kilobytesPerSecond * 1024)) * 1e6;
  }

  #adapt(tookMs: number): void {
    const factor = Math.min(2, Math.max(0.5, CHUNK_MS / Math.max(1, tookMs)));
    const limit = this.kilobytesPerSecond * 1024 * (CHUNK_MS / 1000);
    const most = limit === 0 ? MOST_CHUNK_BYTES : Math.min(MOST_CHUNK_BYTES, limit);
    this.#chunkBytes = Math.round(Math.max(LEAST_CHUNK_BYTES, Math.min(most, this.#chunkBytes * factor)));
  }
}
