import type { Clock } from '@faascam/core/clock';
import { messageOf, MalformedInputError } from '@faascam/core/errors';
import { listingsAbove, merged, placeOf, type EventPlace } from '@faascam/core/event-order';
import { daysOf } from '@faascam/core/event-walk';
import { cameraId } from '@faascam/core/ids';
import type { Logger } from '@faascam/core/log';
import { readReceipt } from '@faascam/core/read-object';
import type { ObjectStore } from '@faascam/core/store';
import type { EventsAnswer, EventView } from './api/event-schema.ts';
import { eventViewOf } from './event-view.ts';
import { StoreListing } from './store-listing.ts';

export interface EventQuery {
  camera?: string | undefined;
  /** The only cameras that count; absent: all. */
  among?: readonly string[] | undefined;
  label?: string | undefined;
  limit: number;
  /** Id of the event that the page before ended with. */
  before?: string | undefined;
}

interface OrderedId {
  id: string;
  order: string;
}

/** How old a listing may be, in ms. While `clips.stored` is heard, that message and not the clock says what is new. */
const LISTING_AGE_MS = {
  heard: { newest: 30_000, older: 600_000 },
  unheard: { newest: 3_000, older: 60_000 },
} as const;
/** How long an event without a readable manifest is not asked for again. */
const ABSENT_FOR_MS = 3_000;
/** Events looked at for one answer: a rare label is found over several pages, not in one endless request. */
const MAX_SCANNED = 400;
const MAX_VIEWS = 5_000;
const MAX_LABELS = 200;
const READ_AT_ONCE = 12;
/** `<camera>/<yyyy>/<mm>/<dd>/` */
const DAY_DEPTH = 4;
/**
 * The events in the store, newest first over all cameras. Nothing is indexed ahead: days are listed when a page
 * reaches them and manifests are read when they are shown, and both are remembered within bounds.
 */
export class EventIndex {
  readonly #store: ObjectStore;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #hearsStored: () => boolean;
  readonly #listing: StoreListing;
  /** In order of use, the longest unused first. */
  readonly #views = new Map<string, EventView>();
  readonly #absentUntilUs = new Map<string, number>();
  readonly #labels = new Set<string>();
  readonly #unreadable = new Set<string>();

  /** `hearsStored` says whether every `clips.stored` reaches `noteStored` right now. */
  constructor(options: { store: ObjectStore; clock: Clock; log: Logger; hearsStored: () => boolean }) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#hearsStored = options.hearsStored;
    this.#listing = new StoreListing(options.store, options.clock);
  }

  /** An event was stored, or stored anew: the next page shows it. An id that is none is ignored. */
  noteStored(id: string): void {
    const place = placeOf(id);
    if (place === undefined) return;
    this.#listing.forget(listingsAbove(place));
    this.#absentUntilUs.delete(id);
    this.#views.delete(id);
  }

  /** Events may have been stored unheard: everything is listed anew when it is next asked for. */
  forgetListings(): void {
    this.#listing.forgetAll();
    this.#absentUntilUs.clear();
  }

  /** Throws `StoreError` when the store does not answer. */
  async page({ camera, among, label, limit, before }: EventQuery): Promise<EventsAnswer> {
    const from = before === undefined ? undefined : placeOf(before);
    const named = camera === undefined ? await this.cameras() : [camera];
    const cameras = named.filter((name) => among?.includes(name) ?? true);
    const ids = merged(
      cameras.map((name) => this.#idsOf(name, from)),
      'newest',
    );
    const events: EventView[] = [];
    let scanned = 0;
    let newest: string | undefined;
    for (;;) {
      // Under a label most are passed over, so it pays to read ahead; without, nothing is read in vain.
      const wanted = label === undefined ? limit - events.length : READ_AT_ONCE;
      const batch = await take(ids, Math.min(READ_AT_ONCE, wanted));
      const views = await Promise.all(batch.map(async ({ id }) => await this.#view(id)));
      for (const view of views) {
        if (view !== undefined && (label === undefined || view.labels.includes(label))) events.push(view);
      }
      scanned += batch.length;
      newest ??= batch[0]?.id;
      const last = batch.at(-1)?.id;
      if (last === undefined) return { events, before: undefined, newest };
      if (events.length > limit)
        return { events: events.slice(0, limit), before: events[limit - 1]?.id, newest };
      if (events.length === limit || scanned >= MAX_SCANNED) {
        const more = await ids.next();
        return { events, before: more.done === true ? undefined : last, newest };
      }
    }
  }

  /** Cameras that have something in the store. */
  async cameras(): Promise<string[]> {
    const names = await this.#listing.children('', this.#listingAge.newest);
    return names.filter((name) => cameraId.safeParse(name).success);
  }

  /** Labels of the events shown so far. */
  labels(): string[] {
    return [...this.#labels].sort();
  }

  get listed(): number {
    return this.#listing.countBelow(DAY_DEPTH);
  }

  get unreadable(): number {
    return this.#unreadable.size;
  }

  get #listingAge(): { newest: number; older: number } {
    return this.#hearsStored() ? LISTING_AGE_MS.heard : LISTING_AGE_MS.unheard;
  }

  /** A camera's events, newest first, those before `from` in the order of all events. Lists lazily. */
  async *#idsOf(camera: string, from: EventPlace | undefined): AsyncGenerator<OrderedId> {
    const age = this.#listingAge;
    const ageOf = (latest: boolean): number => (latest ? age.newest : age.older);
    const children = (prefix: string, latest: boolean): Promise<string[]> =>
      this.#listing.children(prefix, ageOf(latest));
    const last = from === undefined ? undefined : `${from.year}${from.month}${from.day}`;
    for await (const day of daysOf(camera, children, { order: 'newest', last })) {
      for (const id of (await this.#listing.events(day, ageOf(day.latest))).toReversed()) {
        const place = placeOf(id);
        if (place === undefined || (from !== undefined && place.order >= from.order)) continue;
        yield { id, order: place.order };
      }
    }
  }

  /** The event's view, or undefined while its manifest, which is stored last, is not there. */
  async #view(id: string): Promise<EventView | undefined> {
    const known = this.#views.get(id);
    if (known !== undefined) {
      this.#views.delete(id);
      this.#views.set(id, known);
      return known;
    }
    const nowUs = this.#clock.nowUs();
    if ((this.#absentUntilUs.get(id) ?? 0) > nowUs) return undefined;
    const view = await this.#read(id);
    if (view === undefined) {
      remember(this.#absentUntilUs, id, nowUs + ABSENT_FOR_MS * 1000);
      return undefined;
    }
    this.#absentUntilUs.delete(id);
    remember(this.#views, id, view);
    for (const label of view.labels) {
      if (this.#labels.size < MAX_LABELS) this.#labels.add(label);
    }
    return view;
  }

  async #read(id: string): Promise<EventView | undefined> {
    try {
      const receipt = await readReceipt(this.#store, id);
      if (receipt === undefined) return undefined;
      this.#unreadable.delete(id);
      return eventViewOf(receipt);
    } catch (error) {
      if (!(error instanceof MalformedInputError)) throw error;
      // One bad manifest must not hide the others. Said once, not on every page.
      if (!this.#unreadable.has(id))
        this.#log.warn({ event: id, fault: messageOf(error) }, 'event not shown');
      if (this.#unreadable.size < MAX_VIEWS) this.#unreadable.add(id);
      return undefined;
    }
  }
}

async function take<T>(source: AsyncIterator<T>, count: number): Promise<T[]> {
  const taken: T[] = [];
  while (taken.length < count) {
    const next = await source.next();
    if (next.done === true) break;
    taken.push(next.value);
  }
  return taken;
}

/** Adds an entry to a map in order of use, which is kept to `MAX_VIEWS` entries. */
function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.set(key, value);
  if (map.size <= MAX_VIEWS) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
