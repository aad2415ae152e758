import { createHash, hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { FaascamError } from '@faascam/core/errors';
import { eventKey, type EventObject } from '@faascam/core/ids';
import { manifest as manifestSchema, type ClipReady, type Manifest } from '@faascam/core/clip-messages';
import type { ObjectStore } from '@faascam/core/store';
import { metadataOf } from './receipt.ts';

/**
 * An event's receipt if it is stored: then all of the event is. Throws `FaascamError` `receipt-unreadable` when
 * what is there is no receipt.
 */
export async function findReceipt(store: ObjectStore, eventId: string): Promise<Manifest | undefined> {
  const key = eventKey(eventId, 'event.json');
  const found = await store.get(key);
  if (found === undefined) return undefined;
  try {
    return manifestSchema.parse(JSON.parse((await buffer(found.stream)).toString()));
  } catch (cause) {
    throw new FaascamError(
      'receipt-unreadable',
      `${key} in ${store.description} is no receipt of ours: move it away, then the event is stored anew.`,
      { cause },
    );
  }
}

/** A file on disk that belongs to an event, and what it is called in the store. */
export interface EventFile {
  name: EventObject;
  path: string;
  /** Of its bytes; found out where it is not given. */
  sha256?: string;
}

/**
 * Stores an event: first its files, then the receipt, and only if there is none yet. The receipt commits: whoever finds
 * it finds the rest, and a crash before it leaves objects that the next attempt replaces. Of several writers at the same
 * time the first receipt wins, and its writer sees to it that the files beside it are its own. Gives the receipt that is
 * in the store in the end. In the stored one, `original` stands for what is there of the same name: the parts of the
 * offer that are signed.
 */
export async function storeEvent(
  store: ObjectStore,
  ready: ClipReady,
  manifest: Manifest,
  files: EventFile[],
  original: object,
): Promise<Manifest> {
  await putFiles(store, ready, files);
  const receipt = Buffer.from(`${JSON.stringify({ ...manifest, ...original }, undefined, 2)}\n`);
  const outcome = await store.put(eventKey(ready.eventId, 'event.json'), receipt, {
    contentType: 'application/json',
    metadata: metadataOf(ready, hash('sha256', receipt)),
    ifAbsent: true,
  });
  if (outcome === 'exists') return (await findReceipt(store, ready.eventId)) ?? manifest;
  await putFiles(store, ready, files);
  return manifest;
}

/** Stores files, but those that lie there as they are. */
async function putFiles(store: ObjectStore, ready: ClipReady, files: EventFile[]): Promise<void> {
  for (const { name, path, sha256: known } of files) {
    const key = eventKey(ready.eventId, name);
    const sha256 = known ?? (await sha256Of(path));
    const there = await store.head(key);
    if (there?.metadata['sha256'] === sha256 && there.sizeBytes === (await stat(path)).size) continue;
    const contentType = name.endsWith('.mp4') ? 'video/mp4' : 'image/jpeg';
    await store.put(key, { file: path }, { contentType, metadata: metadataOf(ready, sha256) });
  }
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) if (Buffer.isBuffer(chunk)) hash.update(chunk);
  return hash.digest('hex');
}
