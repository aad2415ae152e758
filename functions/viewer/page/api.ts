import { listOf, number, optional, record, text, truth, type Checked } from './shape.ts';

/**
 * What the page reads of the API's answers; what there is of them is in `../api/`.
 * Times ending in `Us` are microseconds since the Unix epoch, the same in ISO 8601 beside them; URLs are relative
 * to the page.
 */
export const gapView = record({ fromUs: number, toUs: number, ms: number, cause: text });
export type GapView = Checked<typeof gapView>;

/** Why an event began: the rule, the object, how often it had been seen by then (10 at most), and how well. */
export const beganView = record({
  rule: text,
  label: text,
  zone: optional(text),
  sights: number,
  medianScore: number,
});
export type BeganView = Checked<typeof beganView>;

/** Why it ended: the rule, and for how long nothing had prolonged it. */
export const endedView = record({ rule: text, quietMs: number });
export type EndedView = Checked<typeof endedView>;

export const crossingView = record({ line: text, direction: text });
export type CrossingView = Checked<typeof crossingView>;

/** One of an event's clips. */
export const clipView = record({
  /** `original`: as the camera sent it; `h264`: encoded anew for browsers. */
  kind: text,
  /** From 1, in order of time. */
  part: number,
  codec: text,
  width: number,
  height: number,
  durationMs: number,
  /** How long one of its pictures lasts, on the average. */
  frameMs: number,
  url: text,
});
export type ClipView = Checked<typeof clipView>;

export const eventView = record({
  id: text,
  camera: text,
  labels: listOf(text),
  startUs: number,
  startIso: text,
  endUs: number,
  endIso: text,
  /** From the first to the last sight of its objects. */
  eventMs: number,
  /** Length of the clip, pre- and post-roll included; none without footage. */
  clipMs: optional(number),
  /** Best score of its objects, 0..1. */
  score: number,
  zones: listOf(text),
  endReason: optional(text),
  /** Absent in events that older versions have stored. */
  began: optional(beganView),
  ended: optional(endedView),
  crossings: listOf(crossingView),
  /** Whether the clip holds all that was asked for; if not, `gaps` says what is missing and why. */
  complete: truth,
  gaps: listOf(gapView),
  /** The window of footage that was asked for, pre- and post-roll included. */
  requested: record({ fromUs: number, toUs: number }),
  model: text,
  /** The model is the bundled one for demonstrations. */
  demo: truth,
  /** As ffprobe names it: h264, hevc. */
  videoCodec: optional(text),
  clips: listOf(clipView),
  /** Thumbnails of the clip in one picture: one for each `everyMs`. */
  strip: optional(
    record({ columns: number, count: number, tileWidth: number, tileHeight: number, everyMs: number }),
  ),
  /** Who asked for this footage; nobody saw anything in it. */
  exported: optional(record({ by: text })),
  storedAtUs: number,
  urls: record({
    snapshot: optional(text),
    /** The snapshot without boxes and labels. */
    cleanSnapshot: optional(text),
    clip: optional(text),
    /** A short moving picture of it. */
    preview: optional(text),
    strip: optional(text),
    manifest: text,
  }),
  /** It is not deleted when its time is up. */
  kept: optional(truth),
});
export type EventView = Checked<typeof eventView>;

/**
 * `before` is the cursor of the next, older page, absent on the last one: the answer covers all events down to it.
 * `newest` is the newest event that was looked at, whether or not it has the label asked for.
 */
export const eventsAnswer = record({
  events: listOf(eventView),
  before: optional(text),
  newest: optional(text),
});
export type EventsAnswer = Checked<typeof eventsAnswer>;

export const cameraStates = ['connecting', 'streaming', 'waiting', 'stopped', 'failed', 'offline'] as const;

export const cameraView = record({
  id: text,
  agent: text,
  /** One of `cameraStates`. */
  state: text,
  /** Why it does not stream: one sentence. */
  cause: optional(text),
  lastFrameAgeMs: optional(number),
  restarts: number,
  /** The cause's stable name, for programs. */
  causeCode: optional(text),
  /** Frames looked at, a second. */
  framesPerSecond: optional(number),
  /** How frames are made, such as `keyframes` or `all by vaapi`. */
  decoding: optional(text),
  /** Bytes of frames that it sent in the last hour. */
  bytesSentLastHour: optional(number),
  /** Frames that were not sent since the agent's start, by reason, the most frequent first. */
  dropped: listOf(record({ reason: text, frames: number })),
  ring: record({
    segments: number,
    bytes: number,
    spanMs: number,
    pinnedBytes: optional(number),
    bytesWrittenLastHour: optional(number),
  }),
  urls: record({ frame: text }),
});
export type CameraView = Checked<typeof cameraView>;

/** `notice`: why the list may be out of date, one sentence. */
export const camerasAnswer = record({ cameras: listOf(cameraView), notice: optional(text) });
export type CamerasAnswer = Checked<typeof camerasAnswer>;

/** `levels`: 0 (nothing) to 9 for each `slotMs` from `fromUs` on. */
export const motionAnswer = record({ fromUs: number, slotMs: number, levels: listOf(number) });

export const statusAnswer = record({
  software: text,
  node: text,
  store: record({ description: text, notice: optional(text) }),
  messaging: record({ connected: truth, notice: optional(text) }),
  events: record({
    /** Events listed by this viewer so far; older ones are listed when they are asked for. */
    listed: number,
    /** Events whose `event.json` could not be understood. */
    unreadable: number,
  }),
  /** Cameras that have stored events, and labels seen among those shown so far: choices for the filters. */
  cameras: listOf(text),
  labels: listOf(text),
  zones: optional(listOf(text)),
});
export type StatusAnswer = Checked<typeof statusAnswer>;

export const errorAnswer = record({ error: text });
export type ErrorAnswer = Checked<typeof errorAnswer>;

/** Who asks: `needed`, `in`, `open` (no login here), or `unconfigured` (nobody is let in). */
export const sessionAnswer = record({
  state: text,
  user: optional(record({ name: text, role: text })),
  csrf: optional(text),
});
export type SessionAnswer = Checked<typeof sessionAnswer>;

/** A link to one event. */
export const shareAnswer = record({ expiresUs: number, urls: record({ event: text }) });

/** What such a link shows. */
export const sharedAnswer = record({
  camera: text,
  startUs: number,
  startIso: text,
  expiresUs: number,
  clips: listOf(clipView),
  urls: record({ snapshot: text }),
});
export type SharedAnswer = Checked<typeof sharedAnswer>;

/** Footage that was asked for: `waiting`, `stored` or `removed`. */
export const exportAnswer = record({ id: text, state: text, urls: record({ state: text }) });
export type ExportAnswer = Checked<typeof exportAnswer>;

/** The key to subscribe to notifications with, where somebody sends any. */
export const pushAnswer = record({ publicKey: optional(text) });

/** The name by which the viewer knows this browser. */
export const subscribedAnswer = record({ browser: text });
