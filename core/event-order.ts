import { eventId } from './ids.ts';

/** What an event's id tells without reading anything: its camera, its day, and its place in time. */
export interface EventPlace {
  camera: string;
  year: string;
  month: string;
  day: string;
  /** When it began, in microseconds since the Unix epoch. */
  startUs: number;
  /** Sorts as text by start time, then camera; unique an event. */
  order: string;
}

const STAMP_LENGTH = 'yyyymmddthhmmss-uuuuuu'.length;

/** The place of an event; undefined if `id` is no event id. */
export function placeOf(id: string): EventPlace | undefined {
  if (!eventId.safeParse(id).success) return undefined;
  const stamp = id.slice(-STAMP_LENGTH);
  const camera = id.slice(0, -STAMP_LENGTH - 1);
  const part = (from: number, to: number): number => Number(stamp.slice(from, to));
  const startMs = Date.UTC(part(0, 4), part(4, 6) - 1, part(6, 8), part(9, 11), part(11, 13), part(13, 15));
  return {
    camera,
    year: stamp.slice(0, 4),
    month: stamp.slice(4, 6),
    day: stamp.slice(6, 8),
    startUs: startMs * 1000 + part(16, 22),
    order: `${stamp} ${camera}`,
  };
}

/** The listings of the store in which the event shows: of its day and of everything above it, the root as ''. */
export function listingsAbove({ camera, year, month, day }: EventPlace): string[] {
  return [
    '',
    `${camera}/`,
    `${camera}/${year}/`,
    `${camera}/${year}/${month}/`,
    `${camera}/${year}/${month}/${day}/`,
  ];
}

/** Which events come first. */
export type EventOrder = 'newest' | 'oldest';

/** Merges sources that are each in this order into one that is. Reads no further ahead than one of each source. */
export async function* merged<T extends { order: string }>(
  sources: AsyncIterator<T>[],
  first: EventOrder,
): AsyncGenerator<T> {
  const open = new Map<AsyncIterator<T>, T>();
  const advance = async (source: AsyncIterator<T>): Promise<void> => {
    const next = await source.next();
    if (next.done === true) open.delete(source);
    else open.set(source, next.value);
  };
  const goesBefore = (a: T, b: T): boolean => (first === 'newest' ? a.order > b.order : a.order < b.order);
  await Promise.all(sources.map(advance));
  for (;;) {
    let next: [AsyncIterator<T>, T] | undefined;
    for (const entry of open) {
      if (next === undefined || goesBefore(entry[1], next[1])) next = entry;
    }
    if (next === undefined) return;
    yield next[1];
    await advance(next[0]);
  }
}
