/** Subjects, streams, buckets and headers: the names that the parts of faascam share. */
export const subjects = {
  frames: (camera: string) => `frames.${camera}`,
  motion: (camera: string) => `motion.${camera}`,
  detections: (camera: string) => `detections.${camera}`,
  events: (camera: string) => `events.${camera}`,
  clipsWanted: (camera: string) => `clips.wanted.${camera}`,
  clipsReady: (camera: string) => `clips.ready.${camera}`,
  clipsStored: (camera: string) => `clips.stored.${camera}`,
  /** Asks the camera's agent for live view, see `liveRequest`; no stream keeps it. */
  liveControl: (camera: string) => `control.live.${camera}`,
  /** Where the agent answers, so that it needs no right over anybody's inbox. */
  liveAnswer: (camera: string, token: string) => `live.${camera}.answer.${token}`,
  /** Pictures for those who watch through NATS; no stream keeps them. Headers as those of frames. */
  livePictures: (camera: string) => `live.${camera}`,
  /** Objects of each frame, for whoever watches; no stream keeps them. See `tracksMessage`. */
  tracks: (camera: string) => `tracks.${camera}`,
  /** A notification on its way to a target, or to one of its receivers. */
  notices: (target: string, receiver?: string) =>
    receiver === undefined ? `notices.${target}` : `notices.${target}.${receiver}`,
} as const;

/** The camera in a subject of ours: its last token. */
export function cameraOf(subject: string): string {
  return subject.slice(subject.lastIndexOf('.') + 1);
}

export const streams = {
  frames: 'FRAMES',
  motion: 'MOTION',
  detections: 'DETECTIONS',
  events: 'EVENTS',
  clips: 'CLIPS',
  notices: 'NOTICES',
} as const;

export const buckets = {
  /** KV: a camera's background model, key = camera. */
  motion: 'motion',
  /** KV: a camera's tracker and open events, key = camera. */
  tracks: 'tracks',
  /** KV: an agent's health, key = agent. */
  agents: 'agents',
  /** KV: how a camera's pictures are to be looked at, key = camera; see `cameraProfile`. */
  cameras: 'cameras',
  /** KV: which replica of the connector brings which function its messages. */
  connector: 'connector',
  /** KV: how much moved in front of a camera, key = `activityKey`; see `activityHour`. */
  activity: 'activity',
  /** KV: who is logged in to the page, and which sessions were ended; key = session. */
  sessions: 'sessions',
  /** KV: what was told of a camera's events, key = camera; what went to a target, key = `to/<target>`; the push keys. */
  notify: 'notify',
  /** KV: browsers that asked to be told, and the public key that they ask with; see `pushSubscription`. */
  push: 'push',
  /** Object store: an event's segments on their way to the clip function. */
  segments: 'segments',
} as const;

/** The audit log of the page: a bounded stream that the viewer alone writes and reads. */
export const auditLog = { stream: 'AUDIT', subject: 'audit.viewer' } as const;

/** Headers of messages on `frames.*` and `motion.*`; the connector passes them on as HTTP headers. */
export const headers = {
  /** Integer microseconds since the Unix epoch, UTC: when the picture was taken. */
  capturedAt: 'Faascam-Captured-At',
  /** Integer, counts up by one a frame of one camera as long as its agent runs. */
  seq: 'Faascam-Seq',
  agent: 'Faascam-Agent',
  /** `image` (the body is a JPEG) or `lost` (no body: the camera went away at the captured-at time). */
  kind: 'Faascam-Kind',
  /** JSON, see `motionHeader`. */
  motion: 'Faascam-Motion',
  /** Set by the connector, as OpenFaaS connectors do: the subject of the message. */
  topic: 'X-Topic',
} as const;
