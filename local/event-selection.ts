import { InvalidArgumentError, type Command } from 'commander';
import { systemClock } from '@faascam/core/clock';
import type { Manifest } from '@faascam/core/clip-messages';
import { MalformedInputError, UsageError } from '@faascam/core/errors';
import type { EventOrder } from '@faascam/core/event-order';
import { storedEvent, storedEvents, type StoredEvent } from '@faascam/core/event-walk';
import { cameraId, eventId } from '@faascam/core/ids';
import type { EventMessage } from '@faascam/core/messages';
import { readReceipt } from '@faascam/core/read-object';
import type { ObjectStore } from '@faascam/core/store';
import { localTime, timeOf } from './local-time.ts';

/** The options by which commands choose events, as the command line gives them. */
export interface SelectionOptions {
  camera?: string[] | undefined;
  label?: string[] | undefined;
  zone?: string[] | undefined;
  from?: string | undefined;
  to?: string | undefined;
  minScore?: number | undefined;
  incomplete?: boolean | undefined;
  kept?: boolean | undefined;
  limit?: number | undefined;
  oldestFirst?: boolean | undefined;
}

/** Which events, and in which order. */
export interface Selection {
  order: EventOrder;
  cameras?: string[] | undefined;
  /** Of each of these lists, an event has at least one. */
  labels?: string[] | undefined;
  zones?: string[] | undefined;
  /** It began at or after `fromUs`, and before `toUs`. */
  fromUs?: number | undefined;
  toUs?: number | undefined;
  minScore?: number | undefined;
  incomplete: boolean;
  kept: boolean;
  limit: number;
}

export interface SelectedEvent {
  stored: StoredEvent;
  receipt: Manifest;
  kept: boolean;
}

/** Gives a command the options of `SelectionOptions`. */
export function withSelectionOptions(command: Command): Command {
  return command
    .option('--camera <id>', 'only of this camera (may be repeated)', listOf('a camera'))
    .option('--label <label>', 'only with this label (may be repeated: one of them)', listOf('a label'))
    .option('--zone <zone>', 'only in this zone (may be repeated: one of them)', listOf('a zone'))
    .option('--from <time>', 'only what began then or later: 2026-11-21T19:05+01:00, 19:05, 2h, yesterday')
    .option('--to <time>', 'only what began before; a day counts to its end')
    .option('--min-score <score>', 'only with a score of at least this, 0 to 1', scoreOf)
    .option('--incomplete', 'only where footage is missing')
    .option('--kept', 'only those that are protected')
    .option('--limit <count>', 'no more than so many', countOf)
    .option('--oldest-first', 'the oldest first, instead of the newest');
}

/** What the options mean. Throws `UsageError`. */
export function selectionOf(options: SelectionOptions, nowUs = systemClock.nowUs()): Selection {
  for (const camera of options.camera ?? []) {
    if (!cameraId.safeParse(camera).success)
      throw new UsageError('usage', `${camera} is no camera's id: a-z, 0-9, _ and -.`);
  }
  const fromUs = options.from === undefined ? undefined : timeOf(options.from, 'from', nowUs);
  const toUs = options.to === undefined ? undefined : timeOf(options.to, 'to', nowUs);
  if (fromUs !== undefined && toUs !== undefined && fromUs >= toUs) {
    throw new UsageError(
      'usage',
      `Nothing is from ${localTime(fromUs)} on and before ${localTime(toUs)}: exchange --from and --to.`,
    );
  }
  return {
    order: options.oldestFirst === true ? 'oldest' : 'newest',
    cameras: options.camera,
    labels: options.label,
    zones: options.zone,
    ...{ fromUs, toUs },
    minScore: options.minScore,
    incomplete: options.incomplete ?? false,
    kept: options.kept ?? false,
    limit: options.limit ?? Infinity,
  };
}

/** Whether the options choose at all, so that a command that removes or fetches does not take everything by mistake. */
export function choosesEvents(options: SelectionOptions): boolean {
  const names = ['camera', 'label', 'zone', 'from', 'to', 'minScore', 'incomplete', 'kept', 'limit'] as const;
  return names.some((name) => options[name] !== undefined);
}

/** Whether an event is one of those chosen, as far as its message tells. */
export function isChosen(selection: Selection, event: EventMessage): boolean {
  const { cameras, labels, zones, minScore = 0, fromUs = 0, toUs = Infinity } = selection;
  return (
    (cameras === undefined || cameras.includes(event.camera)) &&
    (labels === undefined || event.labels.some((label) => labels.includes(label))) &&
    (zones === undefined || event.zones.some((zone) => zones.includes(zone))) &&
    event.bestScore >= minScore &&
    event.startUs >= fromUs &&
    event.startUs < toUs
  );
}

/** Receipts read at the same time. */
const READ_AT_ONCE = 12;

/** The chosen events, in order, read as they are asked for. `onUnreadable` hears of receipts that cannot be read. */
export async function* selectEvents(
  store: ObjectStore,
  selection: Selection,
  onUnreadable: (sentence: string) => void,
): AsyncGenerator<SelectedEvent> {
  let left = selection.limit;
  const wholeBatches = selection.labels ?? selection.zones ?? selection.minScore;
  const batchSize = (): number =>
    wholeBatches === undefined && !selection.incomplete ? Math.min(READ_AT_ONCE, left) : READ_AT_ONCE;
  const read = async (stored: StoredEvent): Promise<SelectedEvent | undefined> => {
    const receipt = await receiptOf(store, stored, onUnreadable);
    if (receipt === undefined || !isChosen(selection, receipt.event)) return undefined;
    if (selection.incomplete && receipt.complete) return undefined;
    return { stored, receipt, kept: stored.objects.has('keep.json') };
  };
  const batch: StoredEvent[] = [];
  const flush = async function* (): AsyncGenerator<SelectedEvent> {
    const events = await Promise.all(batch.splice(0).map(read));
    for (const event of events) {
      if (event === undefined || left <= 0) continue;
      left -= 1;
      yield event;
    }
  };
  for await (const stored of storedEvents(store, selection)) {
    if (left <= 0) return;
    if (!stored.objects.has('event.json') || (selection.kept && !stored.objects.has('keep.json'))) continue;
    batch.push(stored);
    if (batch.length >= batchSize()) yield* flush();
  }
  yield* flush();
}

async function receiptOf(
  store: ObjectStore,
  { id }: StoredEvent,
  onUnreadable: (sentence: string) => void,
): Promise<Manifest | undefined> {
  try {
    return await readReceipt(store, id);
  } catch (error) {
    if (!(error instanceof MalformedInputError)) throw error;
    onUnreadable(`${error.message}.`);
    return undefined;
  }
}

/** The events of these ids, as they lie in the store. Throws `UsageError` for an id that is none, before any other. */
export async function* eventsByIds(store: ObjectStore, ids: readonly string[]): AsyncGenerator<StoredEvent> {
  for (const id of ids) requireEventId(id);
  for (const id of new Set(ids)) yield await storedEvent(store, id);
}

export function requireEventId(id: string): void {
  if (!eventId.safeParse(id).success) {
    throw new UsageError('usage', `${JSON.stringify(id)} is no event id: see "faascam clips list".`);
  }
}

function listOf(what: string): (text: string, before?: string[]) => string[] {
  return (text, before = []) => {
    if (text.trim() === '') throw new InvalidArgumentError(`not ${what}.`);
    return [...before, text];
  };
}

function scoreOf(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1))
    throw new InvalidArgumentError('not within 0 and 1.');
  return value;
}

function countOf(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('not a count from 1 on.');
  return value;
}
