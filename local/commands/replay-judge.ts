import { sameFamily } from '@faascam/events/label';
import { z } from 'zod';
import type { Visit } from './replay-truth.ts';

/** An event as it is judged; times in ms from the start of the recording. */
export interface JudgedEvent {
  labels: readonly string[];
  startMs: number;
  endMs: number;
  tracks: readonly { label: string; startMs: number; endMs: number }[];
}

const errors = z.object({
  /** Of the absolute errors; null where no visit was told. */
  medianMs: z.number().nullable(),
  worstMs: z.number().nullable(),
});

/** How a recording's events compare with what is truly in it. */
export const judgement = z.object({
  camera: z.string(),
  visits: z.number().int(),
  /** Visits that an event of their label tells of; and those that have one to themselves. */
  told: z.number().int(),
  own: z.number().int(),
  events: z.number().int(),
  /** Events that tell of no visit. */
  falseEvents: z.number().int(),
  falseEventsPerHour: z.number(),
  recall: z.number(),
  precision: z.number(),
  startError: errors,
  endError: errors,
  /** Tracks of visits beyond as many as there are objects at once: how often an object was taken for another. */
  identitySwitches: z.number().int(),
});
export type Judgement = z.infer<typeof judgement>;

/** Who writes visits down is no more exact than this. */
const SLACK_MS = 500;

/** Compares the events of one recording of `durationMs` with the visits in it. */
export function judge(
  camera: string,
  events: readonly JudgedEvent[],
  visits: readonly Visit[],
  durationMs: number,
): Judgement {
  const tells = (event: JudgedEvent, visit: Visit): boolean =>
    event.labels.some((label) => sameFamily(label, visit.label)) && meets(event, visit);
  const startErrors: number[] = [];
  const endErrors: number[] = [];
  let [own, identitySwitches] = [0, 0];
  for (const visit of visits) {
    const telling = events.filter((event) => tells(event, visit));
    const [first] = telling;
    if (first === undefined) continue;
    startErrors.push(Math.abs(Math.min(...telling.map(({ startMs }) => startMs)) - visit.startMs));
    endErrors.push(Math.abs(Math.max(...telling.map(({ endMs }) => endMs)) - visit.endMs));
    const others = visits.filter((other) => other !== visit && tells(first, other));
    if (telling.length === 1 && others.length === 0) own += 1;
    const tracks = telling
      .flatMap((event) => event.tracks)
      .filter((track) => sameFamily(track.label, visit.label) && meets(track, visit));
    identitySwitches += Math.max(0, tracks.length - visit.atOnce);
  }
  const told = startErrors.length;
  const falseEvents = events.filter((event) => !visits.some((visit) => tells(event, visit))).length;
  return {
    camera,
    visits: visits.length,
    told,
    own,
    events: events.length,
    falseEvents,
    falseEventsPerHour: durationMs > 0 ? (falseEvents * 3_600_000) / durationMs : 0,
    recall: visits.length === 0 ? 1 : told / visits.length,
    precision: events.length === 0 ? 1 : 1 - falseEvents / events.length,
    startError: errorsOf(startErrors),
    endError: errorsOf(endErrors),
    identitySwitches,
  };
}

function meets(one: { startMs: number; endMs: number }, other: { startMs: number; endMs: number }): boolean {
  return one.startMs <= other.endMs + SLACK_MS && other.startMs <= one.endMs + SLACK_MS;
}

function errorsOf(all: readonly number[]): z.infer<typeof errors> {
  const sorted = [...all].sort((a, b) => a - b);
  return { medianMs: sorted[sorted.length >> 1] ?? null, worstMs: sorted.at(-1) ?? null };
}

/** A judgement in lines for people. */
export function linesOf(found: Judgement): string[] {
  const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;
  const error = ({ medianMs, worstMs }: z.infer<typeof errors>): string =>
    medianMs === null || worstMs === null
      ? '-'
      : `median ${medianMs.toFixed(0)} ms, worst ${worstMs.toFixed(0)} ms`;
  return [
    `${found.camera}: ${found.told} of ${found.visits} visits told, ${found.own} as events of their own`,
    `  recall ${percent(found.recall)}, precision ${percent(found.precision)}`,
    `  ${found.falseEvents} of ${found.events} events false, ${found.falseEventsPerHour.toFixed(1)} an hour`,
    `  start off by ${error(found.startError)}; end off by ${error(found.endError)}`,
    `  ${found.identitySwitches} identity switches within visits`,
  ];
}
