import { z } from 'zod';
import { cameraId, eventId } from '@faascam/core/ids';
import { began, crossing, ended, endReason, eventMessage, gap, timeUs } from '@faascam/core/messages';

/** What the API says of events. Times ending in `Us` are microseconds since the Unix epoch, UTC; URLs are relative to the page. */
const durationMs = z.number().nonnegative();
const url = z.string().describe('Relative to the address of the page.');
const iso = z.string().describe('The same time in ISO 8601, UTC.');

export const gapView = gap.extend({ ms: durationMs }).describe('Footage that is missing, and why.');

/** Why it began: the rule, the object, how often it had been seen by then (10 at most), and how well. */
export const beganView = began
  .pick({ rule: true, label: true, zone: true, medianScore: true })
  .extend({ sights: z.number().int().nonnegative() })
  .describe('Why it began; absent in events that older versions have stored.');
export type BeganView = z.infer<typeof beganView>;

export const endedView = ended
  .pick({ rule: true, quietMs: true })
  .describe('Why it ended, and for how long nothing had prolonged it.');
export type EndedView = z.infer<typeof endedView>;

export const clipView = z
  .object({
    kind: z
      .enum(['original', 'h264'])
      .describe(
        '`original`: as the camera sent it; `h264`: the same pictures, for browsers that cannot play it.',
      ),
    part: z.number().int().min(1).describe('Of the parts in order of time, from 1: mostly there is one.'),
    codec: z.string().describe('As ffprobe names it: h264, hevc.'),
    width: z.number().int(),
    height: z.number().int(),
    durationMs,
    frameMs: durationMs.describe('How long one of its pictures lasts, on the average.'),
    fromUs: timeUs,
    toUs: timeUs,
    url,
  })
  .meta({ id: 'Clip' });
export type ClipView = z.infer<typeof clipView>;

export const eventView = z
  .object({
    id: eventId,
    camera: cameraId,
    labels: z.array(z.string()),
    startUs: timeUs,
    startIso: iso,
    endUs: timeUs,
    endIso: iso,
    eventMs: durationMs.describe('From the first to the last sight of its objects.'),
    clipMs: durationMs
      .optional()
      .describe('Length of the clip, pre- and post-roll included; absent without footage.'),
    score: z.number().min(0).max(1).describe('Best score of its objects.'),
    zones: z.array(z.string()),
    endReason: endReason.optional(),
    began: beganView.optional(),
    ended: endedView.optional(),
    crossings: z.array(crossing.pick({ line: true, direction: true })),
    complete: z.boolean().describe('Whether the clip holds all that was asked for; if not, see `gaps`.'),
    gaps: z.array(gapView),
    requested: z
      .object({ fromUs: timeUs, toUs: timeUs })
      .describe('The footage that was asked for, pre- and post-roll included.'),
    model: z.string(),
    demo: z.boolean().describe('The model is the bundled one for demonstrations.'),
    videoCodec: z.string().optional().describe('As ffprobe names it: h264, hevc.'),
    clips: z
      .array(clipView)
      .describe('All clips: every part as the camera sent it, then as H.264 where there is that.'),
    exported: eventMessage.shape.exported.describe(
      'Who asked for this footage and when; nobody saw anything in it.',
    ),
    storedAtUs: timeUs,
    kept: z.boolean().describe('It stays until somebody lets it go.'),
    strip: z
      .object({
        columns: z.number().int(),
        count: z.number().int(),
        tileWidth: z.number().int(),
        tileHeight: z.number().int(),
        everyMs: z.number(),
      })
      .optional()
      .describe('How the pictures lie in the strip: one for each `everyMs` of the clip.'),
    urls: z.object({
      snapshot: url.optional(),
      cleanSnapshot: url.optional(),
      clip: url.optional(),
      preview: url.optional(),
      strip: url.optional(),
      manifest: url,
    }),
  })
  .meta({ id: 'Event' });
export type EventView = z.infer<typeof eventView>;

export const eventsAnswer = z
  .object({
    events: z.array(eventView),
    before: eventId
      .optional()
      .describe(
        'Cursor of the next, older page; absent on the last one. All events down to it were looked at.',
      ),
    newest: eventId
      .optional()
      .describe('The newest event that was looked at, whether or not it has the label asked for.'),
  })
  .meta({ id: 'Events' });
export type EventsAnswer = z.infer<typeof eventsAnswer>;
