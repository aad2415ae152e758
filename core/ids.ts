import { z } from 'zod';

const NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;

/** A camera's or an agent's id: safe as a NATS subject token, a KV key and a path segment alike. */
export const cameraId = z.string().regex(NAME, {
  error: 'must be 1 to 63 characters of a-z, 0-9, _ and -, and begin with a letter or digit',
});

/** A public ed25519 key, the id of an agent that nobody can feign: its 32 bytes in base64. */
export const publicKey = z.string().regex(/^[A-Za-z0-9+/]{43}=$/);

/** A camera's id, a hyphen, and the start as `yyyymmddThhmmss` with six decimals joined by a hyphen. */
const EVENT = /^([a-z0-9][a-z0-9_-]{0,62})-(\d{8})t(\d{6})-(\d{6})$/;

export const eventId = z.string().max(96).regex(EVENT, { error: 'is no event id' });

/**
 * The id of the event that began on `camera` at `startUs`. The same start always gives the same id, so storing
 * or announcing an event twice is harmless.
 */
export function eventIdOf(camera: string, startUs: number): string {
  const stamp = new Date(Math.floor(startUs / 1000)).toISOString();
  const day = stamp.slice(0, 10).replaceAll('-', '');
  const time = stamp.slice(11, 19).replaceAll(':', '');
  const micros = String(((startUs % 1_000_000) + 1_000_000) % 1_000_000).padStart(6, '0');
  return `${camera}-${day}t${time}-${micros}`;
}

/** `clip-2.mp4` and on: further parts. `keep.json`: never to be removed. `removed.json`: what is left of a removed event. */
export type EventObject =
  | 'clip.mp4'
  | `clip-${number}.mp4`
  | 'clip-h264.mp4'
  | `clip-h264-${number}.mp4`
  | 'preview.mp4'
  | 'strip.jpg'
  | 'snapshot.jpg'
  | 'snapshot-clean.jpg'
  | 'event.json'
  | 'keep.json'
  | 'removed.json';

/** Where an event's objects live: `<camera>/<yyyy>/<mm>/<dd>/<event id>/<name>`. */
export function eventKey(id: string, name: EventObject): string {
  const [, camera, day] = EVENT.exec(id) ?? [];
  if (camera === undefined || day === undefined)
    throw new TypeError(`not an event id: ${JSON.stringify(id)}`);
  return `${camera}/${day.slice(0, 4)}/${day.slice(4, 6)}/${day.slice(6, 8)}/${id}/${name}`;
}

/** A camera id made from a file name or a title: `My Yard (1).mp4` is `my-yard-1`. */
export function cameraIdFrom(text: string): string {
  const id = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9_]+/g, '-')
    .replaceAll(/^[-_]+|[-_]+$/g, '')
    .slice(0, 63);
  return id === '' ? 'camera' : id;
}
