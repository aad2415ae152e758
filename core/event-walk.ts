import { merged, placeOf, type EventOrder } from './event-order.ts';
import { cameraId, eventKey } from './ids.ts';
import type { ObjectStore } from './store.ts';

/** An event in the store as its listing tells it: nothing of it was read. */
export interface StoredEvent {
  id: string;
  camera: string;
  startUs: number;
  /** Sorts as text by start time, then camera. */
  order: string;
  /** All that lies under its id, by name. */
  objects: Map<string, number>;
}

/** Bytes of all objects of the event. */
export function sizeOf({ objects }: StoredEvent): number {
  let sum = 0;
  for (const sizeBytes of objects.values()) sum += sizeBytes;
  return sum;
}

export interface EventDay {
  /** `<camera>/<yyyy>/<mm>/<dd>/` */
  prefix: string;
  /** `yyyymmdd` */
  date: string;
  /** Whether it is the camera's last day with events, where new ones appear. */
  latest: boolean;
}

export interface DayRange {
  order: EventOrder;
  /** First and last day, `yyyymmdd`, both included; UTC, as keys are. */
  first?: string | undefined;
  last?: string | undefined;
}

/** Names of the groups directly below a prefix, in lexical order; `latest` as in `EventDay`. */
export type Children = (prefix: string, latest: boolean) => Promise<string[]>;

/** A camera's days with events, in order. Lists years, months and days only as far as they are asked for. */
export async function* daysOf(
  camera: string,
  children: Children,
  { order, first, last }: DayRange,
): AsyncGenerator<EventDay> {
  // Depth first over years, months and days: what comes next lies on top.
  const stack: EventDay[] = [{ prefix: `${camera}/`, date: '', latest: true }];
  for (let level = stack.pop(); level !== undefined; level = stack.pop()) {
    const { prefix, date, latest } = level;
    if (date.length === 'yyyymmdd'.length) {
      yield level;
      continue;
    }
    const pattern = date === '' ? /^\d{4}$/ : /^\d{2}$/;
    const names = (await children(prefix, latest)).filter((name) => pattern.test(name));
    const below = names.map((name, index) => ({
      prefix: `${prefix}${name}/`,
      date: `${date}${name}`,
      latest: latest && index === names.length - 1,
    }));
    const wanted = below.filter(
      (day) =>
        (first === undefined || day.date >= first.slice(0, day.date.length)) &&
        (last === undefined || day.date <= last.slice(0, day.date.length)),
    );
    stack.push(...(order === 'newest' ? wanted : wanted.reverse()));
  }
}

/** The day of a time as keys have it: `yyyymmdd`, UTC. */
export function dateOf(us: number): string {
  return new Date(us / 1000).toISOString().slice(0, 10).replaceAll('-', '');
}

/**
 * A day's events, oldest first, out of one listing of all objects. What is in the wrong place (a copy in another day or
 * under another camera) is passed over.
 */
export async function* eventsOfDay(
  store: Pick<ObjectStore, 'list'>,
  { prefix, date }: Pick<EventDay, 'prefix' | 'date'>,
): AsyncGenerator<StoredEvent> {
  const camera = prefix.slice(0, prefix.indexOf('/'));
  // The very same few names again and again: one string each, which holds no key in memory.
  const names = new Map<string, string>();
  let event: StoredEvent | undefined;
  let passed = '';
  for await (const entry of store.list(prefix)) {
    if (!('key' in entry)) continue;
    const [id = '', name = '', deeper] = entry.key.slice(prefix.length).split('/');
    if (name === '' || deeper !== undefined || id === passed) continue;
    if (event?.id !== id) {
      if (event !== undefined) yield event;
      event = undefined;
      const place = placeOf(id);
      if (place?.camera !== camera || `${place.year}${place.month}${place.day}` !== date) {
        passed = id;
        continue;
      }
      event = { id, camera, startUs: place.startUs, order: place.order, objects: new Map() };
    }
    const known = names.get(name) ?? name;
    names.set(known, known);
    event.objects.set(known, entry.sizeBytes);
  }
  if (event !== undefined) yield event;
}

/** One event's objects; without any where there is nothing under its id. Throws `TypeError` if `id` is no event id. */
export async function storedEvent(store: Pick<ObjectStore, 'list'>, id: string): Promise<StoredEvent> {
  const place = placeOf(id);
  if (place === undefined) throw new TypeError(`not an event id: ${JSON.stringify(id)}`);
  const prefix = eventKey(id, 'event.json').slice(0, -'event.json'.length);
  const objects = new Map<string, number>();
  for await (const entry of store.list(prefix)) {
    if ('key' in entry) objects.set(entry.key.slice(prefix.length), entry.sizeBytes);
  }
  return { id, camera: place.camera, startUs: place.startUs, order: place.order, objects };
}

export interface EventRange {
  order: EventOrder;
  /** Default: all that have something in the store. */
  cameras?: readonly string[] | undefined;
  /** Events that began at or after `fromUs`, and before `toUs`. */
  fromUs?: number | undefined;
  toUs?: number | undefined;
}

/**
 * The events in the store over all cameras, in order, by listing alone. Days are listed when the walk reaches them.
 * Holds one event a camera in memory, newest first one day a camera.
 */
export async function* storedEvents(
  store: Pick<ObjectStore, 'list'>,
  { order, cameras, fromUs = 0, toUs = Infinity }: EventRange,
): AsyncGenerator<StoredEvent> {
  const names = new Set(cameras ?? (await camerasOf(store)));
  const range: DayRange = {
    order,
    ...(fromUs > 0 ? { first: dateOf(fromUs) } : {}),
    ...(Number.isFinite(toUs) ? { last: dateOf(Math.max(0, toUs)) } : {}),
  };
  for await (const event of merged(
    [...names].map((camera) => eventsOf(store, camera, range)),
    order,
  )) {
    if (event.startUs >= fromUs && event.startUs < toUs) yield event;
  }
}

/** A camera's events of these days, in order. */
export async function* eventsOf(
  store: Pick<ObjectStore, 'list'>,
  camera: string,
  range: DayRange,
): AsyncGenerator<StoredEvent> {
  for await (const day of daysOf(camera, (prefix) => childrenOf(store, prefix), range)) {
    if (range.order === 'oldest') {
      yield* eventsOfDay(store, day);
      continue;
    }
    const events: StoredEvent[] = [];
    for await (const event of eventsOfDay(store, day)) events.push(event);
    for (let event = events.pop(); event !== undefined; event = events.pop()) yield event;
  }
}

/** Cameras that have something in the store. */
export async function camerasOf(store: Pick<ObjectStore, 'list'>): Promise<string[]> {
  return (await childrenOf(store, '')).filter((name) => cameraId.safeParse(name).success);
}

/** Names of the groups directly below a prefix: '', or one that ends in a slash. */
export async function childrenOf(store: Pick<ObjectStore, 'list'>, prefix: string): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of store.list(prefix, { delimiter: '/' })) {
    if ('prefix' in entry) names.push(entry.prefix.slice(prefix.length, -1));
  }
  return names;
}
