import { z } from 'zod';
import { FaascamError } from './errors.ts';
import { putJson, removalStateOf } from './event-removal.ts';
import { storedEvent } from './event-walk.ts';
import { eventId, eventKey } from './ids.ts';
import { timeUs } from './messages.ts';
import type { ObjectStore } from './store.ts';

/** `keep.json`: as long as it lies beside its event, the event is not removed. */
export const keptEvent = z.object({
  v: z.literal(1),
  eventId,
  keptAtUs: timeUs,
  /** Who asked for it, as far as it is known. */
  by: z.string().optional(),
});
export type KeptEvent = z.infer<typeof keptEvent>;

/**
 * Protects an event from retention and from removal without force. Throws `FaascamError` `no-event` where there is none,
 * `event-removed` where it is gone or going, and `StoreError`.
 */
export async function keepEvent(
  store: ObjectStore,
  id: string,
  { atUs, by }: { atUs: number; by?: string | undefined },
): Promise<'kept' | 'was-kept'> {
  const before = removalStateOf(await storedEvent(store, id));
  if (before === 'kept') return 'was-kept';
  if (before === 'absent' || before === 'unstored') {
    throw new FaascamError('no-event', `There is no event ${id} in ${store.description}.`);
  }
  if (before === 'removed') throw gone(store, id);
  const mark: KeptEvent = { v: 1, eventId: id, keptAtUs: atUs, ...(by === undefined ? {} : { by }) };
  await putJson(store, id, 'keep.json', mark, false);
  // A removal looks for the mark after its trace, so that one of the two sees the other.
  const after = removalStateOf(await storedEvent(store, id));
  if (after === 'kept') return 'kept';
  if (after === 'taken-back') {
    await store.delete(eventKey(id, 'removed.json'));
    if (removalStateOf(await storedEvent(store, id)) === 'kept') return 'kept';
  }
  throw gone(store, id);
}

/** Ends the protection; that there was none is no error. Throws `StoreError`. */
export async function letGoEvent(store: ObjectStore, id: string): Promise<'let-go' | 'was-not-kept'> {
  const key = eventKey(id, 'keep.json');
  if ((await store.head(key)) === undefined) return 'was-not-kept';
  await store.delete(key);
  return 'let-go';
}

function gone(store: ObjectStore, id: string): FaascamError {
  return new FaascamError(
    'event-removed',
    `The event ${id} was removed from ${store.description}, or is being removed: it cannot be kept any more.`,
  );
}
