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
        setAsked(event === undefined ? { id, gone: absence(id) } : { id, event });
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

/** For so long after its beginning an event may go on, or its clip be on its way: who comes by a notification is early. */
const ON_ITS_WAY_US = 900_000_000;

function absence(id: string): string {
  const { gone, goneHint, onItsWay } = words.value.player;
  const sinceUs = Date.now() * 1000 - (placeOf(id)?.startUs ?? 0);
  return sinceUs < ON_ITS_WAY_US ? onItsWay : `${gone} ${goneHint}`;
}

/** The event of this id; undefined where there is none. Throws `AnswerError`. */
export async function askForEvent(id: string): Promise<EventView | undefined> {
  const place = placeOf(id);
  if (place === undefined) return undefined;
  const { camera, startUs } = place;
  // A page that begins right after it, of one event.
  const query = new URLSearchParams({ camera, limit: '1', before: cursorAt(camera, startUs + 1) });
  const { events } = await ask(`api/events?${query.toString()}`, eventsAnswer);
  return events.find((event) => event.id === id);
}
