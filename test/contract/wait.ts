import { setTimeout as sleep } from 'node:timers/promises';
import { ContractBroken } from './report.ts';

const LOOK_EVERY_MS = 50;

/**
 * Resolves with what `look` answers as soon as that is not undefined. Throws `ContractBroken` with `otherwise` when nothing
 * new came for `patienceMs`, where `newsAtMs` tells when something did, and the signal's reason.
 */
export async function awaited<T>(
  look: () => T | undefined | Promise<T | undefined>,
  { patienceMs, otherwise, signal, newsAtMs }: Awaiting,
): Promise<T> {
  const begunMs = performance.now();
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() - Math.max(begunMs, newsAtMs?.() ?? 0) > patienceMs) {
      throw new ContractBroken(`${otherwise} within ${patienceMs / 1000} s`);
    }
    await sleep(LOOK_EVERY_MS, undefined, { signal });
  }
}

export interface Awaiting {
  patienceMs: number;
  /** What did not happen. */
  otherwise: string;
  signal: AbortSignal;
  newsAtMs?: () => number;
}
