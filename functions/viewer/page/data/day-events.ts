import { useEffect, useState } from 'preact/hooks';
import { eventsAnswer, type EventsAnswer, type EventView } from '../api.ts';
import { ask, sentenceOf } from './ask.ts';
import { cursorAt } from './event-ids.ts';
import { onNews } from './stream.ts';
import type { Span } from './time-axis.ts';

const PAGE_EVENTS = 100;
/** A day with more than this is not one that anybody looks through. */
const MOST_PAGES = 10;
const REFRESH_MS = 15_000;

export interface DayEvents {
  /** In order of time; undefined until they were first asked for. */
  events: readonly EventView[] | undefined;
  /** There are more, which are not shown. */
  more: boolean;
  fault: string | undefined;
}

/** A camera's events that began within a day, kept up to date. */
export function useDayEvents(camera: string, day: Span): DayEvents {
  const [shown, show] = useState<DayEvents>({ events: undefined, more: false, fault: undefined });
  const { fromUs, toUs } = day;
  useEffect(() => {
    let current = true;
    show({ events: undefined, more: false, fault: undefined });
    if (camera === '') return undefined;
    const refresh = (): void => {
      eventsWithin(camera, { fromUs, toUs }).then(
        (found) => {
          if (current) show({ ...found, fault: undefined });
        },
        (error: unknown) => {
          if (current) show((known) => ({ ...known, fault: sentenceOf(error) }));
        },
      );
    };
    refresh();
    const timer = setInterval(() => {
      if (!document.hidden && Date.now() * 1000 < toUs) refresh();
    }, REFRESH_MS);
    const forget = onNews(refresh);
    return () => {
      current = false;
      clearInterval(timer);
      forget();
    };
  }, [camera, fromUs, toUs]);
  return shown;
}

async function eventsWithin(
  camera: string,
  { fromUs, toUs }: Span,
): Promise<{ events: EventView[]; more: boolean }> {
  const events: EventView[] = [];
  let before: string | undefined = cursorAt(camera, toUs);
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const query: URLSearchParams = new URLSearchParams({ camera, limit: String(PAGE_EVENTS), before });
    const answer: EventsAnswer = await ask(`api/events?${query.toString()}`, eventsAnswer);
    const inDay = answer.events.filter(({ startUs }) => startUs >= fromUs);
    events.push(...inDay);
    before = answer.before;
    if (before === undefined || inDay.length < answer.events.length) {
      return { events: events.reverse(), more: false };
    }
  }
  return { events: events.reverse(), more: true };
}
