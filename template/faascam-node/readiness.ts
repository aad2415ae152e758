import { messageOf } from '@faascam/core/errors';
import { redact } from '@faascam/core/redact';

export type ReadyState = { ready: true } | { ready: false; sentence: string };

/**
 * Asks a function whether it can serve. Success is remembered for good; a failure is asked again at the next call,
 * and calls that come while it is being asked share the answer.
 */
export class Readiness {
  readonly #ask: (() => Promise<void>) | undefined;
  #asked: Promise<ReadyState> | undefined;

  constructor(ask: (() => Promise<void>) | undefined) {
    this.#ask = ask;
  }

  async state(): Promise<ReadyState> {
    this.#asked ??= this.#askOnce();
    const asked = this.#asked;
    const state = await asked;
    if (!state.ready && this.#asked === asked) this.#asked = undefined;
    return state;
  }

  async #askOnce(): Promise<ReadyState> {
    try {
      await this.#ask?.();
      return { ready: true };
    } catch (error) {
      return { ready: false, sentence: redact(messageOf(error)) };
    }
  }
}
