import { eventIdOf } from '@faascam/core/ids';
import type { Manifest } from '@faascam/core/clip-messages';

/** What filters ask of an event, out of its receipt. The lists are shared between events. */
export interface EventFacts {
  labels: readonly string[];
  zones: readonly string[];
  score: number;
}

/**
 * An event as the index holds it: about 120 bytes, so that a hundred thousand are no burden. Its listing tells all but the
 * facts, which its receipt has.
 */
export interface EventRow {
  startUs: number;
  /** Bytes of its receipt: another size is another receipt. */
  receiptBytes: number;
  /** Somebody has marked it as to be kept. */
  kept: boolean;
  /** `unreadable`: its receipt cannot be understood; undefined: it was not read yet. */
  facts: EventFacts | 'unreadable' | undefined;
}

/** A camera's day in the store. */
export interface EventDay {
  readonly camera: string;
  /** `<camera>/<yyyy>/<mm>/<dd>/` */
  readonly prefix: string;
  /** `yyyymmdd` */
  readonly date: string;
  /** Oldest first. */
  rows: EventRow[];
  /** What is in any of its events, once all were read: most days have no rare label, and need no closer look. */
  all: EventFacts | undefined;
  /** When it was listed; undefined: it is to be listed before it is used. */
  listedAtUs: number | undefined;
  /** A listing that is going on. */
  listing: Promise<void> | undefined;
  /** Start times of events of which something was heard since. */
  readonly noted: Set<number>;
}

/** What events are wanted. Of several labels any is enough. */
export interface EventFilter {
  labels?: readonly string[] | undefined;
  zone?: string | undefined;
  minScore?: number | undefined;
  kept?: boolean | undefined;
  /** Events that began at or after `fromUs`, and before `toUs`. */
  fromUs?: number | undefined;
  toUs?: number | undefined;
}

/** An event of a day. */
export interface Candidate {
  day: EventDay;
  row: EventRow;
}

/** Whether its receipt must be read to tell. Pure. */
export function asksForFacts({ labels, zone, minScore }: EventFilter): boolean {
  return labels !== undefined || zone !== undefined || minScore !== undefined;
}

/** Whether what is in an event is wanted. Of all that is in several: whether any of them may be. Pure. */
export function factsMatcherOf(filter: EventFilter): (facts: EventFacts) => boolean {
  const { labels, zone, minScore = 0 } = filter;
  return (facts) => {
    if (facts.score < minScore || (zone !== undefined && !facts.zones.includes(zone))) return false;
    return labels === undefined || labels.some((label) => facts.labels.includes(label));
  };
}

/** Whether an event is wanted, as far as is known: one that was not read yet may be. Pure. */
export function matcherOf(filter: EventFilter): (row: EventRow) => boolean {
  const { kept, fromUs = 0, toUs = Infinity } = filter;
  const factsMatch = factsMatcherOf(filter);
  return ({ startUs, facts, kept: isKept }) => {
    if (startUs < fromUs || startUs >= toUs || (kept !== undefined && isKept !== kept)) return false;
    return facts === undefined || (facts !== 'unreadable' && factsMatch(facts));
  };
}

/** Newest first; of two that began at the same time, as `placeOf` orders them. Pure. */
export function newestFirst(a: Candidate, b: Candidate): number {
  return b.row.startUs - a.row.startUs || (a.day.camera < b.day.camera ? 1 : -1);
}

export function idOf({
  day,
  row,
}: {
  day: Pick<EventDay, 'camera'>;
  row: Pick<EventRow, 'startUs'>;
}): string {
  return eventIdOf(day.camera, row.startUs);
}

interface Seen {
  labels: Set<string>;
  zones: Set<string>;
}

/** The lists of labels and of zones that events have: many have the very same. */
export class SharedFacts {
  readonly #lists = new Map<string, readonly string[]>();
  /** What events of a camera have had so far. */
  readonly #seen = new Map<string, Seen>();

  of({ event }: Pick<Manifest, 'event'>): EventFacts {
    const seen = this.#seen.get(event.camera) ?? { labels: new Set(), zones: new Set() };
    this.#seen.set(event.camera, seen);
    for (const label of event.labels) noteOne(seen.labels, label);
    for (const zone of event.zones) noteOne(seen.zones, zone);
    const labels = this.#shared([...new Set(event.labels)]);
    return { labels, zones: this.#shared(event.zones), score: event.bestScore };
  }

  /** Names that events have had so far, sorted; of these cameras alone, where some are given. */
  names(kind: keyof Seen, among?: readonly string[]): string[] {
    const sets = [...this.#seen].flatMap(([camera, seen]) =>
      (among?.includes(camera) ?? true) ? [...seen[kind]] : [],
    );
    return [...new Set(sets)].sort().slice(0, MOST_NAMES);
  }

  /** What is in any of the events; undefined while some were not read. */
  ofAll(rows: readonly EventRow[]): EventFacts | undefined {
    const labels = new Set<string>();
    const zones = new Set<string>();
    let score = 0;
    for (const { facts } of rows) {
      if (facts === undefined) return undefined;
      if (facts === 'unreadable') continue;
      for (const label of facts.labels) labels.add(label);
      for (const zone of facts.zones) zones.add(zone);
      score = Math.max(score, facts.score);
    }
    return { labels: this.#shared([...labels].sort()), zones: this.#shared([...zones].sort()), score };
  }

  #shared(list: readonly string[]): readonly string[] {
    const key = JSON.stringify(list);
    const known = this.#lists.get(key);
    if (known !== undefined) return known;
    if (this.#lists.size < MOST_LISTS) this.#lists.set(key, list);
    return list;
  }
}

const MOST_LISTS = 10_000;
/** Choices for filters; a label is what a model calls things, so that there are few. */
const MOST_NAMES = 200;

function noteOne(names: Set<string>, name: string): void {
  if (names.size < MOST_NAMES) names.add(name);
}
