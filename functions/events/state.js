import { box } from '@faascam/core/box';
import { eventId } from '@faascam/core/ids';
import { clipWanted, detectedObject, detectionsMessage, eventMessage, timeUs } from '@faascam/core/messages';
import { z } from 'zod';
/** An object followed over frames. Durations count observed time only: a camera's silence proves nothing. */
export const track = z.object({
  id: z.number().int().nonnegative(),
  /** How often it was seen as which label; the most frequent is its own. */
  votes: z.record(z.string(), z.number().int().positive()),
  box,
  /** Movement of the box's centre, fractions of the frame a second. */
  velocity: z.tuple([z.number(), z.number()]),
  firstUs: timeUs,
  lastUs: timeUs,
  hits: z.number().int().positive(),
  /** The latest scores, for their median. */
  scores: z.array(z.number()),
  /** For how long it has not been seen. */
  missedMs: z.number().nonnegative(),
  /** Where it was when it last had moved away from where it was before, and when that was. */
  anchor: box,
  movedUs: timeUs,
  /** For how long it has kept to its anchor. */
  stillMs: z.number().nonnegative(),
  /** Whether it has ever moved, or came into view while moving. An object that was always there has not. */
  moving: z.boolean(),
  /** Whether it was seen often and well enough to count; once so, always so. */
  confirmed: z.boolean(),
  /** Since when it moves, for the start of an event. */
  movingSinceUs: timeUs,
  best: z.object({ atUs: timeUs, score: z.number(), box }),
});
/** An event that has begun and not ended. */
export const openEvent = z.object({
  id: eventId,
  startUs: timeUs,
  endUs: timeUs,
  /** The tracks that belong to it, as last seen; `track` of those still followed is newer. */
  members: z.array(track),
  best: z.object({ atUs: timeUs, value: z.number(), objects: z.array(detectedObject) }),
  updates: z.number().int().nonnegative(),
  toldUs: timeUs,
  toldLabels: z.string(),
});
export const outgoing = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('event'), msgID: z.string(), message: eventMessage }),
  z.object({ kind: z.literal('wanted'), msgID: z.string(), message: clipWanted }),
]);
/** All that is known of a camera's objects, versioned for the KV store. */
export const cameraTracks = z.object({
  v: z.literal(1),
  camera: z.string(),
  lastUs: timeUs,
  nextTrack: z.number().int().nonnegative(),
  tracks: z.array(track),
  open: openEvent.optional(),
  model: detectionsMessage.shape.model,
  /** What the frame at `lastUs` led to, to be sent again when that frame comes again. */
  outgoing: z.array(outgoing),
});
/** The state in these bytes; undefined when damaged or of another version: tracking then begins anew. */
export function decodeTracks(bytes) {
  try {
    return cameraTracks.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8'))).data;
  } catch {
    return undefined;
  }
}
export function encodeTracks(state) {
  return Buffer.from(JSON.stringify(state));
}
//# sourceMappingURL=state.js.map
