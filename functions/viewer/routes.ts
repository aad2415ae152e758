import { cameraId, eventId, type EventObject } from '@faascam/core/ids';
import { z } from 'zod';
import { shownObject } from './stored-object.ts';

/** What a path asks for. Ids in it have been checked: they hold nothing that could lead elsewhere. */
export type Route =
  | { kind: 'page' }
  | { kind: 'asset'; name: string; digest: string | undefined }
  | { kind: 'events' }
  | { kind: 'event'; id: string; name: EventObject }
  | { kind: 'cameras' }
  | { kind: 'frame'; camera: string }
  | { kind: 'status' }
  | { kind: 'bad'; error: string }
  | { kind: 'unknown' };

/** The route of a path below the function's address, with or without the slash in front. */
export function routeOf(path: string): Route {
  let parts: string[];
  try {
    parts = path.replace(/^\/+/, '').replace(/\/$/, '').split('/').map(decodeURIComponent);
  } catch {
    return { kind: 'bad', error: 'The address is not properly encoded.' };
  }
  const [area = '', topic, id, name, ...rest] = parts;
  if (rest.length > 0) return { kind: 'unknown' };
  if (topic === undefined)
    return area === '' || area === 'index.html' ? { kind: 'page' } : { kind: 'unknown' };
  if (area === 'assets') {
    if (name !== undefined) return { kind: 'unknown' };
    return { kind: 'asset', name: id ?? topic, digest: id === undefined ? undefined : topic };
  }
  if (area !== 'api') return { kind: 'unknown' };
  if (topic === 'status' && id === undefined) return { kind: 'status' };
  if (topic === 'cameras') {
    if (id === undefined) return { kind: 'cameras' };
    if (name !== 'frame.jpg') return { kind: 'unknown' };
    return cameraId.safeParse(id).success
      ? { kind: 'frame', camera: id }
      : { kind: 'bad', error: 'The address holds no valid camera id.' };
  }
  if (topic === 'events') {
    if (id === undefined) return { kind: 'events' };
    const object = shownObject.safeParse(name ?? 'event.json');
    if (!object.success) return { kind: 'unknown' };
    return eventId.safeParse(id).success
      ? { kind: 'event', id, name: object.data }
      : { kind: 'bad', error: 'The address holds no valid event id.' };
  }
  return { kind: 'unknown' };
}

const eventsQuery = z.object({
  camera: cameraId.optional(),
  label: z.string().max(64, { error: 'must be at most 64 characters' }).optional(),
  /** How many events to answer with. 24 fill a large screen. */
  limit: z
    .string()
    .regex(/^\d{1,3}$/, { error: 'must be a number from 1 to 100' })
    .transform(Number)
    .refine((limit) => limit >= 1 && limit <= 100, { error: 'must be a number from 1 to 100' })
    .default(24),
  before: eventId.optional(),
});
export type EventsQuery = z.infer<typeof eventsQuery>;

/** The query of `api/events`, or the sentence that says what is wrong with it. Empty parameters count as absent. */
export function eventsQueryOf(query: Record<string, unknown>): EventsQuery | { error: string } {
  const given = Object.entries(query).filter(([, value]) => value !== '' && value !== undefined);
  const parsed = eventsQuery.safeParse(Object.fromEntries(given));
  if (parsed.success) return parsed.data;
  const [first] = parsed.error.issues;
  const name = first?.path.join('.') ?? '';
  const fault =
    first?.code === 'invalid_type' ? 'must be given once, as text' : (first?.message ?? 'is not valid');
  return { error: `The parameter ${name} ${fault}.` };
}
