import { z } from 'zod';
import { areaSettings, overridesOf } from './analysis-settings.ts';
import { box } from './box.ts';
import { restreamSettings } from './restream-settings.ts';
import { eventSettings, motionSettings } from './settings.ts';

/** What one camera can be told, with its default and the reason for it. Durations in ms, sizes as named. */

export const frameSettings = z
  .strictObject({
    fps: z
      .number()
      .min(0.2)
      .max(30)
      .default(5)
      .describe(
        "Frames a second looked at while something happens. 5 is enough to follow a walking person; Frigate's default as well.",
      ),
    idleFps: z
      .number()
      .min(0.05)
      .max(30)
      .default(1)
      .describe('Frames a second looked at while nothing does. Those that show nothing new are not sent.'),
    width: z
      .number()
      .int()
      .min(160)
      .max(3840)
      .default(1280)
      .describe(
        'Widest frame sent, in pixels; never enlarged. 1280 keeps far persons visible for region crops.',
      ),
    quality: z
      .number()
      .int()
      .min(2)
      .max(31)
      .default(5)
      .describe("ffmpeg's JPEG quality scale, 2 (best) to 31. 5 is about 60 kB at 1280x720."),
  })
  .prefault({})
  .describe('What is sent for analysis.');

export const ringSettings = z
  .strictObject({
    minutes: z
      .number()
      .positive()
      .default(10)
      .describe("Kept footage: 10 minutes hold the longest event (5 minutes) and a clip's retries after it."),
    megabytes: z
      .number()
      .positive()
      .default(2048)
      .describe(
        'Kept footage by size; whichever of the two is reached first counts. What events hold is not in it.',
      ),
    pinnedMegabytes: z
      .number()
      .positive()
      .default(4096)
      .describe(
        'Footage held for events whose clips are not stored yet. Beyond it the oldest of them loses its footage, and its receipt says so; 4 GB hold 200 events of 20 MB.',
      ),
    segmentMs: z
      .number()
      .int()
      .min(500)
      .max(60_000)
      .default(2000)
      .describe(
        'Shortest segment; it is cut at the next keyframe. 2 s is what most cameras send as one GOP.',
      ),
  })
  .prefault({})
  .describe('Footage kept on this host, out of which clips are cut.');

export const cameraSettings = z.strictObject({
  source: z
    .string()
    .min(1)
    .describe('`rtsp://...`, `file:...`, `demo:` and others: docs/cameras.md has all forms.'),
  substream: z
    .string()
    .default('')
    .describe(
      'A smaller stream of the same camera, for analysis; footage stays that of `source`. Empty: `source` serves both.',
    ),
  transport: z
    .enum(['tcp', 'udp'])
    .default('tcp')
    .describe('How RTSP travels. TCP loses nothing; some cameras only speak UDP.'),
  format: z
    .enum(['auto', 'mjpeg', 'jpeg', 'hls', 'flv', 'mpegts'])
    .default('auto')
    .describe('What an http(s) address serves. `auto` looks at its answer.'),
  pollMs: z
    .number()
    .int()
    .min(50)
    .max(60_000)
    .default(1000)
    .describe('How often a camera that only has single pictures is asked for one.'),
  decode: z
    .enum(['auto', 'all', 'keyframes'])
    .default('auto')
    .describe(
      '`all` decodes every picture. `keyframes` only those that stand alone: a tenth of the work, a picture every second or two. `auto`: keyframes while nothing moves, everything from the keyframe before a change on; where keyframes are more than 2 s apart it is `all`.',
    ),
  hardware: z
    .enum(['none', 'auto', 'vaapi', 'cuda', 'v4l2m2m', 'rkmpp'])
    .default('none')
    .describe('What decodes. `auto` tries what this host has, and falls back to the processor, saying so.'),
  rotate: z
    .union([z.literal(0), z.literal(90), z.literal(180), z.literal(270)])
    .default(0)
    .describe('Turns the frames that are analysed, clockwise; footage stays as the camera sends it.'),
  crop: box
    .optional()
    .describe(
      'Analyses only this part of the picture, before it is turned: x, y, width, height as fractions.',
    ),
  stallMs: z
    .number()
    .int()
    .min(2000)
    .max(120_000)
    .default(10_000)
    .describe('Neither a frame nor a closed segment for this long is a stall, whatever the connection says.'),
  frames: frameSettings,
  ring: ringSettings,
  restream: restreamSettings,
  ...areaSettings,
  motion: overridesOf(motionSettings)
    .default({})
    .describe('What this camera has of its own of the section `motion`.'),
  events: overridesOf(eventSettings)
    .default({})
    .describe('What this camera has of its own of the section `events`.'),
});
export type CameraSettings = z.infer<typeof cameraSettings>;
