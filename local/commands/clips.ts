import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { buffer } from 'node:stream/consumers';
import { isoTime } from '@faascam/core/clock';
import { FaascamError, systemCodeOf, UsageError } from '@faascam/core/errors';
import { eventId, eventKey } from '@faascam/core/ids';
import { manifest, type Manifest } from '@faascam/core/clip-messages';
import { parseMessage } from '@faascam/core/messages';
import { openStore, type ObjectStore } from '@faascam/core/store';
import { configOf, type CommandLine } from '../quick-config.ts';
import { print } from '../terminal.ts';

/** `faascam clips list`: the stored events, oldest first. */
export async function clipsList(line: CommandLine, camera: string | undefined, json: boolean): Promise<void> {
  const store = await open(line);
  try {
    for await (const entry of store.list(camera === undefined ? '' : `${camera}/`)) {
      if (!('key' in entry) || !entry.key.endsWith('/event.json')) continue;
      const stored = await readManifest(store, entry.key);
      if (json) print(JSON.stringify(stored));
      else print(oneLine(stored));
    }
  } finally {
    await store.close();
  }
}

function oneLine({ event, complete, clip }: Manifest): string {
  const seconds = ((clip?.durationMs ?? 0) / 1000).toFixed(1);
  const flags = [complete ? '' : 'incomplete', event.model.demo ? 'demo model' : '']
    .filter(Boolean)
    .join(', ');
  return `${event.id}  ${isoTime(event.startUs)}  ${event.labels.join(',')}  ${event.bestScore.toFixed(2)}  ${seconds} s  ${flags}`.trimEnd();
}

/** `faascam clips get ID`: one clip as a file. */
export async function clipsGet(id: string, line: CommandLine, output: string | undefined): Promise<void> {
  if (!eventId.safeParse(id).success) {
    throw new UsageError('usage', `${id} is no event id: see "faascam clips list".`);
  }
  const store = await open(line);
  try {
    const found = await store.get(eventKey(id, 'clip.mp4'));
    if (found === undefined) {
      throw new FaascamError(
        'no-clip',
        `There is no clip of event ${id} in ${store.description}: see "faascam clips list".`,
      );
    }
    const path = output ?? join('.', `${id}.mp4`);
    const partial = `${path}.part`;
    try {
      await pipeline(found.stream, createWriteStream(partial));
      await rename(partial, path);
    } catch (cause) {
      await rm(partial, { force: true });
      throw new FaascamError(
        'clip-not-written',
        `The clip could not be written to ${path} (${systemCodeOf(cause) ?? 'the transfer broke off'}): check the path and the free space.`,
        { cause },
      );
    }
    print(path);
  } finally {
    await store.close();
  }
}

async function open(line: CommandLine): Promise<ObjectStore> {
  const config = configOf(line);
  return await openStore(config.store, config.data);
}

async function readManifest(store: ObjectStore, key: string): Promise<Manifest> {
  const found = await store.get(key);
  if (found === undefined) throw new FaascamError('no-event', `${key} vanished while it was read.`);
  return parseMessage(manifest, await buffer(found.stream), key);
}
