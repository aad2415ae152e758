import { systemClock } from '@faascam/core/clock';
import { FaascamError, UsageError } from '@faascam/core/errors';
import { removalStateOf, removeEvent } from '@faascam/core/event-removal';
import { sizeOf, type StoredEvent } from '@faascam/core/event-walk';
import type { ObjectStore } from '@faascam/core/store';
import {
  choosesEvents,
  eventsByIds,
  requireEventId,
  selectEvents,
  selectionOf,
  type SelectionOptions,
} from '../event-selection.ts';
import { sizeText } from '../event-table.ts';
import { localTime } from '../local-time.ts';
import { openChosenStore, type StoreChoice } from '../store-choice.ts';
import { print, tell } from '../terminal.ts';
import { userName } from './clips-keep.ts';

export interface ClipsRmCommand extends StoreChoice, SelectionOptions {
  /** Do it; otherwise it is only told what would go. */
  yes?: boolean | undefined;
  /** Also events that are kept. */
  force?: boolean | undefined;
}

/** `faascam clips rm`: removes events, and leaves a trace of each. Without `--yes` it tells what would go. */
export async function clipsRm(ids: string[], command: ClipsRmCommand, signal: AbortSignal): Promise<void> {
  if (ids.length > 0 === choosesEvents(command)) {
    throw new UsageError('usage', 'Say what to remove: either event ids, or filters like --camera or --to.');
  }
  for (const id of ids) requireEventId(id);
  const selection = selectionOf(command);
  const store = await openChosenStore(command);
  const sum = { events: 0, bytes: 0, kept: 0, missing: 0 };
  try {
    const events = ids.length > 0 ? eventsByIds(store, ids) : chosen(store, selection);
    for await (const event of events) {
      signal.throwIfAborted();
      const state = removalStateOf(event);
      if (state === 'absent') {
        tell(`There is no event ${event.id} in ${store.description}.`);
        sum.missing += 1;
      } else if (state === 'removed') {
        tell(`The event ${event.id} was removed before.`);
      } else if ((state === 'kept' || state === 'taken-back') && command.force !== true) {
        tell(`The event ${event.id} is kept: --force removes it all the same.`);
        sum.kept += 1;
      } else {
        const bytes = await goes(store, event, command);
        if (bytes === undefined) continue;
        print([event.id, localTime(event.startUs), sizeText(bytes)].join('  '));
        sum.events += 1;
        sum.bytes += bytes;
      }
    }
  } finally {
    await store.close();
  }
  const kept = sum.kept > 0 ? `; ${sum.kept} are kept` : '';
  const what = `${sum.events} events, ${sizeText(sum.bytes)}`;
  tell(
    command.yes === true
      ? `Removed: ${what}${kept}.`
      : `Nothing was removed. It would be ${what}${kept}: add --yes to do it.`,
  );
  if (sum.missing > 0) throw new FaascamError('no-event', `${sum.missing} events are not there, see above.`);
}

async function* chosen(
  store: ObjectStore,
  selection: ReturnType<typeof selectionOf>,
): AsyncGenerator<StoredEvent> {
  for await (const { stored } of selectEvents(store, selection, tell)) yield stored;
}

/** Bytes that go, or would go; undefined if it was kept in this very moment. */
async function goes(
  store: ObjectStore,
  event: StoredEvent,
  { yes, force }: ClipsRmCommand,
): Promise<number | undefined> {
  if (yes !== true) return sizeOf(event);
  const removal = { atUs: systemClock.nowUs(), reason: 'by-hand', by: userName(), force } as const;
  const { outcome, sizeBytes } = await removeEvent(store, event.id, removal);
  if (outcome === 'removed') return sizeBytes;
  if (outcome === 'kept') tell(`The event ${event.id} has just been kept.`);
  return undefined;
}
