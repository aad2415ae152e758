import { MalformedInputError } from './errors.ts';
import { removalStateOf, removeEvent } from './event-removal.ts';
import { camerasOf, eventsOf, sizeOf, storedEvents, type StoredEvent } from './event-walk.ts';
import { eventKey } from './ids.ts';
import { readReceipt } from './read-object.ts';
import { daysToSweep, expiresAtUs } from './retention.ts';
import type { RetentionSettings } from './retention-settings.ts';
import type { ObjectStore } from './store.ts';

/** `expired`: its time is over; `size`: it is among the oldest of too many; `cut-off`: its removal was begun before. */
export type SweepReason = 'expired' | 'size' | 'cut-off';

export interface Swept {
  id: string;
  reason: SweepReason;
  sizeBytes: number;
}

export interface SweepReport {
  /** Events removed, or that would be. */
  events: number;
  sizeBytes: number;
  /** Events whose time is over, or that are among the oldest of too many, but that are kept. */
  kept: number;
  /** Bytes over `megabytes` that no removal can free, as all events that are left are kept. */
  overBytes: number;
}

export interface SweepOptions {
  nowUs: number;
  /** Look and tell, but remove nothing. */
  dryRun: boolean;
  /** All days, and not only those in which a period has ended today. */
  full: boolean;
  signal?: AbortSignal | undefined;
  /** Hears of each event that goes or would go. */
  onEvent?: ((swept: Swept) => void) | undefined;
}

/**
 * Removes the events whose time is over, finishes removals that were cut off, and then removes the oldest as long as all
 * together are too large. Kept events stay. Several at the same time do no harm. Memory does not grow with the store.
 * Throws `StoreError`, and the signal's reason.
 */
export async function sweep(
  store: ObjectStore,
  settings: RetentionSettings,
  options: SweepOptions,
): Promise<SweepReport> {
  const run = new Sweep(store, settings, options);
  for (const camera of await camerasOf(store)) {
    for (const range of daysToSweep(settings, camera, options.nowUs, options.full)) {
      for await (const event of eventsOf(store, camera, { order: 'oldest', ...range })) {
        await run.look(event);
      }
    }
  }
  if (settings.megabytes > 0) await run.fit(settings.megabytes * 1_000_000);
  return run.report;
}

class Sweep {
  readonly report: SweepReport = { events: 0, sizeBytes: 0, kept: 0, overBytes: 0 };
  readonly #store: ObjectStore;
  readonly #settings: RetentionSettings;
  readonly #options: SweepOptions;

  constructor(store: ObjectStore, settings: RetentionSettings, options: SweepOptions) {
    this.#store = store;
    this.#settings = settings;
    this.#options = options;
  }

  async look(event: StoredEvent): Promise<void> {
    this.#options.signal?.throwIfAborted();
    const state = removalStateOf(event);
    if (state === 'removed' || state === 'absent') return;
    if (state === 'half-removed' || state === 'taken-back') {
      await this.#remove(event, 'cut-off');
    } else if ((await this.#expiryOf(event)) <= this.#options.nowUs) {
      if (state === 'kept') this.report.kept += 1;
      else await this.#remove(event, 'expired');
    }
  }

  /** Removes the oldest events until all objects together have no more than `bytes`. */
  async fit(bytes: number): Promise<void> {
    let excess = -bytes;
    for await (const event of storedEvents(this.#store, { order: 'oldest' })) {
      this.#options.signal?.throwIfAborted();
      excess += sizeOf(event);
    }
    // What a dry run would have removed already is still there.
    if (this.#options.dryRun) excess -= this.report.sizeBytes;
    if (excess <= 0) return;
    for await (const event of storedEvents(this.#store, { order: 'oldest' })) {
      if (excess <= 0) return;
      this.#options.signal?.throwIfAborted();
      const state = removalStateOf(event);
      if (state === 'kept') this.report.kept += 1;
      if (state !== 'whole') continue;
      if (this.#options.dryRun && (await this.#expiryOf(event)) <= this.#options.nowUs) continue;
      excess -= await this.#remove(event, 'size');
    }
    this.report.overBytes = Math.max(0, excess);
  }

  async #expiryOf(event: StoredEvent): Promise<number> {
    const known = event.objects.has('event.json') ? await this.#receiptOf(event.id) : undefined;
    // Of what has no receipt it is not known what is in it, nor when it came: the longest period, since its last object.
    return expiresAtUs(this.#settings, {
      camera: event.camera,
      startUs: event.startUs,
      storedAtUs: known?.storedAtUs ?? (await this.#lastChangeUs(event)),
      labels: known?.event.labels,
    });
  }

  async #receiptOf(id: string) {
    try {
      return await readReceipt(this.#store, id);
    } catch (error) {
      if (error instanceof MalformedInputError) return undefined;
      throw error;
    }
  }

  async #lastChangeUs({ id, objects }: StoredEvent): Promise<number> {
    const prefix = eventKey(id, 'event.json').slice(0, -'event.json'.length);
    let lastMs = 0;
    for (const name of objects.keys()) {
      lastMs = Math.max(lastMs, (await this.#store.head(`${prefix}${name}`))?.modifiedMs ?? 0);
    }
    return lastMs * 1000;
  }

  /** Bytes freed, or that would be. */
  async #remove(event: StoredEvent, reason: SweepReason): Promise<number> {
    const { dryRun, nowUs, onEvent } = this.#options;
    let sizeBytes = sizeOf(event);
    if (!dryRun) {
      const removed = await removeEvent(this.#store, event.id, { atUs: nowUs, reason: 'retention' });
      if (removed.outcome !== 'removed') {
        if (removed.outcome === 'kept') this.report.kept += 1;
        return 0;
      }
      sizeBytes = removed.sizeBytes;
    }
    this.report.events += 1;
    this.report.sizeBytes += sizeBytes;
    onEvent?.({ id: event.id, reason, sizeBytes });
    return sizeBytes;
  }
}

/** Removes the traces of all removed events; gives their number. Throws `StoreError`. */
export async function pruneTraces(
  store: ObjectStore,
  { dryRun, signal }: { dryRun: boolean; signal?: AbortSignal | undefined },
): Promise<number> {
  let count = 0;
  for await (const event of storedEvents(store, { order: 'oldest' })) {
    signal?.throwIfAborted();
    if (removalStateOf(event) !== 'removed') continue;
    if (!dryRun) await store.delete(eventKey(event.id, 'removed.json'));
    count += 1;
  }
  return count;
}
