import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { box } from './box.ts';
import { messageOf, UsageError } from './errors.ts';

/** What each part can be told, with its default and the reason for it. Durations in ms, sizes as named. */

export const frameSettings = z
  .strictObject({
    /** Frames a second looked at while something happens. 5 is enough to follow a walking person; Frigate's default as well. */
    fps: z.number().min(0.2).max(30).default(5),
    /** Frames a second looked at while nothing does. Those that show nothing new are not sent. */
    idleFps: z.number().min(0.05).max(30).default(1),
    /** Widest frame sent, in pixels; never enlarged. 1280 keeps far persons visible for region crops. */
    width: z.number().int().min(160).max(3840).default(1280),
    /** ffmpeg's JPEG quality scale, 2 (best) to 31. 5 is about 60 kB at 1280x720. */
    quality: z.number().int().min(2).max(31).default(5),
  })
  .prefault({});

export const ringSettings = z
  .strictObject({
    /** Kept footage: 10 minutes hold the longest event (5 minutes) and a clip's retries after it. */
    minutes: z.number().positive().default(10),
    megabytes: z.number().positive().default(2048),
    /** Shortest segment; it is cut at the next keyframe. 2 s is what most cameras send as one GOP. */
    segmentMs: z.number().int().min(500).max(60_000).default(2000),
  })
  .prefault({});

export const cameraSettings = z.strictObject({
  /** `rtsp://...`, `file:...`, `demo:` and others: docs/cameras.md has all forms. */
  source: z.string().min(1),
  /** A smaller stream of the same camera, for analysis; footage stays that of `source`. Empty: `source` serves both. */
  substream: z.string().default(''),
  /** How RTSP travels. TCP loses nothing; some cameras only speak UDP. */
  transport: z.enum(['tcp', 'udp']).default('tcp'),
  /** What an http(s) address serves. `auto` looks at its answer. */
  format: z.enum(['auto', 'mjpeg', 'jpeg', 'hls', 'flv', 'mpegts']).default('auto'),
  /** How often a camera that only has single pictures is asked for one. */
  pollMs: z.number().int().min(50).max(60_000).default(1000),
  /**
   * `all` decodes every picture. `keyframes` only those that stand alone: a tenth of the work, a picture every second or
   * two. `auto`: keyframes while nothing moves, everything from the keyframe before a change on; where keyframes are
   * more than 2 s apart it is `all`.
   */
  decode: z.enum(['auto', 'all', 'keyframes']).default('auto'),
  /** What decodes. `auto` tries what this host has, and falls back to the processor, saying so. */
  hardware: z.enum(['none', 'auto', 'vaapi', 'cuda', 'v4l2m2m', 'rkmpp']).default('none'),
  /** Turns the frames that are analysed, clockwise; footage stays as the camera sends it. */
  rotate: z.union([z.literal(0), z.literal(90), z.literal(180), z.literal(270)]).default(0),
  /** Analyses only this part of the picture, before it is turned: x, y, width, height as fractions. */
  crop: box.optional(),
  /** Neither a frame nor a closed segment for this long is a stall, whatever the connection says. */
  stallMs: z.number().int().min(2000).max(120_000).default(10_000),
  frames: frameSettings,
  ring: ringSettings,
});
export type CameraSettings = z.infer<typeof cameraSettings>;

export const motionSettings = z
  .strictObject({
    /** 1 (blind but for the coarsest) to 10 (leaves and rain count); 5 suits most cameras. */
    sensitivity: z.number().min(1).max(10).default(5),
    /** Smallest moving region, as a fraction of the frame's area. */
    minArea: z.number().min(0).max(1).default(0.0005),
    /** How long after the last motion frames still go to the detector: whoever stopped is looked at again. */
    settleMs: z.number().int().min(0).default(2500),
    /** After that, the detector looks again at this interval, as long as someone may be standing there. */
    lookAgainMs: z.number().int().min(200).default(5000),
    /** For how long after the last motion it looks again. */
    lookAgainForMs: z.number().int().min(0).default(120_000),
  })
  .prefault({});
export type MotionSettings = z.infer<typeof motionSettings>;

export const detectSettings = z
  .strictObject({
    /** A name in models.json, or the path of an ONNX file. */
    model: z.string().min(1).default('faascam-demo'),
    /** Where downloaded models lie. */
    modelDirectory: z.string().default(''),
    /** Detections below are not reported. */
    minScore: z.number().min(0).max(1).default(0.4),
    /** A label's own minimum score. */
    minScores: z.record(z.string(), z.number().min(0).max(1)).default({}),
    /** Boxes of one label that overlap more are one object (non-maximum suppression). */
    nmsIou: z.number().min(0).max(1).default(0.45),
    /** Threads of one inference; 0 lets the runtime choose. */
    threads: z.number().int().min(0).max(64).default(0),
  })
  .prefault({});
export type DetectSettings = z.infer<typeof detectSettings>;

export const eventSettings = z
  .strictObject({
    labels: z
      .array(z.string())
      .min(1)
      .default(['person', 'bicycle', 'car', 'motorcycle', 'bus', 'truck', 'dog', 'cat']),
    /** A track's median score must reach this before it makes an event: single lucky frames do not. */
    minMedianScore: z.number().min(0).max(1).default(0.6),
    /** Sightings before a track counts. */
    confirmHits: z.number().int().min(1).default(3),
    preRollMs: z.number().int().min(0).max(60_000).default(5000),
    postRollMs: z.number().int().min(0).max(60_000).default(5000),
    /** An event ends when its last object has not been seen for this long. */
    leftAfterMs: z.number().int().min(200).default(2000),
    /** An object that has not moved for this long stands still: it neither prolongs nor begins an event. */
    stillAfterMs: z.number().int().min(500).default(5000),
    /** A label's own time to stand still: whoever lives may pause and is still on a visit, a car has parked. */
    stillAfterMsOf: z
      .record(z.string(), z.number().int().min(500))
      .default({ person: 60_000, dog: 60_000, cat: 60_000 }),
    /** A longer event is split, without losing a frame between the parts. */
    maxMs: z.number().int().min(5000).default(300_000),
    /** No frame for this long: the camera is lost and the event ends with its last sight. */
    lostAfterMs: z.number().int().min(1000).default(10_000),
  })
  .prefault({});
export type EventSettings = z.infer<typeof eventSettings>;

const s3Settings = z.strictObject({
  kind: z.literal('s3'),
  /** `https://host[:port]`; http only where the network is trusted. */
  endpoint: z.url({ protocol: /^https?$/ }),
  bucket: z.string().min(3).max(63),
  region: z.string().default('us-east-1'),
  pathStyle: z.boolean().default(true),
  /** Files that hold the keys, so that they show neither in `ps` nor in an environment dump. */
  accessKeyFile: z.string().default('/var/openfaas/secrets/s3-access-key'),
  secretKeyFile: z.string().default('/var/openfaas/secrets/s3-secret-key'),
  /** Make the bucket if it is not there. */
  createBucket: z.boolean().default(false),
});

export const storeSettings = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('directory'),
    /** Empty: `clips` in the data folder. */
    path: z.string().default(''),
  }),
  s3Settings,
]);
export type StoreSettings = z.infer<typeof storeSettings>;

/**
 * A section of settings from environment variable `name`, which holds YAML or JSON; unset or empty is the default.
 * Throws `UsageError` that names the variable and the key.
 */
export function settingsFromEnv<T>(schema: z.ZodType<T>, name: string, env = process.env): T {
  const text = env[name] ?? '';
  let value: unknown;
  try {
    value = text.trim() === '' ? undefined : parse(text);
  } catch (cause) {
    throw new UsageError('bad-setting', `Environment variable ${name} is not YAML: ${messageOf(cause)}`, {
      cause,
    });
  }
  const parsed = schema.safeParse(value ?? undefined);
  if (parsed.success) return parsed.data;
  const [first] = parsed.error.issues;
  const key = first?.path.join('.');
  throw new UsageError(
    'bad-setting',
    `Environment variable ${name}${key === undefined || key === '' ? '' : `, key ${key}`}: ${first?.message ?? 'invalid'}`,
    { cause: parsed.error },
  );
}

/** The first line of a secret's file, trimmed. Throws `UsageError` that names the file, never its content. */
export function readSecret(path: string, what: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw new UsageError('secret-missing', `The file ${path} for the ${what} cannot be read: create it.`, {
      cause,
    });
  }
  if (text === '') throw new UsageError('secret-missing', `The file ${path} for the ${what} is empty.`);
  return text;
}

/** The address of NATS for functions and connector. */
export function natsUrlFromEnv(env = process.env): string {
  return env['NATS_URL'] ?? 'nats://127.0.0.1:4222';
}
