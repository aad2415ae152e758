import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { FaascamError } from '@faascam/core/errors';
import { eventKey } from '@faascam/core/ids';
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

export interface EventFiles {
  /** Paths of files on disk. */
  clip?: string;
  snapshot?: string;
  cleanSnapshot?: string;
}

/**
 * Stores an event: first its clip and snapshots, then the receipt, and only if there is none yet. The receipt
 * commits: whoever finds it finds the rest, and a crash before it leaves objects that the next attempt replaces.
 * Of several writers at the same time the first receipt wins, and its writer sees to it that the clip beside it is
 * its own. Gives the receipt that is in the store in the end.
 */
export async function storeEvent(
  store: ObjectStore,
  ready: ClipReady,
  manifest: Manifest,
  files: EventFiles,
): Promise<Manifest> {
  await putClip(store, ready, manifest, files);
  for (const [name, file] of [
    ['snapshot.jpg', files.snapshot],
    ['snapshot-clean.jpg', files.cleanSnapshot],
  ] as const) {
    if (file === undefined) continue;
    const metadata = metadataOf(ready, await sha256Of(file));
    await store.put(eventKey(ready.eventId, name), { file }, { contentType: 'image/jpeg', metadata });
  }
  const receipt = Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`);
  const outcome = await store.put(eventKey(ready.eventId, 'event.json'), receipt, {
    contentType: 'application/json',
    metadata: metadataOf(ready, createHash('sha256').update(receipt).digest('hex')),
    ifAbsent: true,
  });
  if (outcome === 'exists') return (await findReceipt(store, ready.eventId)) ?? manifest;
  await putClip(store, ready, manifest, files);
  return manifest;
}

/** Stores the clip unless the very same lies there. */
async function putClip(
  store: ObjectStore,
  ready: ClipReady,
  manifest: Manifest,
  files: EventFiles,
): Promise<void> {
  if (files.clip === undefined || manifest.clip === undefined) return;
  const { key, sha256, sizeBytes } = manifest.clip;
  const there = await store.head(key);
  if (there?.metadata['sha256'] === sha256 && there.sizeBytes === sizeBytes) return;
  await store.put(
    key,
    { file: files.clip },
    { contentType: 'video/mp4', metadata: metadataOf(ready, sha256) },
  );
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) if (Buffer.isBuffer(chunk)) hash.update(chunk);
  return hash.digest('hex');
}
