interface Waiting {
  order: number;
  go: () => void;
}

/** A queue out of which the highest `order` goes first, whenever it came: the newest event. */
export class NewestFirst {
  readonly #waiting = new Set<Waiting>();

  /** Resolves when it is its turn; `arrived` is called once it waits. Rejects when the signal is aborted before. */
  async wait(order: number, signal: AbortSignal, arrived: () => void): Promise<void> {
    if (signal.aborted) throw noLongerWaits();
    await new Promise<void>((resolve, reject) => {
      const stop = (): void => {
        this.#waiting.delete(waiting);
        reject(noLongerWaits());
      };
      const go = (): void => {
        signal.removeEventListener('abort', stop);
        resolve();
      };
      const waiting = { order, go };
      signal.addEventListener('abort', stop, { once: true });
      this.#waiting.add(waiting);
      arrived();
    });
  }

  /** How many wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Lets the first go. Says whether there was one. */
  admit(): boolean {
    let newest: Waiting | undefined;
    for (const waiting of this.#waiting) {
      if (newest === undefined || waiting.order > newest.order) newest = waiting;
    }
    if (newest === undefined) return false;
    this.#waiting.delete(newest);
    newest.go();
    return true;
  }
}

function noLongerWaits(): Error {
  return new DOMException('no longer waiting for a turn', 'AbortError');
}
