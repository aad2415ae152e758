import { useEffect, useState } from 'preact/hooks';
import { eventView, type EventView } from '../api.ts';
import { ask, sentenceOf } from '../data/ask.ts';
import { shownFeed } from './open-feed.ts';

/** An event of the list on the screen or, if it is not in it, as the viewer has it. `gone`: why there is none to show. */
export function useEvent(id: string): { event: EventView | undefined; gone: string | undefined } {
  const listed = shownFeed.value?.events.value.find((event) => event.id === id);
  const [asked, setAsked] = useState<{ id: string; event?: EventView; gone?: string }>({ id });
  const known = listed ?? (asked.id === id ? asked.event : undefined);
  const missing = known === undefined;
  useEffect(() => {
    if (!missing) return undefined;
    let current = true;
    ask(`api/events/${encodeURIComponent(id)}`, eventView).then(
      (event) => {
        if (current) setAsked({ id, event });
      },
      (error: unknown) => {
        if (current) setAsked({ id, gone: sentenceOf(error) });
      },
    );
    return () => {
      current = false;
    };
  }, [id, missing]);
  return { event: known, gone: missing && asked.id === id ? asked.gone : undefined };
}
