import type { Logger } from '@faascam/core/log';

const EVERY_MS = 10_000;

/**
 * Says a thing at once and then at most every ten seconds, with how often it was left out: a function that fails at
 * every frame must not fill the disk with the same line.
 */
export class LimitedLog {
  readonly #log: Logger;
  readonly #said = new Map<string, { atMs: number; leftOut: number }>();

  constructor(log: Logger) {
    this.#log = log;
  }

  warn(fields: Record<string, unknown>, what: string): void {
    const nowMs = performance.now();
    const last = this.#said.get(what);
    if (last && nowMs - last.atMs < EVERY_MS) {
      last.leftOut += 1;
      return;
    }
    this.#said.set(what, { atMs: nowMs, leftOut: 0 });
    this.#log.warn({ ...fields, ...(last && last.leftOut > 0 ? { leftOut: last.leftOut } : {}) }, what);
  }
}
