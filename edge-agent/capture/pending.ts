/** What came on one pipe and waits for its counterpart on another, in order. */
export class Pending<T> {
  readonly #queue: T[] = [];
  #ended = false;
  #wake: (() => void) | undefined;

  push(value: T): void {
    this.#queue.push(value);
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** The next one; undefined when there will be none. For one caller at a time. */
  async next(): Promise<T | undefined> {
    while (this.#queue.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#queue.shift();
  }
}
