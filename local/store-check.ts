import type { Config } from '@faascam/core/config';
import { StoreError } from '@faascam/core/errors';
import { openStore } from '@faascam/core/store';
import { tell } from './terminal.ts';

/**
 * Makes sure that clips can be stored, before anything starts. Throws `StoreError` or `UsageError`; with `patient`, a
 * store that is out of reach right now is only told: clips wait for it.
 */
export async function requireStore(config: Config, patient: boolean): Promise<void> {
  try {
    const store = await openStore(config.store, config.data);
    try {
      await store.check();
    } finally {
      await store.close();
    }
  } catch (error) {
    if (!patient || !(error instanceof StoreError) || error.code !== 'store-unreachable') throw error;
    tell(`Warning: ${error.message} Clips wait until it can be reached.`);
  }
}
