import { z } from 'zod';
import { cameraId, eventId } from './ids.ts';
import { gap, segmentRef, sha256, timeUs } from './messages.ts';

/** A public ed25519 key: its 32 bytes in base64. */
export const publicKey = z.string().regex(/^[A-Za-z0-9+/]{43}=$/);

/**
 * An event's place in its camera's chain. It never changes once given, however often the event's footage is offered: a
 * link that is missing between two others is an event that someone took away.
 */
export const chainLink = z.object({
  /** Counts up by one an event of a camera, from 1, for as long as the agent keeps its key. */
  number: z.number().int().positive(),
  /** sha256 of the link before, as canonical JSON; absent in the first. */
  previous: sha256.optional(),
  camera: cameraId,
  eventId,
  fromUs: timeUs,
  toUs: timeUs,
  /** sha256 of the event's message, as canonical JSON. */
  event: sha256,
});
export type ChainLink = z.infer<typeof chainLink>;

/** What an agent states, under its key, of an event's footage at the place where it was recorded. */
export const attestation = z.object({
  v: z.literal(1),
  agent: cameraId,
  publicKey,
  link: chainLink,
  segments: z.array(segmentRef.omit({ object: true })),
  gaps: z.array(gap),
  attestedAtUs: timeUs,
  /** ed25519 over the canonical JSON of all of the above, in base64. */
  signature: z.string().regex(/^[A-Za-z0-9+/]{86}==$/),
});
export type Attestation = z.infer<typeof attestation>;
