import { z } from 'zod';
import { box } from './box.ts';
import { MalformedInputError } from './errors.ts';
import { cameraId, eventId, publicKey } from './ids.ts';

/** Integer microseconds since the Unix epoch, UTC. */
export const timeUs = z.number().int().nonnegative();
export const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const score = z.number().min(0).max(1);

/**
 * What the motion function says of a frame.
 * `moving`: something moves in `boxes`; `settling`: something moved a moment ago and may stand there, or is new and may
 * begin to move, so that a look is worth it;
 * `still`: nothing moves, and the message has no body; `lost`: the camera went away, no body either.
 */
export const motionHeader = z.object({
  v: z.literal(1),
  kind: z.enum(['moving', 'settling', 'still', 'lost']),
  score: z.number().min(0),
  boxes: z.array(box).max(64),
});
export type MotionHeader = z.infer<typeof motionHeader>;

export const detectedObject = z.object({ label: z.string().min(1), score, box });
export type DetectedObject = z.infer<typeof detectedObject>;

/** `detections.<camera>`: one a frame, also when nothing was found. */
export const detectionsMessage = z.object({
  v: z.literal(1),
  camera: cameraId,
  capturedAtUs: timeUs,
  seq: z.number().int().nonnegative(),
  motion: motionHeader.shape.kind,
  /** Where it moved; an object elsewhere stands still. */
  motionBoxes: z.array(box).max(64),
  /** Whether the detector looked at this frame. If not, `objects` is empty and says nothing. */
  inferred: z.boolean(),
  objects: z.array(detectedObject),
  /** What the detector saw below its minimum score: it keeps objects that are followed alive, and begins none. */
  low: z.array(detectedObject).optional(),
  /** Size in pixels of the picture that boxes are fractions of; without it 16:9 is assumed. */
  picture: z.object({ width: z.number().int().positive(), height: z.number().int().positive() }).optional(),
  /** Which model looked: its name and the sha256 of its file. */
  model: z.object({ name: z.string(), sha256, demo: z.boolean() }),
});
export type DetectionsMessage = z.infer<typeof detectionsMessage>;

/** An object's crossing of a line, for someone who stands at its `from` and looks towards its `to`. */
export const crossing = z.object({
  line: z.string(),
  direction: z.enum(['left-to-right', 'right-to-left']),
  atUs: timeUs,
  track: z.number().int().nonnegative(),
});
export type Crossing = z.infer<typeof crossing>;

/** One look at an object: the frame's capture time and number, and the score. */
export const sighting = z.object({ atUs: timeUs, seq: z.number().int().nonnegative(), score });
export type Sighting = z.infer<typeof sighting>;

export const trackSummary = z.object({
  id: z.number().int().nonnegative(),
  label: z.string(),
  startUs: timeUs,
  endUs: timeUs,
  hits: z.number().int().positive(),
  medianScore: score,
  best: z.object({ atUs: timeUs, score, box }),
  /** Zones that it has entered, in their order. */
  zones: z.array(z.string()).optional(),
});
export type TrackSummary = z.infer<typeof trackSummary>;

/** Why an event ended: its objects left or stood still, it was split, or its camera went away. */
export const endReason = z.enum(['left', 'still', 'split', 'camera-lost']);

/** Why an event began: the rule, and what it saw. Part of the audit trail; `docs/events.md` explains each rule. */
export const began = z.object({
  rule: z.enum(['object-moved', 'entered-zone', 'motion', 'split']),
  /** The frame at which it was decided; the event itself may have begun earlier. */
  atUs: timeUs,
  seq: z.number().int().nonnegative(),
  /** The object that made it begin, and the first looks at it. */
  track: z.number().int().nonnegative(),
  label: z.string(),
  zone: z.string().optional(),
  sightings: z.array(sighting),
  medianScore: score,
  /** What was needed at that time. */
  needed: z.object({ hits: z.number().int(), medianScore: score }),
  /** The event that this one goes on with. */
  after: eventId.optional(),
  /** sha256 of the detector's file, and the camera's profile. */
  model: sha256,
  configRevision: z.string().optional(),
});
export type Began = z.infer<typeof began>;

/** Why an event ended. `lastSight` is the last look at one of its objects. */
export const ended = z.object({
  rule: z.enum([
    'objects-left',
    'objects-still',
    'left-zones',
    'motion-ceased',
    'longest',
    'camera-lost',
    'state-lost',
  ]),
  atUs: timeUs,
  seq: z.number().int().nonnegative(),
  lastSight: sighting.extend({ track: z.number().int().nonnegative(), label: z.string() }).optional(),
  /** For how long nothing had prolonged it. */
  quietMs: z.number().nonnegative(),
  model: sha256,
  configRevision: z.string().optional(),
});
export type Ended = z.infer<typeof ended>;

/** `events.<camera>`: the event as known at this phase. */
export const eventMessage = z.object({
  v: z.literal(1),
  id: eventId,
  camera: cameraId,
  phase: z.enum(['start', 'update', 'end']),
  /** First and last sight of its objects, without pre- and post-roll. */
  startUs: timeUs,
  endUs: timeUs,
  labels: z.array(z.string()).min(1),
  tracks: z.array(trackSummary).min(1),
  zones: z.array(z.string()),
  bestScore: score,
  /** The frame in which its objects are best seen, with all of them at that time. */
  best: z.object({ atUs: timeUs, objects: z.array(detectedObject) }),
  model: detectionsMessage.shape.model,
  endReason: endReason.optional(),
  /** Frames that may make the best picture, best first; which of them is sharp only the clip tells. */
  candidates: z.array(z.object({ atUs: timeUs, objects: z.array(detectedObject) })).optional(),
  crossings: z.array(crossing).optional(),
  /** Tracks beyond those that a message can hold. */
  tracksLeftOut: z.number().int().positive().optional(),
  began: began.optional(),
  ended: ended.optional(),
  /** Nobody saw anything: it is footage that somebody asked for. */
  exported: z.object({ by: z.string().max(100), atUs: timeUs }).optional(),
});
export type EventMessage = z.infer<typeof eventMessage>;

/** `clips.wanted.<camera>`: footage from `fromUs` to `toUs` is wanted for the ended event. */
export const clipWanted = z.object({
  v: z.literal(1),
  eventId,
  camera: cameraId,
  fromUs: timeUs,
  toUs: timeUs,
  event: eventMessage,
});
export type ClipWanted = z.infer<typeof clipWanted>;

/** A span of the wanted window without footage, and why. */
export const gap = z.object({
  fromUs: timeUs,
  toUs: timeUs,
  cause: z.enum([
    'before-start', // the agent or the camera was not recording yet
    'camera-lost', // no picture came from the camera
    'agent-stopped', // the agent did not run
    'disk-full', // the agent's disk had no room for it
    'evicted', // the ring had dropped it
    'damaged', // a segment could not be read
    'clock-stepped', // the clock of the agent's host was set: footage goes on at another time
    'no-agent', // no agent has ever taken the request; only in a receipt without a clip
    'end-of-recording', // a replayed recording ended
  ]),
});
export type Gap = z.infer<typeof gap>;

export const segmentRef = z.object({
  /** Name in the object store `segments`. */
  object: z.string().min(1),
  sha256,
  sizeBytes: z.number().int().positive(),
  /** Capture time of its first frame, a keyframe. */
  startUs: timeUs,
  durationUs: z.number().int().positive(),
});
export type SegmentRef = z.infer<typeof segmentRef>;

/** `failed`: its settings are wrong, and only a person can mend them; `waiting`: it is tried again. */
export const cameraState = z.enum(['connecting', 'streaming', 'waiting', 'stopped', 'failed']);

const count = z.number().int().nonnegative();

/** What an agent says of one target that a camera is sent on to. */
export const restreamHealth = z.object({
  /** Its address, without anything secret. */
  to: z.string(),
  /** `waiting`: for the camera, or until it is tried again; `failed`: only a person can mend it. */
  state: z.enum(['connecting', 'streaming', 'waiting', 'failed']).catch('waiting'),
  /** Why it does not stream, as with cameras. */
  cause: z.string().optional(),
  causeCode: z.string().optional(),
  /** Connections after the first. */
  restarts: count,
});
export type RestreamHealth = z.infer<typeof restreamHealth>;

/** What an agent says of one camera. What is optional was added later: an older agent does not say it. */
export const cameraHealth = z.object({
  /** A state that only a newer agent knows is read as `waiting`: what it means is in the cause. */
  state: cameraState.catch('waiting'),
  /** Why it does not stream: one sentence without secrets. */
  cause: z.string().optional(),
  /** The cause's stable name, for programs. */
  causeCode: z.string().optional(),
  /** How frames are made: every picture decoded, keyframes only, or JPEG passed on; and what decodes, if not the processor. */
  decoding: z.object({ mode: z.string(), hardware: z.string().optional() }).optional(),
  /** Whether something happens in front of it, so that it is looked at more often. */
  active: z.boolean().optional(),
  /** Frames looked at in the last seconds, a second. */
  framesPerSecond: z.number().nonnegative().optional(),
  /** Frames sent since the agent's start. */
  framesPublished: count,
  bytesSent: count.optional(),
  bytesSentLastHour: count.optional(),
  framesDropped: count,
  /** How many of them for which reason: `too-large`, `behind`, `failed`. */
  framesDroppedFor: z.record(z.string(), count).optional(),
  /** Capture time of the newest frame. */
  lastFrameAtUs: timeUs.optional(),
  /** End of the newest closed segment. */
  lastSegmentAtUs: timeUs.optional(),
  /** Connections to the camera after the first. */
  restarts: count,
  clips: z
    .object({
      /** Events whose clips are not stored yet. */
      waiting: count,
      /**
       * Events whose footage was given up since the agent's start, by reason; `evicted`: what was held for events had
       * reached its bound. Their receipts say so.
       */
      lostFor: z.record(z.string(), count),
    })
    .optional(),
  ring: z.object({
    segments: count,
    bytes: count,
    spanMs: z.number().nonnegative(),
    /** Of segments that events hold until their clips are stored. */
    pinnedBytes: count.optional(),
    /** Written to the disk in the last hour: what wears an SD card. */
    bytesWrittenLastHour: count.optional(),
  }),
  /** The newest link of its chain of signed events, and the numbers of those whose clips are not stored yet. */
  chain: z
    .object({ number: z.number().int().positive(), sha256, waiting: z.array(z.number().int().positive()) })
    .optional(),
  /** Where it is sent on to. */
  restream: z.array(restreamHealth).optional(),
});
export type CameraHealth = z.infer<typeof cameraHealth>;

/** KV `agents`: what an agent says of itself and its cameras, every few seconds. */
export const agentHealth = z.object({
  v: z.literal(1),
  agent: cameraId,
  atUs: timeUs,
  software: z.string(),
  versions: z.object({ node: z.string(), ffmpeg: z.string() }).optional(),
  /**
   * The connection to NATS. While it is away nothing arrives; `sinceUs` and `losses` tell afterwards. `cause` is for the host
   * itself: why NATS does not have the agent, where it is more than that nobody answers.
   */
  uplink: z
    .object({
      ...{ state: z.enum(['connected', 'reconnecting']), sinceUs: timeUs, losses: count },
      cause: z.string().optional(),
    })
    .optional(),
  host: z
    .object({
      /** Since the host was booted. */
      uptimeMs: z.number().nonnegative(),
      /** Since the agent was started. */
      agentUptimeMs: z.number().nonnegative(),
      /** Share of one processor that the agent's own process used lately; without its ffmpegs. */
      cpu: z.number().nonnegative(),
      /** Of the agent's own process, resident. */
      memoryBytes: count,
      /** Free for programs on the whole host. */
      freeMemoryBytes: count,
    })
    .optional(),
  /** Tells configs apart: the first digits of a hash over it. */
  configRevision: z.string().optional(),
  /** What it signs with, see docs/evidence.md. */
  publicKey: publicKey.optional(),
  /** Its live server, as browsers reach it; absent without one. */
  live: z.object({ url: z.string(), stun: z.string().optional() }).optional(),
  cameras: z.record(cameraId, cameraHealth),
});
export type AgentHealth = z.infer<typeof agentHealth>;

/** Parses a JSON message of `schema`; `what` names it in the error. Throws `MalformedInputError`. */
export function parseMessage<T>(schema: z.ZodType<T>, body: string | Uint8Array, what: string): T {
  let value: unknown;
  try {
    value = JSON.parse(typeof body === 'string' ? body : new TextDecoder().decode(body));
  } catch (cause) {
    throw new MalformedInputError(`${what} is not JSON`, { cause });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const [first] = parsed.error.issues;
    const where = first ? `${first.path.join('.') || 'top level'}: ${first.message}` : 'unknown fault';
    throw new MalformedInputError(`${what} is malformed at ${where}`, { cause: parsed.error });
  }
  return parsed.data;
}
