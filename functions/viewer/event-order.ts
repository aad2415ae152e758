import { eventId } from '@faascam/core/ids';

/** What an event's id tells without reading anything: its camera, its day, and its place in time. */
export interface EventPlace {
  camera: string;
  year: string;
  month: string;
  day: string;
  /** Sorts as text by start time, then camera; unique an event. */
  order: string;
}

const STAMP_LENGTH = 'yyyymmddthhmmss-uuuuuu'.length;

/** The place of an event; undefined if `id` is no event id. */
export function placeOf(id: string): EventPlace | undefined {
  if (!eventId.safeParse(id).success) return undefined;
  const stamp = id.slice(-STAMP_LENGTH);
  const camera = id.slice(0, -STAMP_LENGTH - 1);
  return {
    camera,
    year: stamp.slice(0, 4),
    month: stamp.slice(4, 6),
    day: stamp.slice(6, 8),
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

export interface OrderedId {
  id: string;
  order: string;
}

/** Merges sources that are each newest first into one that is. Reads no further ahead than one of each source. */
export async function* newestFirst(sources: AsyncIterator<OrderedId>[]): AsyncGenerator<OrderedId> {
  const open = new Map<AsyncIterator<OrderedId>, OrderedId>();
  const advance = async (source: AsyncIterator<OrderedId>): Promise<void> => {
    const next = await source.next();
    if (next.done === true) open.delete(source);
    else open.set(source, next.value);
  };
  await Promise.all(sources.map(advance));
  for (;;) {
    let newest: [AsyncIterator<OrderedId>, OrderedId] | undefined;
    for (const entry of open) {
      if (newest === undefined || entry[1].order > newest[1].order) newest = entry;
    }
    if (newest === undefined) return;
    yield newest[1];
    await advance(newest[0]);
  }
}
