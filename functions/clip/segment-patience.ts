import { FaascamError } from '@faascam/core/errors';

/** An event's segments are given up at so many offers in a row: some minutes, in which the agent sent them again. */
const PATIENCE_OFFERS = 8;
/** Of other events the eldest is forgotten: its patience begins anew. */
const MOST_EVENTS = 1000;
const GONE = new Set(['segment-missing', 'segment-corrupt']);

/** Whether a segment is not where its agent put it: then it is worth counting, all else passes by itself. */
export function isGone(error: unknown): error is FaascamError {
  return error instanceof FaascamError && GONE.has(error.code);
}

/**
 * How often in a row an event's segments were not to be had. Counted here, not by the agent's count of its offers, which
 * may have failed for anything: a store that was away for an hour says nothing about segments.
 */
export class SegmentPatience {
  readonly #failed = new Map<string, number>();

  /** `fetch` is told whether to give up what is gone, and says how many segments it gave up. */
  async during<T extends { lost: unknown[] }>(
    event: string,
    fetch: (isOver: boolean) => Promise<T>,
  ): Promise<T> {
    const failed = this.#failed.get(event) ?? 0;
    try {
      const fetched = await fetch(failed + 1 >= PATIENCE_OFFERS);
      // Of one that gave up, the next try, should storing fail, gives up as well.
      if (fetched.lost.length === 0) this.#failed.delete(event);
      return fetched;
    } catch (error) {
      if (isGone(error)) this.#count(event, failed + 1);
      throw error;
    }
  }

  #count(event: string, failed: number): void {
    this.#failed.delete(event);
    this.#failed.set(event, failed);
    const [eldest] = this.#failed.keys();
    if (eldest !== undefined && this.#failed.size > MOST_EVENTS) this.#failed.delete(eldest);
  }
}
