import { z } from 'zod';

/** What is made of an event's footage beside its clip. */
export const clipSettings = z
  .strictObject({
    transcode: z
      .enum(['none', 'h264'])
      .default('none')
      .describe(
        'Whether clips that not every browser plays, such as H.265, are stored a second time as H.264. It takes as much of the processor as the footage is long.',
      ),
    preview: z
      .strictObject({
        enabled: z.boolean().default(true).describe('Whether one is made.'),
        seconds: z
          .number()
          .min(1)
          .max(60)
          .default(10)
          .describe('Longest; longer clips are shown faster. Nobody looks at more of it in a list.'),
        width: z
          .number()
          .int()
          .min(64)
          .max(1280)
          .default(320)
          .describe('In pixels, at most: a few hundred kB a clip.'),
        fps: z.number().min(1).max(30).default(8).describe('Pictures a second: enough to see who moves.'),
      })
      .prefault({})
      .describe('A short, small video of the whole clip, for lists.'),
    strip: z
      .strictObject({
        enabled: z.boolean().default(true).describe('Whether one is made.'),
        everyMs: z
          .number()
          .int()
          .min(100)
          .default(1000)
          .describe('Of the clip between two thumbnails; more where they would be too many.'),
        most: z
          .number()
          .int()
          .min(1)
          .max(300)
          .default(60)
          .describe('Thumbnails of one clip: all are loaded at once.'),
        tileWidth: z.number().int().min(32).max(640).default(160).describe('Of a thumbnail, in pixels.'),
      })
      .prefault({})
      .describe('Thumbnails in one picture, for the timeline of a player.'),
    noAgentAfterHours: z
      .number()
      .min(0)
      .max(160)
      .default(144)
      .describe(
        'So long an event waits for an agent that takes its camera; then it gets a receipt without a clip. Six days: after seven its request is gone from NATS. An agent that comes later still brings the clip.',
      ),
  })
  .prefault({})
  .describe('What is stored beside a clip.');
export type ClipSettings = z.infer<typeof clipSettings>;
