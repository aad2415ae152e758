import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { messageOf, UsageError } from './errors.ts';

/** What each part can be told, with its default and the reason for it. Durations in ms, sizes as named. */

export const motionSettings = z
  .strictObject({
    sensitivity: z
      .number()
      .min(1)
      .max(10)
      .default(5)
      .describe('1 (blind but for the coarsest) to 10 (leaves and rain count); 5 suits most cameras.'),
    minArea: z
      .number()
      .min(0)
      .max(1)
      .default(0.0005)
      .describe("Smallest moving region, as a fraction of the frame's area."),
    settleMs: z
      .number()
      .int()
      .min(0)
      .default(2500)
      .describe(
        'How long after the last motion frames still go to the detector: whoever stopped is looked at again.',
      ),
    lookAgainMs: z
      .number()
      .int()
      .min(200)
      .default(5000)
      .describe(
        'After that, the detector looks again at this interval, as long as someone may be standing there.',
      ),
    lookAgainForMs: z
      .number()
      .int()
      .min(0)
      .default(120_000)
      .describe('For how long after the last motion it looks again.'),
  })
  .prefault({})
  .describe('What counts as motion.');
export type MotionSettings = z.infer<typeof motionSettings>;

export const detectSettings = z
  .strictObject({
    model: z
      .string()
      .min(1)
      .default('faascam-demo')
      .describe('A name in models.json, or the path of an ONNX file.'),
    modelDirectory: z
      .string()
      .default('')
      .describe('Where downloaded models lie. Empty: `models` in the data folder.'),
    minScore: z.number().min(0).max(1).default(0.4).describe('Detections below are not reported.'),
    minScores: z
      .record(z.string(), z.number().min(0).max(1))
      .default({})
      .describe("A label's own minimum score."),
    nmsIou: z
      .number()
      .min(0)
      .max(1)
      .default(0.45)
      .describe('Boxes of one label that overlap more are one object (non-maximum suppression).'),
    threads: z
      .number()
      .int()
      .min(0)
      .max(64)
      .default(0)
      .describe('Threads of one inference; 0 lets the runtime choose.'),
    lowScore: z
      .number()
      .min(0)
      .max(1)
      .default(0.1)
      .describe(
        'Detections from here up to the minimum score begin nothing, but help to follow what was seen before.',
      ),
    provider: z
      .string()
      .regex(/^[a-z]+$/)
      .default('cpu')
      .describe(
        'What runs the model: `cpu`, `cuda`, `openvino` and others, as far as the runtime has them. `auto` takes the best that works.',
      ),
    inputSize: z
      .tuple([z.number().int().min(32).max(4096), z.number().int().min(32).max(4096)])
      .optional()
      .describe(
        "Width and height of the input of a model that leaves it open. Unset: the exporter's, or 640x640.",
      ),
    pixels: z
      .enum(['auto', 'rgb', 'bgr', 'rgb-bytes', 'bgr-bytes', 'imagenet'])
      .default('auto')
      .describe(
        "Colours as the model was trained on: 0 to 1, 0 to 255 (`-bytes`), or less ImageNet's mean. `auto`: as its family's usually are.",
      ),
    regions: z
      .strictObject({
        most: z
          .number()
          .int()
          .min(0)
          .max(16)
          .default(2)
          .describe(
            'Parts of a frame, around small things that move, that are looked at in full resolution; each costs as much as a look at the whole. 0: the whole only.',
          ),
        wholeEveryMs: z
          .number()
          .int()
          .min(0)
          .default(1000)
          .describe('While parts are looked at, the whole frame is looked at this often.'),
      })
      .prefault({})
      .describe('A far person is too small in the whole frame.'),
  })
  .prefault({})
  .describe('What looks at the pictures.');
export type DetectSettings = z.infer<typeof detectSettings>;

export const eventSettings = z
  .strictObject({
    labels: z
      .array(z.string())
      .min(1)
      .default(['person', 'bicycle', 'car', 'motorcycle', 'bus', 'truck', 'dog', 'cat'])
      .describe('Objects that make events; others are not looked at.'),
    minMedianScore: z
      .number()
      .min(0)
      .max(1)
      .default(0.6)
      .describe(
        "A track's median score must reach this before it makes an event: single lucky frames do not.",
      ),
    confirmHits: z.number().int().min(1).default(3).describe('Sightings before a track counts.'),
    preRollMs: z
      .number()
      .int()
      .min(0)
      .max(60_000)
      .default(5000)
      .describe('Footage before the first sight of its objects.'),
    postRollMs: z
      .number()
      .int()
      .min(0)
      .max(60_000)
      .default(5000)
      .describe('Footage after the last sight of its objects.'),
    leftAfterMs: z
      .number()
      .int()
      .min(200)
      .default(2000)
      .describe('An event ends when its last object has not been seen for this long.'),
    stillAfterMs: z
      .number()
      .int()
      .min(500)
      .default(5000)
      .describe(
        'An object that has not moved for this long stands still: it neither prolongs nor begins an event.',
      ),
    stillAfterMsOf: z
      .record(z.string(), z.number().int().min(500))
      .default({ person: 60_000, dog: 60_000, cat: 60_000 })
      .describe(
        "A label's own time to stand still: whoever lives may pause and is still on a visit, a car has parked.",
      ),
    mergeGapMs: z
      .number()
      .int()
      .min(0)
      .max(60_000)
      .default(2000)
      .describe(
        'An event goes on when its next object comes no later than this after the last sight: its end waits so long.',
      ),
    rememberMs: z
      .number()
      .int()
      .min(1000)
      .default(86_400_000)
      .describe(
        'An object that stands still is remembered so long while looks do not find it: a blinking detector must not tell it anew.',
      ),
    rememberMsOf: z
      .record(z.string(), z.number().int().min(1000))
      .default({ person: 120_000, dog: 120_000, cat: 120_000 })
      .describe("A label's own time to be remembered; what has never moved is remembered as a thing."),
    motionEvents: z
      .boolean()
      .default(false)
      .describe('Whether motion in which no object is seen makes events too, of the label `motion`.'),
    motionAfterMs: z
      .number()
      .int()
      .min(0)
      .default(1000)
      .describe('Motion for this long makes such an event.'),
    maxMs: z
      .number()
      .int()
      .min(5000)
      .default(300_000)
      .describe('A longer event is split, without losing a frame between the parts.'),
    lostAfterMs: z
      .number()
      .int()
      .min(1000)
      .default(10_000)
      .describe('No frame for this long: the camera is lost and the event ends with its last sight.'),
  })
  .prefault({})
  .describe('What makes an event, and when it ends.');
export type EventSettings = z.infer<typeof eventSettings>;

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
