import type { EventsAnswer, EventView } from '../api.ts';

/** The events that the page holds: all that match its filter, from the newest down to the cursor `before`. */
export interface Timeline {
  events: EventView[];
  before: string | undefined;
  newest: string | undefined;
}

const STAMP_LENGTH = 'yyyymmddthhmmss-uuuuuu'.length;

/** Sorts as text in the order of the list's time: event ids end in their start. */
function orderOf(id: string): string {
  return `${id.slice(-STAMP_LENGTH)} ${id.slice(0, -STAMP_LENGTH - 1)}`;
}

/**
 * The timeline after the newest page was asked for again. What that page covers is as it says, so that events also
 * go; older ones stay. If so many are new that some may lie between the page and what is known, it begins anew.
 */
export function withNewest(known: Timeline | undefined, page: EventsAnswer): Timeline {
  const { events, before, newest } = page;
  if (before === undefined || known === undefined) return { events, before, newest };
  const floor = orderOf(before);
  const joined = known.newest !== undefined && orderOf(known.newest) >= floor;
  if (!joined) return { events, before, newest };
  const reachesFurther = known.before === undefined || orderOf(known.before) < floor;
  if (!reachesFurther) return { events, before, newest };
  const older = known.events.filter(({ id }) => orderOf(id) < floor);
  return { events: [...events, ...older], before: known.before, newest };
}

/** The timeline with the page before its end added. A page that was asked for with another cursor is dropped. */
export function withOlder(known: Timeline, cursor: string, page: EventsAnswer): Timeline {
  if (known.before !== cursor) return known;
  return { events: [...known.events, ...page.events], before: page.before, newest: known.newest };
}
