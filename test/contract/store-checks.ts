import type { Finding } from '@faascam/local/verify/finding';
import { foldersInStore } from '@faascam/local/verify/folders';
import { verify } from '@faascam/local/verify/verification';
import type { ObjectStore } from '@faascam/core/store';
import { expected, type Report } from './report.ts';

export interface StoreChecks {
  report: Report;
  store: ObjectStore;
  camera: string;
  publicKey: string;
  /** How many events must be there. */
  events: number;
  signal: AbortSignal;
}

/** What lies in the store, past all functions. */
export async function checkStore(checks: StoreChecks): Promise<void> {
  const { report, store, camera, publicKey, events, signal } = checks;
  await report.check('The store holds each event once, whole and as it was signed', async () => {
    const found: Finding[] = [];
    const result = await verify(foldersInStore(store, `${camera}/`), {
      pinned: new Set([publicKey]),
      heads: [],
      oldestOf: () => 1,
      allowUnsigned: false,
      onFindings: (findings) => void found.push(...findings),
      signal,
    });
    expected(found.length === 0, found.map(({ message }) => message).join(' '));
    expected(result.events === events, `${result.events} events instead of ${events}`);
    return `${events} events in ${store.description}`;
  });
}
