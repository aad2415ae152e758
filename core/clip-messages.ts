import { z } from 'zod';
import { attestation } from './attestation.ts';
import { cameraId, eventId } from './ids.ts';
import { detectedObject, eventMessage, gap, segmentRef, sha256, timeUs } from './messages.ts';
import { view } from './view.ts';

const span = z.object({ fromUs: timeUs, toUs: timeUs });

/** `clips.ready.<camera>`: the event's segments lie in the object store, in order of time. */
export const clipReady = z.object({
  v: z.literal(1),
  eventId,
  camera: cameraId,
  agent: cameraId,
  fromUs: timeUs,
  toUs: timeUs,
  segments: z.array(segmentRef),
  gaps: z.array(gap),
  codec: z.object({ video: z.string(), audio: z.string().optional() }),
  event: eventMessage,
  /** What the frames show of the footage's picture, see `boxInPicture`; absent: all of it. */
  view: view.optional(),
  /** The agent's word for the footage; an older agent gives none. */
  attestation: attestation.optional(),
  /** How often the agent has offered it, this time included, and when: for the receipt. */
  offer: z
    .object({
      attempt: z.number().int().positive(),
      wantedAtUs: timeUs,
      pinnedAtUs: timeUs.optional(),
      offeredAtUs: timeUs,
    })
    .optional(),
  /** The agent's version, and its config's revision. */
  madeBy: z.object({ software: z.string(), configRevision: z.string().optional() }).optional(),
});
export type ClipReady = z.infer<typeof clipReady>;

/** `clips.stored.<camera>`: the end of the line; the agent unpins, the viewer shows. */
export const clipStored = z.object({
  v: z.literal(1),
  eventId,
  camera: cameraId,
  keys: z.object({
    clip: z.string().optional(),
    /** All of an event's clips in order of time, where its footage could not be one; the first is `clip`. */
    parts: z.array(z.string()).optional(),
    snapshot: z.string().optional(),
    /** The snapshot without frames and labels. */
    cleanSnapshot: z.string().optional(),
    preview: z.string().optional(),
    strip: z.string().optional(),
    manifest: z.string(),
  }),
  clipSha256: sha256.optional(),
  /** sha256 of the receipt's canonical JSON: what the agent signs with the camera's next event. */
  receiptSha256: sha256.optional(),
  requested: span,
  delivered: span.optional(),
  gaps: z.array(gap),
  complete: z.boolean(),
  /** It was stored once and removed on purpose: nothing is there any more, and nothing will be. */
  removed: z.literal(true).optional(),
  /** Somebody asked for the footage; there was no event. */
  exported: z.literal(true).optional(),
});
export type ClipStored = z.infer<typeof clipStored>;

/**
 * Whether a receipt, or what was announced of it, says that no agent has ever taken the event's request. It stands in for
 * the event until an agent does: then the clip takes its place.
 */
export function isWithoutAgent({ gaps }: Pick<ClipStored, 'gaps'>): boolean {
  return gaps.some(({ cause }) => cause === 'no-agent');
}

const storedFile = { key: z.string(), sha256, sizeBytes: z.number().int().positive() };

/** A video in the store. */
export const clipFile = z.object({
  ...storedFile,
  durationMs: z.number().positive(),
  video: z.object({
    codec: z.string(),
    width: z.number().int(),
    height: z.number().int(),
    packets: z.number().int(),
  }),
  audio: z.object({ codec: z.string() }).optional(),
});
export type ClipFile = z.infer<typeof clipFile>;

/** `event.json`: the receipt, stored last, so that its presence means that all is stored. */
export const manifest = z.object({
  v: z.literal(1),
  event: eventMessage,
  agent: cameraId,
  requested: span,
  delivered: span.optional(),
  complete: z.boolean(),
  gaps: z.array(gap),
  segments: z.array(segmentRef),
  /** The clip; its first part, where the camera changed its codec or size on the way. */
  clip: clipFile.optional(),
  /** All parts in order of time, where there is more than one; the first is `clip`. */
  parts: z.array(clipFile.extend({ delivered: span })).optional(),
  /** The same pictures, encoded anew for browsers that cannot play the clip. */
  renditions: z.array(clipFile).optional(),
  /** A short look at the clip: small, few pictures a second. */
  preview: z.object({ ...storedFile, width: z.number().int(), height: z.number().int() }).optional(),
  /** Thumbnails side by side in one picture, one for each `everyMs` of the clip. */
  strip: z
    .object({
      ...storedFile,
      columns: z.number().int().positive(),
      count: z.number().int().positive(),
      tileWidth: z.number().int().positive(),
      tileHeight: z.number().int().positive(),
      everyMs: z.number().positive(),
    })
    .optional(),
  snapshot: z
    .object({
      key: z.string(),
      /** The same picture without frames and labels. */
      cleanKey: z.string().optional(),
      /** sha256 of the two; an older receipt does not tell. */
      sha256: sha256.optional(),
      cleanSha256: sha256.optional(),
      atUs: timeUs,
      width: z.number().int(),
      height: z.number().int(),
      objects: z.array(detectedObject),
    })
    .optional(),
  attestation: attestation.optional(),
  /** What went wrong and cost a segment, a picture or a rendition, but not the clip. */
  faults: z
    .array(
      z.object({
        of: z.enum(['segment', 'rendition', 'preview', 'snapshot']),
        /** Of a segment: its name, as in `segments`; of a rendition: its key. */
        object: z.string().optional(),
        why: z.string(),
      }),
    )
    .optional(),
  storedAtUs: timeUs,
  software: z.string(),
  /** Who made it: versions of the agent, and of what made the clip. */
  madeBy: z
    .object({
      agent: z.string().optional(),
      configRevision: z.string().optional(),
      node: z.string(),
      ffmpeg: z.string(),
    })
    .optional(),
  /** When each step was done, as far as it is known. */
  timings: z
    .object({
      wantedAtUs: timeUs,
      pinnedAtUs: timeUs,
      offeredAtUs: timeUs,
      startedAtUs: timeUs,
      fetchedAtUs: timeUs,
      assembledAtUs: timeUs,
      /** The clip was decoded to its end, and its pictures were made. */
      checkedAtUs: timeUs,
    })
    .partial()
    .optional(),
  /** How often its footage was offered until this clip was made. */
  attempts: z.number().int().positive().optional(),
});
export type Manifest = z.infer<typeof manifest>;
