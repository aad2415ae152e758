import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Manifest } from '@faascam/core/clip-messages';
import { FaascamError, systemCodeOf, UsageError } from '@faascam/core/errors';
import { eventKey } from '@faascam/core/ids';
import { readReceipt } from '@faascam/core/read-object';
import type { ObjectStore } from '@faascam/core/store';
import {
  choosesEvents,
  requireEventId,
  selectEvents,
  selectionOf,
  type SelectionOptions,
} from '../event-selection.ts';
import { fetchObject } from '../fetch-object.ts';
import { openChosenStore, type StoreChoice } from '../store-choice.ts';
import { print, tell } from '../terminal.ts';

export interface ClipsGetCommand extends StoreChoice, SelectionOptions {
  /** Folder; default: the one in which the command runs. */
  output?: string | undefined;
  withReceipt?: boolean | undefined;
}

/**
 * `faascam clips get`: clips as files `<event>.mp4`, further parts as `<event>-2.mp4` and on, receipts as
 * `<event>.json`. Prints the path of each file that is there in the end.
 */
export async function clipsGet(ids: string[], command: ClipsGetCommand, signal: AbortSignal): Promise<void> {
  if (ids.length > 0 === choosesEvents(command)) {
    throw new UsageError(
      'usage',
      'Say which clips to get: either by event ids, or by filters like --camera.',
    );
  }
  for (const id of ids) requireEventId(id);
  const selection = selectionOf(command);
  const store = await openChosenStore(command);
  try {
    const folder = command.output ?? '.';
    await makeFolder(folder);
    const failed: string[] = [];
    let count = 0;
    for await (const receipt of receipts(store, ids, () => selectEvents(store, selection, tell))) {
      signal.throwIfAborted();
      count += 1;
      if (typeof receipt === 'string') {
        tell(receipt);
        failed.push(receipt);
        continue;
      }
      if (!(await getEvent(store, receipt, folder, command.withReceipt === true, signal))) {
        const why = [...new Set(receipt.gaps.map(({ cause }) => cause))].join(', ') || 'no reason told';
        tell(`Event ${receipt.event.id} has no clip: there was no footage (${why}).`);
        failed.push(receipt.event.id);
      }
    }
    if (count === 0) tell(`No such event in ${store.description}.`);
    // Of those found by filters it is known that they are there; of those named, that they were wanted.
    if (ids.length > 0 && failed.length > 0) {
      throw new FaascamError('no-clip', `${failed.length} of ${count} clips could not be had, see above.`);
    }
  } finally {
    await store.close();
  }
}

async function* receipts(
  store: ObjectStore,
  ids: readonly string[],
  select: () => AsyncIterable<{ receipt: Manifest }>,
): AsyncGenerator<Manifest | string> {
  if (ids.length === 0) for await (const { receipt } of select()) yield receipt;
  for (const id of ids) {
    yield (
      (await readReceipt(store, id)) ??
      `There is no event ${id} in ${store.description}: see "faascam clips list".`
    );
  }
}

/** False for an event without any footage. */
async function getEvent(
  store: ObjectStore,
  receipt: Manifest,
  folder: string,
  withReceipt: boolean,
  signal: AbortSignal,
): Promise<boolean> {
  const { event, clip, parts } = receipt;
  const videos = parts ?? (clip === undefined ? [] : [clip]);
  for (const [index, { key, sha256, sizeBytes }] of videos.entries()) {
    const path = join(folder, index === 0 ? `${event.id}.mp4` : `${event.id}-${index + 1}.mp4`);
    await fetchObject(store, { key, sha256, sizeBytes }, path, signal);
    print(path);
  }
  if (withReceipt) {
    const path = join(folder, `${event.id}.json`);
    await fetchObject(store, { key: eventKey(event.id, 'event.json') }, path, signal);
    print(path);
  }
  return videos.length > 0;
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    throw new UsageError(
      'usage',
      `The folder ${folder} cannot be made (${systemCodeOf(cause) ?? 'unknown fault'}): give another with --output.`,
      { cause },
    );
  }
}
