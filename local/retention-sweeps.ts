import { systemClock } from '@faascam/core/clock';
import type { Config } from '@faascam/core/config';
import { messageOf } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import { RetentionSweeper } from '@faascam/core/retention-sweeper';
import { openStore } from '@faascam/core/store';

/** How often it is asked whether a sweep is due; it is once an hour. */
const ASK_EVERY_MS = 300_000;

/** Removes events that are too old, once an hour, until the signal is aborted. A failure is logged and tried again. */
export async function sweepRegularly(
  { store: settings, data, retention }: Config,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  const sweeper = new RetentionSweeper({ settings: retention, clock: systemClock, log, signal });
  while (!signal.aborted) {
    try {
      const store = await openStore(settings, data);
      try {
        await sweeper.sweepIfDue(store);
      } finally {
        await store.close();
      }
    } catch (error) {
      log.warn({ fault: messageOf(error) }, 'the clip store cannot be opened to remove old events');
    }
    // The signal ends the wait, and with it the loop.
    await systemClock.sleep(ASK_EVERY_MS, signal).catch(() => undefined);
  }
}
