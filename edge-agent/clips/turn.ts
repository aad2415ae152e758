/** Runs pieces of work one after the other, in the order in which they were asked for. */
export class Turn {
  #last: Promise<unknown> = Promise.resolve();

  /** Resolves or rejects as `work` does. A failed piece holds nobody up. */
  async take<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work, work);
    this.#last = mine.catch(() => undefined);
    return await mine;
  }
}
