import type { Clock } from '@faascam/core/clock';
import { messageOf } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import type { ObjectStore } from '@faascam/core/store';
import type { UntakenRequests } from './untaken.ts';

/** What is cleared up here has waited for a day and longer. */
const EVERY_MS = 3_600_000;

export interface HousekeepingOptions {
  store: () => Promise<Pick<ObjectStore, 'tidy'>>;
  requests: Pick<UntakenRequests, 'look'>;
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
}

/**
 * Now and each hour, until the signal is aborted: settles requests that no agent takes, and removes what broken uploads
 * have left. Never throws: a failure is logged, and tried again.
 */
export async function keepHouse({ store, requests, clock, log, signal }: HousekeepingOptions): Promise<void> {
  const tell = (what: string) => (error: unknown) => {
    if (!signal.aborted) log.warn({ fault: messageOf(error) }, `${what}; it is tried again in an hour`);
  };
  while (!signal.aborted) {
    await requests.look(signal).catch(tell('Requests that no agent takes could not be looked for'));
    await store()
      .then((opened) => opened.tidy())
      .catch(tell('What broken uploads have left could not be removed'));
    // The signal ends the wait, and with it the loop.
    await clock.sleep(EVERY_MS, signal).catch(() => undefined);
  }
}
