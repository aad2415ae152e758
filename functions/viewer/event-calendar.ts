import type { Clock } from '@faascam/core/clock';
import { listingsAbove, placeOf } from '@faascam/core/event-order';
import { eventsOfDay, storedEvent, type StoredEvent } from '@faascam/core/event-walk';
import { cameraId } from '@faascam/core/ids';
import type { ObjectStore } from '@faascam/core/store';
import { idOf, type Candidate, type EventDay, type EventRow } from './event-rows.ts';
import { StoreListing } from './store-listing.ts';

/** How old a listing may be, in ms. While `clips.stored` is heard, that message and not the clock says what is new. */
const LISTING_AGE_MS = {
  heard: { newest: 30_000, older: 600_000 },
  unheard: { newest: 3_000, older: 60_000 },
} as const;
/** Rows held at most, some 40 MB; the days longest unused go first. */
const MOST_ROWS = 300_000;

/** Days of the same date, of several cameras. */
export interface DateOfDays {
  date: string;
  days: EventDay[];
}

/** First and last day, `yyyymmdd`, both included; UTC, as keys are. */
export interface Dates {
  first?: string | undefined;
  last?: string | undefined;
}

/**
 * What lies in the store, by day: which events there are, out of listings alone. Days are listed when a walk reaches them,
 * and remembered.
 */
export class EventCalendar {
  readonly #store: ObjectStore;
  readonly #clock: Clock;
  readonly #hearsStored: () => boolean;
  readonly #listing: StoreListing;
  /** In order of use, the longest unused first. */
  readonly #days = new Map<string, EventDay>();
  #rows = 0;
  #renewals: Promise<void> = Promise.resolve();
  readonly #renewing = new Set<EventDay>();

  /** `hearsStored` says whether every `clips.stored` reaches `noteStored` right now. */
  constructor(store: ObjectStore, clock: Clock, hearsStored: () => boolean) {
    this.#store = store;
    this.#clock = clock;
    this.#hearsStored = hearsStored;
    this.#listing = new StoreListing(store, clock);
  }

  /** Events that are known. */
  get listed(): number {
    return this.#rows;
  }

  listedOf(cameras: readonly string[]): number {
    return [...this.#days.values()]
      .filter(({ camera }) => cameras.includes(camera))
      .reduce((sum, { rows }) => sum + rows.length, 0);
  }

  get full(): boolean {
    return this.#rows >= MOST_ROWS;
  }

  /** Cameras that have something in the store. Throws `StoreError`. */
  async cameras(): Promise<string[]> {
    const names = await this.#listing.children('', this.#age.newest);
    return names.filter((name) => cameraId.safeParse(name).success);
  }

  /** The cameras' days, newest first, each listed. Throws `StoreError`. */
  async *dates(cameras: readonly string[], { first, last }: Dates): AsyncGenerator<DateOfDays> {
    const inRange = (date: string): boolean =>
      (first === undefined || date >= first.slice(0, date.length)) &&
      (last === undefined || date <= last.slice(0, date.length));
    let level: Branch[] = cameras.map((camera) => ({ camera, date: '', prefix: `${camera}/`, latest: true }));
    level = await this.#below(level, /^\d{4}$/, inRange);
    const months = byDate(await this.#below(level, /^\d{2}$/, inRange));
    for (const [, branches] of months) {
      for (const [date, days] of byDate(await this.#below(branches, /^\d{2}$/, inRange))) {
        const known = days.map((day) => this.#dayOf(day));
        // Awaited only where there is something to wait for: a rare label leads through thousands of days.
        const waits = days.flatMap(({ latest }, index) => this.#freshening(known[index], latest) ?? []);
        if (waits.length > 0) await Promise.all(waits);
        yield { date, days: known };
      }
    }
  }

  /** These days were shown: those that were listed long ago are listed anew, one after the other, while nobody waits. */
  renew(days: Iterable<EventDay>): void {
    const oldest = this.#clock.nowUs() - this.#age.older * 1000;
    for (const day of days) {
      if (day.listedAtUs === undefined || day.listedAtUs >= oldest || this.#renewing.has(day)) continue;
      this.#renewing.add(day);
      this.#renewals = this.#renewals.then(async () => {
        // A store that is away is told of by whoever needs it.
        await this.#list(day).catch(() => undefined);
        this.#renewing.delete(day);
      });
    }
  }

  /** Lists the day anew if that was done longer ago than `maxAgeMs`. Throws `StoreError`. */
  async listedWithin(day: EventDay, maxAgeMs: number): Promise<void> {
    const age = this.#clock.nowUs() - (day.listedAtUs ?? -Infinity);
    if (age > maxAgeMs * 1000) await this.#list(day);
  }

  /** Something of the event was stored: the next walk looks at it. An id that is none is ignored. */
  noteStored(id: string): void {
    const place = placeOf(id);
    if (place === undefined) return;
    const above = listingsAbove(place);
    const day = this.#days.get(above.at(-1) ?? '');
    if (day === undefined) this.#listing.forget(above);
    else day.noted.add(place.startUs);
  }

  /** Events may have been stored unheard: newest days are listed anew when they are next asked for. */
  forgetListings(): void {
    this.#listing.forgetAll();
    for (const day of this.#days.values()) {
      if (day.listedAtUs !== undefined) day.listedAtUs = 0;
    }
  }

  /** The event is not there any more. */
  drop({ day, row }: Candidate): void {
    this.#setRows(
      day,
      day.rows.filter((other) => other !== row),
    );
  }

  get #age(): { newest: number; older: number } {
    return this.#hearsStored() ? LISTING_AGE_MS.heard : LISTING_AGE_MS.unheard;
  }

  async #below(above: Branch[], name: RegExp, inRange: (date: string) => boolean): Promise<Branch[]> {
    const age = this.#age;
    const branches = await Promise.all(
      above.map(async ({ camera, date, prefix, latest }) => {
        const options = { orOld: !latest };
        const names = await this.#listing.children(prefix, latest ? age.newest : age.older, options);
        const known = names.filter((child) => name.test(child));
        return known.map((child, index) => ({
          camera,
          date: `${date}${child}`,
          prefix: `${prefix}${child}/`,
          latest: latest && index === known.length - 1,
        }));
      }),
    );
    return branches.flat().filter(({ date }) => inRange(date));
  }

  #dayOf({ camera, date, prefix }: Branch): EventDay {
    const known = this.#days.get(prefix);
    if (known !== undefined && !this.full) return known;
    const day: EventDay = known ?? {
      ...{ camera, date, prefix, rows: [], noted: new Set() },
      ...{ all: undefined, listedAtUs: undefined, listing: undefined },
    };
    this.#days.delete(prefix);
    this.#days.set(prefix, day);
    return day;
  }

  /**
   * What is to be waited for until the day is as it is now, or, where events are rarely stored any more, as it was when it
   * was listed; undefined: nothing.
   */
  #freshening(day: EventDay | undefined, latest: boolean): Promise<void> | undefined {
    if (day === undefined) return undefined;
    const { listedAtUs = -Infinity } = day;
    const oldest = latest ? this.#clock.nowUs() - this.#age.newest * 1000 : 0;
    if (listedAtUs >= oldest && day.noted.size === 0) return undefined;
    return this.#freshen(day, listedAtUs < oldest);
  }

  async #freshen(day: EventDay, list: boolean): Promise<void> {
    if (list) await this.#list(day);
    if (day.noted.size > 0) await this.#lookAtNoted(day);
  }

  async #list(day: EventDay): Promise<void> {
    day.listing ??= this.#rowsOf(day).finally(() => (day.listing = undefined));
    await day.listing;
  }

  async #rowsOf(day: EventDay): Promise<void> {
    const listedAtUs = this.#clock.nowUs();
    const rows: EventRow[] = [];
    const known = new Map(day.rows.map((row) => [row.startUs, row]));
    for await (const event of eventsOfDay(this.#store, day)) {
      const row = rowOf(event, known.get(event.startUs));
      if (row !== undefined) rows.push(row);
    }
    this.#setRows(day, rows);
    day.listedAtUs = listedAtUs;
    this.#makeRoom(day);
  }

  async #lookAtNoted(day: EventDay): Promise<void> {
    const starts = [...day.noted];
    day.noted.clear();
    try {
      for (const startUs of starts) {
        const id = idOf({ day, row: { startUs } });
        // Also one that is known: its receipt may be another of the same size.
        const row = rowOf(await storedEvent(this.#store, id), undefined);
        const others = day.rows.filter((other) => other.startUs !== startUs);
        this.#setRows(day, row === undefined ? others : inOrder([...others, row]));
      }
    } catch (error) {
      for (const startUs of starts) day.noted.add(startUs);
      throw error;
    }
  }

  #setRows(day: EventDay, rows: EventRow[]): void {
    if (this.#days.get(day.prefix) === day) this.#rows += rows.length - day.rows.length;
    day.rows = rows;
    day.all = undefined;
  }

  #makeRoom(keep: EventDay): void {
    for (const day of this.#days.values()) {
      if (this.#rows <= MOST_ROWS) return;
      if (day === keep) continue;
      this.#rows -= day.rows.length;
      this.#days.delete(day.prefix);
    }
  }
}

/** A camera's year, month or day, by how long its date is. */
interface Branch {
  camera: string;
  date: string;
  prefix: string;
  /** Whether it is the camera's last one, where new events appear. */
  latest: boolean;
}

function byDate(branches: Branch[]): [string, Branch[]][] {
  const dates = new Map<string, Branch[]>();
  for (const branch of branches) {
    const same = dates.get(branch.date);
    if (same === undefined) dates.set(branch.date, [branch]);
    else same.push(branch);
  }
  return [...dates].sort(([a], [b]) => (a < b ? 1 : -1));
}

function rowOf({ startUs, objects }: StoredEvent, known: EventRow | undefined): EventRow | undefined {
  const receiptBytes = objects.get('event.json');
  if (receiptBytes === undefined) return undefined;
  const kept = objects.has('keep.json');
  if (known?.receiptBytes !== receiptBytes) return { startUs, receiptBytes, kept, facts: undefined };
  known.kept = kept;
  return known;
}

function inOrder(rows: EventRow[]): EventRow[] {
  return rows.sort((a, b) => a.startUs - b.startUs);
}
