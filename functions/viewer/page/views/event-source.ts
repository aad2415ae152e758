import { useEffect, useState } from 'preact/hooks';
import { eventsAnswer, type EventView } from '../api.ts';
import { ask, sentenceOf } from '../data/ask.ts';
import { cursorAt, placeOf } from '../data/event-ids.ts';
import { words } from '../words/words.ts';
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
    askForEvent(id).then(
      (event) => {
        if (!current) return;
        const { gone, goneHint } = words.value.player;
        setAsked(event === undefined ? { id, gone: `${gone} ${goneHint}` } : { id, event });
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

/** The event of this id; undefined where there is none. Throws `AnswerError`. */
async function askForEvent(id: string): Promise<EventView | undefined> {
  const place = placeOf(id);
  if (place === undefined) return undefined;
  const { camera, startUs } = place;
  // A page that begins right after it, of one event.
  const query = new URLSearchParams({ camera, limit: '1', before: cursorAt(camera, startUs + 1) });
  const { events } = await ask(`api/events?${query.toString()}`, eventsAnswer);
  return events.find((event) => event.id === id);
}
