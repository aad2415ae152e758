import { cameraId, eventId } from '@faascam/core/ids';
import { timeUs } from '@faascam/core/messages';
import { z } from 'zod';

/** What a notification says of its event. */
export const noticedEvent = z.object({
  id: eventId,
  camera: cameraId,
  labels: z.array(z.string()),
  zones: z.array(z.string()),
  /** Of its best look, 0 to 1. */
  score: z.number().min(0).max(1),
  startUs: timeUs,
  endUs: timeUs,
});
export type NoticedEvent = z.infer<typeof noticedEvent>;

/** `notices.<target>`: one notification on its way to one target; all that there is to say is in it. */
export const notice = z.object({
  v: z.literal(1),
  /** The same for the same rule and event, so that whoever gets it twice can tell. */
  id: z.string().min(1).max(160),
  when: z.enum(['event', 'clip', 'test']),
  rule: z.string(),
  target: z.string(),
  atUs: timeUs,
  /** Later it is news no more. */
  expiresAtUs: timeUs,
  title: z.string(),
  text: z.string(),
  /** The event on the page, where the page's address is known. */
  url: z.string().optional(),
  event: noticedEvent.optional(),
  /** Whether the clip has all that was asked for; absent for an event that has just begun. */
  clip: z.object({ complete: z.boolean() }).optional(),
});
export type Notice = z.infer<typeof notice>;

/**
 * How a try to deliver ended. `later`: try again, nothing is wrong with the message; `refused`: another try cannot change
 * it. The sentences are for people, and hold no secret.
 */
export type Delivery =
  | { kind: 'delivered'; said: string }
  | { kind: 'later'; reason: string; waitMs?: number }
  | { kind: 'refused'; reason: string };
