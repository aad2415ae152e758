import { hash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { canonicalSha256 } from '@faascam/core/canonical-json';
import { FaascamError } from '@faascam/core/errors';
import { eventKey, type EventObject } from '@faascam/core/ids';
import {
  isWithoutAgent,
  manifest as manifestSchema,
  type ClipReady,
  type Manifest,
} from '@faascam/core/clip-messages';
import type { ObjectStore } from '@faascam/core/store';
import { metadataOf } from './receipt.ts';

/** A receipt as it lies in the store. */
export interface StoredReceipt {
  manifest: Manifest;
  /** Of its canonical JSON, with all that is in it, also what we do not know. */
  sha256: string;
}

/**
 * An event's receipt if it is stored: then all of the event is. Throws `FaascamError` `receipt-unreadable` when
 * what is there is no receipt.
 */
export async function findReceipt(store: ObjectStore, eventId: string): Promise<StoredReceipt | undefined> {
  const key = eventKey(eventId, 'event.json');
  const found = await store.get(key);
  if (found === undefined) return undefined;
  try {
    const value: unknown = JSON.parse((await buffer(found.stream)).toString());
    return { manifest: manifestSchema.parse(value), sha256: canonicalSha256(value) };
  } catch (cause) {
    throw new FaascamError(
      'receipt-unreadable',
      `${key} in ${store.description} is no receipt of ours: move it away, then the event is stored anew.`,
      { cause },
    );
  }
}

/** Whether an event without a receipt was removed on purpose: it must not be stored again. */
export async function wasRemoved(store: ObjectStore, eventId: string): Promise<boolean> {
  return (await store.head(eventKey(eventId, 'removed.json'))) !== undefined;
}

/** The event that is stored. */
type Stored = Pick<ClipReady, 'eventId' | 'event'>;

/** A file on disk that belongs to an event, and what it is called in the store. */
export interface EventFile {
  name: EventObject;
  path: string;
  sha256: string;
}

/**
 * Stores an event: first its files, then the receipt, and only if there is none yet. The receipt commits: whoever finds
 * it finds the rest, and a crash before it leaves objects that the next attempt replaces. Several writers at the same
 * time may have made different bytes of the same footage: the first receipt wins, its writer sees to it that the files
 * beside it are its own, and an upload of another that ends only then changes nothing. Gives the receipt that is in the
 * store in the end, and whether it is this one. In the stored one, `original` stands for what is there of the same name:
 * the parts of the offer that are signed. A receipt that says that no agent has come gives way to an agent's.
 */
export async function storeEvent(
  store: ObjectStore,
  ready: Stored,
  manifest: Manifest,
  files: EventFile[],
  original: object,
): Promise<{ receipt: StoredReceipt; isOurs: boolean }> {
  for (const file of files) {
    const first = await putUncommitted(store, ready, file);
    if (first !== undefined) return { receipt: first, isOurs: false };
  }
  const value = { ...manifest, ...original };
  const bytes = Buffer.from(`${JSON.stringify(value, undefined, 2)}\n`);
  const key = eventKey(ready.eventId, 'event.json');
  const put = () =>
    store.put(key, bytes, {
      contentType: 'application/json',
      metadata: metadataOf(ready, hash('sha256', bytes)),
      ifAbsent: true,
    });
  let outcome = await put();
  let first = outcome === 'exists' ? await findReceipt(store, ready.eventId) : undefined;
  if (first !== undefined && isWithoutAgent(first.manifest) && !isWithoutAgent(manifest)) {
    // Removed and not replaced, so that of several writers still one is first. Cut off here, the agent offers it again.
    await store.delete(key);
    outcome = await put();
    first = outcome === 'exists' ? await findReceipt(store, ready.eventId) : undefined;
  }
  if (first !== undefined) return { receipt: first, isOurs: false };
  for (const file of files) {
    if ((await whatLies(store, ready, file)) !== 'this') await putFile(store, ready, file, false);
  }
  return { receipt: { manifest, sha256: canonicalSha256(value) }, isOurs: true };
}

/**
 * Stores a file for a receipt that is still to come. It takes the place of what a crash left, but not of what another
 * writer's receipt speaks of: that receipt is given then.
 */
async function putUncommitted(
  store: ObjectStore,
  ready: Stored,
  file: EventFile,
): Promise<StoredReceipt | undefined> {
  let there = await whatLies(store, ready, file);
  // An upload takes its time, in which others may commit: so it must not replace what came meanwhile.
  if (there === 'nothing') {
    if ((await putFile(store, ready, file, true)) === 'created') return undefined;
    there = await whatLies(store, ready, file);
  }
  if (there === 'this') return undefined;
  const receipt = await findReceipt(store, ready.eventId);
  if (receipt !== undefined && !isWithoutAgent(receipt.manifest)) return receipt;
  await putFile(store, ready, file, false);
  return undefined;
}

async function whatLies(
  store: ObjectStore,
  { eventId }: Stored,
  { name, path, sha256 }: EventFile,
): Promise<'nothing' | 'this' | 'another'> {
  const there = await store.head(eventKey(eventId, name));
  if (there === undefined) return 'nothing';
  const isThis = there.metadata['sha256'] === sha256 && there.sizeBytes === (await stat(path)).size;
  return isThis ? 'this' : 'another';
}

function putFile(
  store: ObjectStore,
  ready: Stored,
  { name, path, sha256 }: EventFile,
  ifAbsent: boolean,
): Promise<'created' | 'exists'> {
  const contentType = name.endsWith('.mp4') ? 'video/mp4' : 'image/jpeg';
  const metadata = metadataOf(ready, sha256);
  return store.put(eventKey(ready.eventId, name), { file: path }, { contentType, metadata, ifAbsent });
}
