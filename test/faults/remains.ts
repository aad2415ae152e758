import { Objm } from '@nats-io/obj';
import { eventKey } from '@faascam/core/ids';
import { buckets } from '@faascam/core/subjects';
import type { ObjectStore } from '@faascam/core/store';
import type { Site } from './site.ts';

/** Where events are at this moment. */
export interface Remains {
  /** Keys in the clip store, by event. */
  keys: Map<string, string[]>;
  /** Events with a receipt. */
  receipts: Set<string>;
  /** Events whose footage is pinned, or lies in the object store of segments. */
  held: Set<string>;
}

export async function remainsOf(site: Site): Promise<Remains> {
  const keys = await keysIn(site.store);
  const receipts = new Set(
    [...keys].filter(([id, names]) => names.includes(eventKey(id, 'event.json'))).map(([id]) => id),
  );
  return { keys, receipts, held: new Set([...site.pins(), ...(await eventsInSegments(site))]) };
}

async function keysIn(store: ObjectStore): Promise<Map<string, string[]>> {
  const keys = new Map<string, string[]>();
  for await (const entry of store.list('')) {
    if (!('key' in entry)) continue;
    const id = entry.key.split('/').at(-2) ?? '';
    keys.set(id, [...(keys.get(id) ?? []), entry.key]);
  }
  return keys;
}

async function eventsInSegments(site: Site): Promise<string[]> {
  const bucket = await new Objm(site.messaging.nc).create(buckets.segments);
  const names = (await bucket.list()).filter(({ deleted }) => !deleted).map(({ name }) => name);
  return names.map((name) => name.split('/')[1] ?? name);
}

/** Bytes in the object store of segments that belong to no object: an upload broke off, and nobody cleared up. */
export async function orphanedChunks({ messaging }: Site): Promise<number> {
  const bucket = await new Objm(messaging.nc).create(buckets.segments);
  const known = new Set((await bucket.list()).filter(({ deleted }) => !deleted).map(({ nuid }) => nuid));
  const { state } = await messaging.jsm.streams.info(`OBJ_${buckets.segments}`, {
    subjects_filter: `$O.${buckets.segments}.C.>`,
  });
  const chunks = Object.entries(state.subjects ?? {});
  return chunks
    .filter(([subject]) => !known.has(subject.slice(subject.lastIndexOf('.') + 1)))
    .reduce((sum, [, count]) => sum + count, 0);
}
