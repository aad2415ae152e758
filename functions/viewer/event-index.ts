import type { Clock } from '@faascam/core/clock';
import { messageOf, MalformedInputError, StoreError } from '@faascam/core/errors';
import { placeOf, type EventPlace } from '@faascam/core/event-order';
import { dateOf } from '@faascam/core/event-walk';
import type { Logger } from '@faascam/core/log';
import { readReceipt } from '@faascam/core/read-object';
import type { ObjectStore } from '@faascam/core/store';
import type { EventsAnswer, EventView } from './api/event-schema.ts';
import { EventCalendar } from './event-calendar.ts';
import {
  asksForFacts,
  factsMatcherOf,
  idOf,
  matcherOf,
  newestFirst,
  SharedFacts,
  type Candidate,
  type EventDay,
  type EventFacts,
  type EventFilter,
  type EventRow,
} from './event-rows.ts';
import { eventViewOf } from './event-view.ts';

export interface EventQuery extends EventFilter {
  camera?: string | undefined;
  /** The only cameras that count; absent: all. */
  among?: readonly string[] | undefined;
  limit: number;
  /** The cursor that the page before ended with: what follows is older than the event of this id, be there one or not. */
  before?: string | undefined;
}

/** What one answer may cost: a rare label that nobody has asked for yet is found over several pages. */
const MOST_READ = 400;
const MOST_WAIT_US = 2_000_000;
const MOST_VIEWS = 5_000;
const READ_AT_ONCE = 12;
/** Reading ahead leaves the store and the processor to those who wait for something. */
const READ_AHEAD_AT_ONCE = 4;
/** How often all days are looked at again for what was stored or removed unheard. */
const PASS_MS = 3_600_000;
const RETRY_MS = 60_000;
/** The first pages are for those who opened them. */
const HEAD_START_MS = 5_000;

/** How far a walk has come. */
interface Effort {
  reads: number;
  untilUs: number;
  /** The newest event that it met, whatever is in it. */
  newest: string | undefined;
  readonly seen: Set<EventDay>;
}

type Step = { event: Candidate } | { pausedAt: string };

/**
 * The events in the store, newest first over all cameras. It is made from the bucket alone: days are listed when a page
 * reaches them, receipts read when a filter asks for what is in them, and both in the background once `start` was called;
 * what filters need stays in memory, some 120 bytes an event (decision 22).
 */
export class EventIndex {
  readonly #store: ObjectStore;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #calendar: EventCalendar;
  readonly #facts = new SharedFacts();
  /** In order of use, the longest unused first. */
  readonly #views = new Map<string, { view: EventView; receiptBytes: number }>();
  readonly #unreadable = new Set<string>();
  readonly #stop = new AbortController();
  #reading: Promise<void> | undefined;

  /** `hearsStored` says whether every `clips.stored` reaches `noteStored` right now. */
  constructor(options: { store: ObjectStore; clock: Clock; log: Logger; hearsStored: () => boolean }) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#calendar = new EventCalendar(options.store, options.clock, options.hearsStored);
  }

  /** Begins to read ahead, newest first. `close` ends it. */
  start(): void {
    this.#reading ??= this.#readAhead();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#reading;
  }

  /** An event was stored, or stored anew, kept or removed: the next page shows it. An id that is none is ignored. */
  noteStored(id: string): void {
    this.#calendar.noteStored(id);
    this.#views.delete(id);
  }

  /** Events may have been stored unheard: everything is listed anew when it is next asked for. */
  forgetListings(): void {
    this.#calendar.forgetListings();
  }

  /** Throws `StoreError` when the store does not answer. */
  async page(query: EventQuery): Promise<EventsAnswer> {
    const { limit } = query;
    const nowUs = this.#clock.nowUs();
    const effort: Effort = {
      ...{ reads: MOST_READ, untilUs: nowUs + MOST_WAIT_US },
      ...{ newest: undefined, seen: new Set() },
    };
    const steps = this.#walk(query, effort);
    const events: EventView[] = [];
    let before: string | undefined;
    for (let more = true; more && events.length < limit;) {
      const batch: Candidate[] = [];
      while (batch.length < Math.min(READ_AT_ONCE, limit - events.length)) {
        const step = await steps.next();
        more = step.done !== true && 'event' in step.value;
        before = step.done === true ? undefined : cursorOf(step.value);
        if (step.done === true || !('event' in step.value)) break;
        batch.push(step.value.event);
      }
      const views = await Promise.all(batch.map(async (candidate) => await this.#view(candidate)));
      events.push(...views.filter((view) => view !== undefined));
    }
    // Whether there is a next page. A pause on the way to it is where it begins.
    if (before !== undefined && events.length === limit) {
      const next = await steps.next();
      if (next.done === true) before = undefined;
      else if ('pausedAt' in next.value) before = next.value.pausedAt;
    }
    this.#calendar.renew(effort.seen);
    return { events, before, newest: effort.newest };
  }

  /** Lists all days and reads what was not read yet, as far as there is room, newest first. Throws `StoreError`, and when aborted. */
  async readAll(signal: AbortSignal = this.#stop.signal): Promise<void> {
    const startedAtUs = this.#clock.nowUs();
    for await (const { days } of this.#calendar.dates(await this.cameras(), {})) {
      for (const day of days) {
        const begunAtUs = this.#clock.nowUs();
        await this.#calendar.listedWithin(day, PASS_MS / 2);
        const unread = day.rows.filter(({ facts }) => facts === undefined).reverse();
        for (let from = 0; from < unread.length; from += READ_AHEAD_AT_ONCE) {
          signal.throwIfAborted();
          const some = unread.slice(from, from + READ_AHEAD_AT_ONCE);
          const remember = this.#views.size < MOST_VIEWS / 2;
          await Promise.all(some.map(async (row) => await this.#read({ day, row }, remember)));
        }
        signal.throwIfAborted();
        // As long as it worked: half of a processor at most.
        if (unread.length > 0) await this.#clock.sleep((this.#clock.nowUs() - begunAtUs) / 1000, signal);
      }
      if (this.#calendar.full) break;
    }
    const ms = Math.round((this.#clock.nowUs() - startedAtUs) / 1000);
    this.#log.debug({ events: this.listed, ms }, 'the index of events is complete');
  }

  /** Cameras that have something in the store. */
  async cameras(): Promise<string[]> {
    return await this.#calendar.cameras();
  }

  /** Labels and zones of the events that were read so far; of these cameras alone, where some are given. */
  labels(among?: readonly string[]): string[] {
    return this.#facts.names('labels', among);
  }

  zones(among?: readonly string[]): string[] {
    return this.#facts.names('zones', among);
  }

  /** Events that are known. */
  get listed(): number {
    return this.#calendar.listed;
  }

  /** How many events are known, and how many of them have a receipt that cannot be understood. */
  counts(among?: readonly string[]): { listed: number; unreadable: number } {
    if (among === undefined) return { listed: this.listed, unreadable: this.#unreadable.size };
    const unreadable = [...this.#unreadable].filter((id) => among.includes(placeOf(id)?.camera ?? ''));
    return { listed: this.#calendar.listedOf(among), unreadable: unreadable.length };
  }

  /** Wanted events, newest first; it pauses where it has done enough for one answer. */
  async *#walk(query: EventQuery, effort: Effort): AsyncGenerator<Step> {
    const after = query.before === undefined ? undefined : placeOf(query.before);
    const { fromUs, toUs } = query;
    const lastUs = Math.min(after?.startUs ?? Infinity, toUs ?? Infinity);
    const named = query.camera === undefined ? await this.cameras() : [query.camera];
    const cameras = named.filter((name) => query.among?.includes(name) ?? true);
    const dates = this.#calendar.dates(cameras, {
      ...(fromUs === undefined ? {} : { first: dateOf(fromUs) }),
      ...(Number.isFinite(lastUs) ? { last: dateOf(lastUs) } : {}),
    });
    const reads = asksForFacts(query);
    const matches = matcherOf(query);
    const factsMatch = factsMatcherOf(query);
    const inTime = matcherOf({ fromUs, toUs });
    for await (const { date, days } of dates) {
      if (effort.newest === undefined) {
        const [newest] = candidatesOf(days, inTime, after);
        effort.newest = newest && idOf(newest);
      }
      const wanted = candidatesOf(
        reads ? days.filter((day) => this.#mayHave(day, factsMatch)) : days,
        matches,
        after,
      );
      for (const [index, candidate] of wanted.entries()) {
        const { row, day } = candidate;
        if (reads && row.facts === undefined) await this.#readSome(wanted, index, effort);
        const known = !reads || row.facts !== undefined;
        if (known && matches(row)) {
          effort.seen.add(day);
          yield { event: candidate };
        }
        if (effort.reads <= 0) {
          yield { pausedAt: idOf(candidate) };
          return;
        }
      }
      if (this.#clock.nowUs() > effort.untilUs) {
        yield { pausedAt: startOf(date) };
        return;
      }
    }
  }

  #mayHave(day: EventDay, factsMatch: (facts: EventFacts) => boolean): boolean {
    day.all ??= this.#facts.ofAll(day.rows);
    return day.all === undefined || factsMatch(day.all);
  }

  /** Reads the next receipts that were not read yet, from this one on. */
  async #readSome(candidates: Candidate[], from: number, effort: Effort): Promise<void> {
    const unread: Candidate[] = [];
    for (let index = from; index < candidates.length && unread.length < READ_AT_ONCE; index += 1) {
      const candidate = candidates[index];
      if (candidate?.row.facts === undefined && candidate !== undefined) unread.push(candidate);
    }
    effort.reads -= unread.length;
    await Promise.all(unread.map(async (candidate) => await this.#read(candidate, true)));
  }

  /** The event's view, or undefined where its receipt is gone or cannot be understood. */
  async #view(candidate: Candidate): Promise<EventView | undefined> {
    const { row } = candidate;
    const id = idOf(candidate);
    const known = this.#views.get(id);
    if (known?.receiptBytes !== row.receiptBytes) return await this.#read(candidate, true);
    this.#views.delete(id);
    this.#views.set(id, known);
    return { ...known.view, kept: row.kept };
  }

  async #read(candidate: Candidate, remember: boolean): Promise<EventView | undefined> {
    const { row } = candidate;
    if (row.facts === 'unreadable') return undefined;
    const id = idOf(candidate);
    try {
      const receipt = await readReceipt(this.#store, id);
      if (receipt === undefined) {
        this.#calendar.drop(candidate);
        return undefined;
      }
      this.#unreadable.delete(id);
      row.facts = this.#facts.of(receipt);
      const view = eventViewOf(receipt, row.kept);
      if (remember) this.#remember(id, view, row.receiptBytes);
      return view;
    } catch (error) {
      if (!(error instanceof MalformedInputError)) throw error;
      // One bad receipt must not hide the others. Said once, not on every page.
      row.facts = 'unreadable';
      if (!this.#unreadable.has(id))
        this.#log.warn({ event: id, fault: messageOf(error) }, 'event not shown');
      if (this.#unreadable.size < MOST_VIEWS) this.#unreadable.add(id);
      return undefined;
    }
  }

  #remember(id: string, view: EventView, receiptBytes: number): void {
    this.#views.set(id, { view, receiptBytes });
    if (this.#views.size <= MOST_VIEWS) return;
    const [oldest] = this.#views.keys();
    if (oldest !== undefined) this.#views.delete(oldest);
  }

  async #readAhead(): Promise<void> {
    const { signal } = this.#stop;
    for (let waitMs = HEAD_START_MS; ;) {
      await this.#clock.sleep(waitMs, signal).catch(() => undefined);
      if (signal.aborted) return;
      waitMs = PASS_MS;
      try {
        await this.readAll(signal);
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        waitMs = RETRY_MS;
        // Whoever asks is told why the store does not answer.
        if (error instanceof StoreError) continue;
        this.#log.error({ err: error, fault: messageOf(error) }, 'events could not be read ahead');
      }
    }
  }
}

/** The events of one date that match, newest first. Pure. */
function candidatesOf(
  days: EventDay[],
  matches: (row: EventRow) => boolean,
  after: EventPlace | undefined,
): Candidate[] {
  const wanted: Candidate[] = [];
  for (const day of days) {
    for (const row of day.rows) {
      if (after !== undefined && !comesAfter(row.startUs, day.camera, after)) continue;
      if (matches(row)) wanted.push({ day, row });
    }
  }
  return wanted.sort(newestFirst);
}

/** Whether an event comes after the place in the order of newest first. */
function comesAfter(startUs: number, camera: string, after: EventPlace): boolean {
  return startUs < after.startUs || (startUs === after.startUs && camera < after.camera);
}

function cursorOf(step: Step): string {
  return 'event' in step ? idOf(step.event) : step.pausedAt;
}

/** A cursor after all events of this date, which were looked at: an id that sorts before any other of its time. */
function startOf(date: string): string {
  return `0-${date}t000000-000000`;
}
