import { useEffect, useState } from 'preact/hooks';
import { eventsAnswer, exportAnswer, type EventView } from '../api.ts';
import { ask, AnswerError, sentenceOf } from '../data/ask.ts';
import { cursorAt, placeOf } from '../data/event-ids.ts';
import { repeat } from '../data/repeat.ts';
import { onNews, told } from '../data/stream.ts';
import { words } from '../words/words.ts';
import { shownFeed } from './open-feed.ts';

/** `gone`: why there is no event to show; `mayCome`: that may change. */
export type Sight = { event: EventView } | { gone: string; mayCome: boolean };

const LOOK_MS = 3000;
/** While the server tells of what was stored, asking is but a safeguard, and hears of what was removed. */
const LOOK_TOLD_MS = 10_000;

/**
 * An event of the list on the screen or, if it is not in it, as the viewer has it: it is looked for until it is there, or will
 * not be. `gone`: why there is none to show.
 */
export function useEvent(id: string): { event: EventView | undefined; gone: string | undefined } {
  const listed = shownFeed.value?.events.value.find((event) => event.id === id);
  const [seen, setSeen] = useState<{ id: string; sight: Sight } | undefined>(undefined);
  const sight = listed !== undefined ? { event: listed } : seen?.id === id ? seen.sight : undefined;
  const event = sight !== undefined && 'event' in sight ? sight.event : undefined;
  const missing = event === undefined;
  useEffect(
    () => (missing ? followSight(id, (next) => setSeen({ id, sight: next })) : undefined),
    [id, missing],
  );
  return { event, gone: sight !== undefined && 'gone' in sight ? sight.gone : undefined };
}

/** Tells how it stands with an event until that is settled, or the answer is called. */
export function followSight(id: string, tell: (sight: Sight) => void): () => void {
  let over = false;
  const looking = repeat(
    () => (told.value ? LOOK_TOLD_MS : LOOK_MS),
    async () => {
      const sight = await lookFor(id);
      if (over) return;
      tell(sight);
      if ('event' in sight || !sight.mayCome) end();
    },
  );
  const forget = onNews(looking.now);
  const end = (): void => {
    over = true;
    looking.stop();
    forget();
  };
  return end;
}

/** Never rejects. */
async function lookFor(id: string): Promise<Sight> {
  const { gone, goneHint, onItsWay } = words.value.player;
  try {
    const event = await askForEvent(id);
    if (event !== undefined) return { event };
    const mayCome = await isOnItsWay(id);
    return { gone: mayCome ? onItsWay : `${gone} ${goneHint}`, mayCome };
  } catch (error) {
    // Who was refused is refused again; a viewer that is away comes back.
    const mayCome = error instanceof AnswerError && (error.status === 0 || error.status >= 500);
    return { gone: sentenceOf(error), mayCome };
  }
}

/** For so long after its beginning an event may go on, or its clip be on its way: who comes by a notification is early. */
const ON_ITS_WAY_US = 900_000_000;

/** Of an event that is not there. Throws `AnswerError`. */
async function isOnItsWay(id: string): Promise<boolean> {
  const place = placeOf(id);
  if (place === undefined || Date.now() * 1000 - place.startUs > ON_ITS_WAY_US) return false;
  // The state of any event's clip, though it was not an export that asked for it.
  const { state } = await ask(`api/cameras/${encodeURIComponent(place.camera)}/exports/${id}`, exportAnswer);
  return state !== 'removed';
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
