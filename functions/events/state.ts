import { box } from '@faascam/core/box';
import { eventId } from '@faascam/core/ids';
import {
  began,
  clipWanted,
  crossing,
  detectedObject,
  detectionsMessage,
  ended,
  eventMessage,
  sighting,
  timeUs,
  trackSummary,
} from '@faascam/core/messages';
import { z } from 'zod';
import { kinematics } from './kalman.ts';

const count = z.number().int().nonnegative();
const durationMs = z.number().nonnegative();

/** Where an object stands with regard to a zone. */
export const zoneStay = z.object({
  /** Sights one after the other in it, or out of it once it is in. */
  inside: count,
  outside: count,
  /** Since when it is in it, and for how long that was watched. */
  sinceUs: timeUs,
  stayMs: durationMs,
  /** Whether it counts as in: after the zone's inertia, until as many sights out of it. */
  in: z.boolean(),
  /** Whether it was in for as long as the zone asks for. */
  entered: z.boolean(),
});
export type ZoneStay = z.infer<typeof zoneStay>;

/** On which side of a line an object was last, clear of it. */
export const lineSide = z.object({
  side: z.union([z.literal(-1), z.literal(1)]),
  point: z.tuple([z.number(), z.number()]),
});
export type LineSide = z.infer<typeof lineSide>;

/** An object followed over frames. Durations count observed time only: a camera's silence proves nothing. */
export const track = z.object({
  id: count,
  /** How often it was seen as which label; the most frequent is its own. */
  votes: z.record(z.string(), z.number().int().positive()),
  /** Where it was last seen. */
  box,
  kinematics,
  firstUs: timeUs,
  lastUs: timeUs,
  hits: z.number().int().positive(),
  /** The latest scores, for their median. */
  scores: z.array(z.number()),
  /** The first looks at it, and the last, for the audit trail. */
  firstSights: z.array(sighting),
  lastSight: sighting,
  /** For how long it has not been seen. */
  missedMs: durationMs,
  /** Where it was when it last had moved away from where it was before. */
  anchor: box,
  /** Sights one after the other in which it was clear of its anchor. */
  displaced: count,
  /** Since when each sight of it was a bit off its anchor. */
  leftRestUs: timeUs.optional(),
  /** Since when, and when last, a sight of it was where something moves; pauses of up to a second included. */
  touched: z.object({ sinceUs: timeUs, lastUs: timeUs }).optional(),
  /** Sights one after the other in which motion of about its own size covered it. */
  covered: count,
  /** For how long it has kept to its anchor. */
  stillMs: durationMs,
  /** Whether it moves, or stood still for less than would make it one that stands. */
  moving: z.boolean(),
  /** Whether it ever moved. An object that was always there has not. */
  moved: z.boolean(),
  /** Whether it was seen often and well enough to count; once so, always so. */
  confirmed: z.boolean(),
  /** Since when it moves, for the start of an event. */
  movingSinceUs: timeUs,
  best: z.object({ atUs: timeUs, score: z.number(), box }),
  zones: z.record(z.string(), zoneStay),
  lines: z.record(z.string(), lineSide),
});
export type Track = z.infer<typeof track>;

export const candidate = z.object({ atUs: timeUs, value: z.number(), objects: z.array(detectedObject) });
export type Candidate = z.infer<typeof candidate>;

/** An event that has begun and not ended. */
export const openEvent = z.object({
  id: eventId,
  startUs: timeUs,
  /** The last sight of one of its objects. */
  endUs: timeUs,
  /** The tracks that belong to it, as last seen. */
  members: z.array(trackSummary),
  membersLeftOut: count,
  zones: z.array(z.string()),
  crossings: z.array(crossing),
  /** Pictures, best first. */
  candidates: z.array(candidate).min(1),
  began,
  lastSight: ended.shape.lastSight,
  /** Why nothing prolongs it any more; its end waits for the merge gap. */
  closing: ended.shape.rule.optional(),
  updates: count,
  toldUs: timeUs,
  told: z.string(),
});
export type OpenEvent = z.infer<typeof openEvent>;

export const outgoing = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('event'), msgID: z.string(), message: eventMessage }),
  z.object({ kind: z.literal('wanted'), msgID: z.string(), message: clipWanted }),
]);
export type Outgoing = z.infer<typeof outgoing>;

/** Motion that goes on, whatever it is. */
export const motionSpell = z.object({
  id: count,
  sinceUs: timeUs,
  lastUs: timeUs,
  hits: count,
  /** Share of the picture that moved most, when and where. */
  best: z.object({ atUs: timeUs, score: z.number(), box }),
});
export type MotionSpell = z.infer<typeof motionSpell>;

/** All that is known of a camera's objects, versioned for the KV store. */
export const cameraTracks = z.object({
  v: z.literal(2),
  camera: z.string(),
  /** Capture time and number of the newest frame. */
  lastUs: timeUs,
  lastSeq: count,
  /** The camera said that it went away, and has not come back. */
  away: z.boolean(),
  /** A frame of a time far from the others; the next one tells whether the time has changed. */
  strange: timeUs.optional(),
  nextTrack: count,
  tracks: z.array(track),
  motion: motionSpell.optional(),
  open: openEvent.optional(),
  model: detectionsMessage.shape.model,
  /** What the frame at `lastUs` led to, to be sent again when that frame comes again. */
  outgoing: z.array(outgoing),
});
export type CameraTracks = z.infer<typeof cameraTracks>;

/** What encoded bytes stand for, so that a replica which gets the next frame too need not read its own writing. */
const encoded = new WeakMap<Uint8Array, CameraTracks>();

/** The state in these bytes; `damaged` also when it is of another version or camera: tracking then begins anew. */
export function decodeTracks(bytes: Uint8Array, camera: string): CameraTracks | 'damaged' {
  const own = encoded.get(bytes);
  if (own?.camera === camera) return own;
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch {
    return 'damaged';
  }
  const parsed = cameraTracks.safeParse(value);
  return parsed.success && parsed.data.camera === camera ? parsed.data : 'damaged';
}

/** The state must not be changed afterwards. */
export function encodeTracks(state: CameraTracks): Uint8Array {
  const bytes = Buffer.from(JSON.stringify(state));
  encoded.set(bytes, state);
  return bytes;
}
