import { optional, record, ShapeError, text, type Check } from '../shape.ts';

/** What a push says, as docs/notifications.md has it; other fields are left out. */
const pushMessage = record({ id: text, title: text, text, eventId: optional(text) });

/** What is shown of a push, and the path of the page that a click on it opens. */
export interface Shown {
  title: string;
  options: { body: string; tag: string; data: string };
}

/** Something has to be shown of every push, also of one that is not understood: the browser ends what shows nothing. Pure. */
export function shownOf(body: string): Shown {
  const message = understood(body, pushMessage);
  if (message === undefined) return { title: 'faascam', options: { body: '', tag: 'faascam', data: '' } };
  const { id, title, text: told, eventId } = message;
  const data = eventId === undefined ? '' : `events/${encodeURIComponent(eventId)}`;
  return { title, options: { body: told, tag: id, data } };
}

function understood<T>(body: string, check: Check<T>): T | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return check(value, 'the push');
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof ShapeError) return undefined;
    throw error;
  }
}
