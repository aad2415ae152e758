import { z } from 'zod';
import type { ClipStored } from '@faascam/core/clip-messages';
import type { EventMessage } from '@faascam/core/messages';
import { judgement } from './commands/replay-judge.ts';

/** One event as `faascam replay --json` tells it; times in ms from the start of the recording. */
const reportedEvent = z.object({
  id: z.string(),
  camera: z.string(),
  labels: z.array(z.string()),
  /** The event itself, without pre- and post-roll. */
  startMs: z.number(),
  endMs: z.number(),
  /** What the clip holds; both equal for an event without footage. */
  clipStartMs: z.number(),
  clipEndMs: z.number(),
  score: z.number(),
  /** Where its objects are: absolute paths, or `s3://bucket/key`; null for one that is not there. */
  clip: z.string().nullable(),
  snapshot: z.string().nullable(),
  manifest: z.string(),
  complete: z.boolean(),
});

/** The contract of `faascam replay --json`. */
export const replayReport = z.object({
  v: z.literal(1),
  frames: z.number().int(),
  elapsedMs: z.number().int(),
  events: z.array(reportedEvent),
  /** With `--truth`: how the events of each recording compare with it. */
  truth: z.array(judgement).optional(),
});
export type ReplayReport = z.infer<typeof replayReport>;

/** An ended event and its stored clip, as the report tells them. */
export function reportEvent(
  event: EventMessage,
  stored: ClipStored,
  recordingStartUs: number,
  locate: (key: string) => string,
): ReplayReport['events'][number] {
  const ms = (us: number): number => Math.round((us - recordingStartUs) / 1000);
  const window = stored.delivered ?? { fromUs: event.startUs, toUs: event.startUs };
  return {
    id: event.id,
    camera: event.camera,
    labels: event.labels,
    startMs: ms(event.startUs),
    endMs: ms(event.endUs),
    clipStartMs: ms(window.fromUs),
    clipEndMs: ms(window.toUs),
    score: Math.round(event.bestScore * 1000) / 1000,
    clip: stored.keys.clip === undefined ? null : locate(stored.keys.clip),
    snapshot: stored.keys.snapshot === undefined ? null : locate(stored.keys.snapshot),
    manifest: locate(stored.keys.manifest),
    complete: stored.complete,
  };
}
