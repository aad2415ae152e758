import { removedEvent, type RemovedEvent } from './attestation.ts';
import { MalformedInputError } from './errors.ts';
import { sizeOf, storedEvent, type StoredEvent } from './event-walk.ts';
import { eventKey, type EventObject } from './ids.ts';
import { readReceipt } from './read-object.ts';
import type { ObjectStore } from './store.ts';

/**
 * How far an event in the store is on its way out, by the names of its objects. Pure.
 * `whole`: nobody has begun to remove it; `kept`: nobody may; `unstored`: it has no receipt (yet);
 * `taken-back`: its removal was begun, but it was kept before anything had gone;
 * `half-removed`: a removal was cut off, or is going on; `removed`: nothing but the trace is left; `absent`: not even that.
 */
export type RemovalState =
  'whole' | 'kept' | 'unstored' | 'taken-back' | 'half-removed' | 'removed' | 'absent';

export function removalStateOf({ objects }: Pick<StoredEvent, 'objects'>): RemovalState {
  if (objects.size === 0) return 'absent';
  const [receipt, kept] = [objects.has('event.json'), objects.has('keep.json')];
  if (!objects.has('removed.json')) return receipt ? (kept ? 'kept' : 'whole') : 'unstored';
  if (objects.size === 1) return 'removed';
  return receipt && kept ? 'taken-back' : 'half-removed';
}

export interface Removal {
  atUs: number;
  reason: RemovedEvent['reason'];
  /** Who asked for it. */
  by?: string | undefined;
  /** Also an event that is kept. */
  force?: boolean | undefined;
}

export interface Removed {
  outcome: 'removed' | 'kept' | 'was-removed' | 'absent';
  /** Freed in the store. */
  sizeBytes: number;
}

/**
 * Removes an event and leaves its trace: first `removed.json` is written, with what its agent attested, then the receipt
 * goes, then the rest. So a receipt never stands without its clip and without a trace, wherever this is cut off; called
 * again it goes on. Any number of callers at the same time do no harm. Throws `StoreError`.
 */
export async function removeEvent(store: ObjectStore, id: string, removal: Removal): Promise<Removed> {
  const event = await storedEvent(store, id);
  const state = removalStateOf(event);
  const traceKey = eventKey(id, 'removed.json');
  if (state === 'absent') return { outcome: 'absent', sizeBytes: 0 };
  if (state === 'removed') return { outcome: 'was-removed', sizeBytes: 0 };
  if (removal.force !== true && (state === 'kept' || state === 'taken-back')) {
    if (state === 'taken-back') await store.delete(traceKey);
    return { outcome: 'kept', sizeBytes: 0 };
  }

  const trace = event.objects.has('removed.json') ? undefined : await traceOf(store, event, removal);
  if (trace !== undefined) {
    await putTrace(store, id, trace);
    // Whoever keeps an event looks for the trace after it: one of the two sees the other.
    if (removal.force !== true && (await store.head(eventKey(id, 'keep.json'))) !== undefined) {
      await store.delete(traceKey);
      return { outcome: 'kept', sizeBytes: 0 };
    }
  }
  const prefix = traceKey.slice(0, -'removed.json'.length);
  const names = [...event.objects.keys()].filter((name) => name !== 'removed.json');
  for (const name of names.sort((a, b) => Number(b === 'event.json') - Number(a === 'event.json'))) {
    await store.delete(`${prefix}${name}`);
  }
  // Someone may have kept it at the very last moment, and taken the trace back: it is gone all the same.
  if (trace !== undefined) await putTrace(store, id, trace);
  return { outcome: 'removed', sizeBytes: sizeOf(event) - (event.objects.get('removed.json') ?? 0) };
}

async function traceOf(store: ObjectStore, event: StoredEvent, removal: Removal): Promise<RemovedEvent> {
  const { attestation } = (await receiptOf(store, event)) ?? {};
  return removedEvent.parse({
    v: 1,
    eventId: event.id,
    camera: event.camera,
    removedAtUs: removal.atUs,
    reason: removal.reason,
    by: removal.by,
    attestation,
  });
}

/** Undefined also for one that cannot be read: an event with a damaged receipt must be removable. */
async function receiptOf(store: ObjectStore, { id, objects }: StoredEvent) {
  if (!objects.has('event.json')) return undefined;
  try {
    return await readReceipt(store, id);
  } catch (error) {
    if (error instanceof MalformedInputError) return undefined;
    throw error;
  }
}

async function putTrace(store: ObjectStore, id: string, trace: RemovedEvent): Promise<void> {
  await putJson(store, id, 'removed.json', trace, true);
}

/** Stores a small JSON object of an event. */
export async function putJson(
  store: ObjectStore,
  id: string,
  name: EventObject,
  value: unknown,
  ifAbsent: boolean,
): Promise<'created' | 'exists'> {
  const body = Buffer.from(`${JSON.stringify(value, undefined, 2)}\n`);
  return await store.put(eventKey(id, name), body, { contentType: 'application/json', ifAbsent });
}
