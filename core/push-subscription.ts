import { createHash } from 'node:crypto';
import { z } from 'zod';
import { cameraId } from './ids.ts';

const base64url = z.string().regex(/^[A-Za-z0-9_-]+={0,2}$/, { error: 'is not base64url' });

/** What a browser's `PushSubscription.toJSON()` gives (Push API, W3C): where its push service is, and whom to encrypt for. */
export const pushSubscription = z.object({
  endpoint: z.url({ protocol: /^https$/, error: 'must be an https address' }).max(2048),
  keys: z.object({ p256dh: base64url.min(80).max(100), auth: base64url.min(20).max(32) }),
});
export type PushSubscription = z.infer<typeof pushSubscription>;

/** KV `push`, key `pushKey(endpoint)`. */
export const keptSubscription = pushSubscription.extend({
  v: z.literal(1),
  /** When it was made, in microseconds since the Unix epoch. */
  atUs: z.number().int().nonnegative(),
  /** Whose browser it is. */
  user: z.string().max(200),
  /** The only cameras that they may hear of; absent: all. */
  cameras: z.array(cameraId).optional(),
});
export type KeptSubscription = z.infer<typeof keptSubscription>;

/** KV `push`, key `public-key`: the public VAPID key (RFC 8292) that browsers subscribe with, base64url. */
export const PUSH_PUBLIC_KEY = 'public-key';
/** No more browsers than these: each is told by a call of its own. */
export const MOST_SUBSCRIPTIONS = 200;
/** Nor of one user more than these, so that nobody takes the room of all others. */
export const MOST_OF_ONE_USER = 10;

/** A subscription's key: it names a browser of which nobody can be told by its name. */
export function pushKey(endpoint: string): string {
  return `to-${createHash('sha256').update(endpoint).digest('hex').slice(0, 32)}`;
}
