import type { Clock } from '@faascam/core/clock';
import { messageOf } from '@faascam/core/errors';
import type { Delivery } from '../notice.ts';

/** Resolves when the broker has said that it has it, or has not for too long. */
export async function answered(
  published: Promise<unknown>,
  timeoutMs: number,
  clock: Clock,
): Promise<Delivery> {
  const waited = new AbortController();
  const late = clock
    .sleep(timeoutMs, waited.signal)
    .then((): Delivery => ({ kind: 'later', reason: `the broker did not answer within ${timeoutMs} ms` }))
    .catch((): Delivery => ({ kind: 'later', reason: 'the broker was quicker' }));
  const done = published.then(
    (): Delivery => ({ kind: 'delivered', said: 'the broker has it' }),
    (error: unknown): Delivery => ({ kind: 'later', reason: messageOf(error) }),
  );
  const outcome = await Promise.race([done, late]);
  waited.abort();
  return outcome;
}
