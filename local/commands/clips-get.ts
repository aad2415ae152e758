import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Manifest } from '@faascam/core/clip-messages';
import { FaascamError, systemCodeOf, UsageError } from '@faascam/core/errors';
import { readReceipt } from '@faascam/core/read-object';
import type { ObjectStore } from '@faascam/core/store';
import { clipFilesOf, clipKindsOf, type ClipKind } from '../clip-files.ts';
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
  /** As `clipKindsOf` reads it; default: the clip. */
  what?: string | undefined;
  withReceipt?: boolean | undefined;
}

/**
 * `faascam clips get`: clips as files `<event>.mp4`, further parts as `<event>-2.mp4` and on, and what else is wanted beside
 * them. Prints the path of each file that is there in the end.
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
  const { what = 'clip', withReceipt = false } = command;
  const kinds = clipKindsOf(what);
  if (withReceipt) kinds.add('receipt');
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
      const missing = await getEvent(store, receipt, folder, kinds, signal);
      // Of "all" there is what there is, but for the clip.
      const missed = missing.filter((kind) => kind === 'clip' || what !== 'all');
      for (const kind of missed) tell(whyMissing(receipt, kind));
      if (missed.length > 0) failed.push(receipt.event.id);
    }
    if (count === 0) tell(`No such event in ${store.description}.`);
    // Of those found by filters it is known that they are there; of those named, that they were wanted.
    if (ids.length > 0 && failed.length > 0) {
      throw new FaascamError(
        'no-clip',
        `${failed.length} of ${count} events lack what was asked for, see above.`,
      );
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

/** Gives the kinds of which the event has nothing. */
async function getEvent(
  store: ObjectStore,
  receipt: Manifest,
  folder: string,
  kinds: ReadonlySet<ClipKind>,
  signal: AbortSignal,
): Promise<ClipKind[]> {
  const files = clipFilesOf(receipt, kinds);
  for (const { wanted, name } of files) {
    const path = join(folder, name);
    await fetchObject(store, wanted, path, signal);
    print(path);
  }
  return [...kinds].filter((kind) => files.every((file) => file.kind !== kind));
}

function whyMissing({ event, gaps, clip }: Manifest, kind: ClipKind): string {
  if (clip === undefined) {
    const why = [...new Set(gaps.map(({ cause }) => cause))].join(', ') || 'no reason told';
    return `Event ${event.id} has no ${kind}: there was no footage (${why}).`;
  }
  const why =
    kind === 'h264'
      ? 'the clip plays in every browser as it is, or clip.transcode did not ask for one'
      : 'its settings left it out, or its receipt (--what receipt) tells the fault';
  return `Event ${event.id} has no ${kind}: ${why}.`;
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
