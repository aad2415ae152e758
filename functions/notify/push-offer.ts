import type { Clock } from '@faascam/core/clock';
import { messageOf } from '@faascam/core/errors';
import type { FunctionMessaging } from '@faascam/core/function-messaging';
import type { Logger } from '@faascam/core/log';
import { tellPublicKey } from '@faascam/core/push-subscriptions';

const RETRY_MS = 5000;

/**
 * Takes away the key that browsers subscribe with, for nobody pushes any more: the page then offers no notifications. Where
 * NATS is away it tries again until it is there, or `signal` says that it is over. Never rejects.
 */
export async function withdrawPushOffer(
  messaging: FunctionMessaging,
  { clock, log, signal }: { clock: Clock; log: Logger; signal: AbortSignal },
): Promise<void> {
  let fault = '';
  while (!signal.aborted) {
    try {
      await tellPublicKey(await messaging.get(), '');
      return;
    } catch (error) {
      if (fault !== messageOf(error))
        log.warn({ fault: messageOf(error) }, 'the page may still offer notifications');
      fault = messageOf(error);
    }
    // Rejects when it is over.
    await clock.sleep(RETRY_MS, signal).catch(() => undefined);
  }
}
