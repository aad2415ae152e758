import { z } from 'zod';
import { canonicalJson, canonicalSha256 } from './canonical-json.ts';
import { cameraId, eventId, publicKey } from './ids.ts';
import { gap, segmentRef, sha256, timeUs } from './messages.ts';

/** So many events before it are named by a link: a gap in the chain up to this long can tell which events are missing. */
export const NAMED_BEFORE = 16;

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
  /** The events of the links right before, the newest first: they give a missing link a name. */
  before: z.array(eventId).max(NAMED_BEFORE).optional(),
  /** Receipts that were stored since the link before, as the agent heard of them: later changes to them show. */
  sealed: z.array(z.object({ eventId, receipt: sha256 })).optional(),
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

/** What an agent signs. */
export type Statement = Omit<Attestation, 'signature'>;

/**
 * `removed.json`: what is left of an event that was removed on purpose, in the folder where its receipt was. Its
 * attestation, as the receipt had it, keeps the camera's chain whole.
 */
export const removedEvent = z.object({
  v: z.literal(1),
  eventId,
  camera: cameraId,
  removedAtUs: timeUs,
  /** `retention`: it was old enough; `by-hand`: someone asked for it. */
  reason: z.enum(['retention', 'by-hand']),
  /** Who asked for it, as far as it is known. */
  by: z.string().optional(),
  attestation: attestation.optional(),
});
export type RemovedEvent = z.infer<typeof removedEvent>;

/** What the next link calls `previous`. Give the link as it was written, with what only a newer version knows. */
export function linkSha256(link: unknown): string {
  return canonicalSha256(link);
}

/** The bytes that an agent signs. `statement` is an attestation as it was written; a signature in it is left out. */
export function signedBytes(statement: object): Buffer {
  const signed = Object.entries(statement).filter(([name]) => name !== 'signature');
  return Buffer.from(canonicalJson(Object.fromEntries(signed)));
}
