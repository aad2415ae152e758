import { performance } from 'node:perf_hooks';
import { FaascamError } from '@faascam/core/errors';

export interface JobQueueOptions {
  /** Jobs that wait for their turn; one more is refused. */
  mostWaiting: number;
  /** Whoever called longer ago than this has given up: a job for nobody is left to the next call. */
  callerWaitsMs: number;
  /** A clock that only goes forward, in ms. */
  nowMs?: () => number;
}

interface Job<T> {
  result: Promise<T>;
  calledAtMs: number;
}

/**
 * Runs jobs one at a time in the order of their first call. A call for a job that waits or runs already joins it.
 * A job that runs goes on when its callers are gone: the next call finds it further on.
 */
export class JobQueue<T> {
  readonly #options: JobQueueOptions;
  readonly #jobs = new Map<string, Job<T>>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: JobQueueOptions) {
    this.#options = options;
  }

  /**
   * The job's result. Rejects with what `work` throws, or with `FaascamError` `busy` when too many wait, and
   * `caller-gone` when nobody has asked for it lately.
   */
  run(id: string, work: () => Promise<T>): Promise<T> {
    const known = this.#jobs.get(id);
    if (known !== undefined) {
      known.calledAtMs = this.#nowMs();
      return known.result;
    }
    if (this.#jobs.size > this.#options.mostWaiting) {
      return Promise.reject(
        new FaascamError('busy', `${this.#jobs.size} other clips are being made: ask again.`),
      );
    }
    const result = this.#last.then(() => this.#begin(id, work));
    const job = { result, calledAtMs: this.#nowMs() };
    this.#jobs.set(id, job);
    const forget = (): void => {
      this.#jobs.delete(id);
    };
    // The next in line does not care how this one ends; its own callers do.
    this.#last = result.then(forget, forget);
    return result;
  }

  /** Resolves when all jobs known now have ended. */
  async idle(): Promise<void> {
    await this.#last;
  }

  async #begin(id: string, work: () => Promise<T>): Promise<T> {
    const job = this.#jobs.get(id);
    if (job !== undefined && this.#nowMs() - job.calledAtMs > this.#options.callerWaitsMs) {
      throw new FaascamError('caller-gone', `Nobody waits for ${id} any more: the next call begins anew.`);
    }
    return await work();
  }

  #nowMs(): number {
    return this.#options.nowMs?.() ?? performance.now();
  }
}
