import { createHash } from 'node:crypto';
import { dateOf } from './event-walk.ts';
import type { RetentionSettings } from './retention-settings.ts';

const DAY_US = 86_400_000_000;
const HOUR_US = 3_600_000_000;

/** All that the settings say of one camera, in days; `Infinity` is for ever. */
interface Periods {
  otherwise: number;
  labels: Map<string, number>;
}

function periodsOf(settings: RetentionSettings, camera: string): Periods {
  const own = settings.cameras[camera];
  const asDays = (days: number): number => (days === 0 ? Infinity : days);
  const labels = Object.entries({ ...settings.labels, ...own?.labels });
  return {
    otherwise: asDays(own?.days ?? settings.days),
    labels: new Map(labels.map(([label, days]) => [label, asDays(days)])),
  };
}

/** Days that an event with these labels stays: the longest of theirs. Labels that are not known: the camera's longest. */
export function daysKept(
  settings: RetentionSettings,
  camera: string,
  labels: readonly string[] | undefined,
): number {
  const periods = periodsOf(settings, camera);
  if (labels === undefined) return Math.max(periods.otherwise, ...periods.labels.values());
  if (labels.length === 0) return periods.otherwise;
  return Math.max(...labels.map((label) => periods.labels.get(label) ?? periods.otherwise));
}

/**
 * When the event may go, in microseconds since the epoch, or `Infinity`. Its time counts from when it began, or from
 * when it was stored if that was later: an old recording that is played back today has just come.
 */
export function expiresAtUs(
  settings: RetentionSettings,
  event: { camera: string; startUs: number; storedAtUs: number; labels: readonly string[] | undefined },
): number {
  const days = daysKept(settings, event.camera, event.labels);
  return Math.max(event.startUs, event.storedAtUs) + days * DAY_US;
}

/** Days, `yyyymmdd`, both included; without a first one, all up to the last. */
export interface Days {
  first?: string;
  last: string;
}

/**
 * Days of a camera in which events may have expired. With `full` all that ever may have; otherwise those in which one
 * of its periods has ended since a full look at most a day ago, so that a look each hour costs little.
 */
export function daysToSweep(
  settings: RetentionSettings,
  camera: string,
  nowUs: number,
  full: boolean,
): Days[] {
  const { otherwise, labels } = periodsOf(settings, camera);
  const periods = [...new Set([otherwise, ...labels.values()])].filter(
    (days) => Number.isFinite(days) && days * DAY_US <= nowUs,
  );
  if (periods.length === 0) return [];
  const endOf = (days: number): number => nowUs - days * DAY_US;
  if (full) return [{ last: dateOf(endOf(Math.min(...periods))) }];
  const ranges = periods
    .sort((a, b) => b - a)
    .map((days) => ({ first: dateOf(Math.max(0, endOf(days) - DAY_US)), last: dateOf(endOf(days)) }));
  // Periods that are close to one another: no day is looked at twice.
  return ranges
    .map((range, index) => {
      const before = ranges[index - 1]?.last;
      return before !== undefined && before >= range.first
        ? { first: dayAfter(before), last: range.last }
        : range;
    })
    .filter(({ first, last }) => first <= last);
}

function dayAfter(date: string): string {
  const day = Date.UTC(Number(date.slice(0, 4)), Number(date.slice(4, 6)) - 1, Number(date.slice(6)));
  return dateOf(day * 1000 + DAY_US);
}

/** What is remembered of sweeps, in the store that is swept. */
export interface SweepState {
  /** `settingsDigest` of the settings under which it was. */
  settings: string;
  startedAtUs: number;
  /** When the last look at all days was begun that came to its end. */
  fullAtUs?: number | undefined;
}

export type SweepDecision =
  { kind: 'wait' } | { kind: 'announce'; why: string } | { kind: 'sweep'; full: boolean };

/** No sweep for so long: the machine was off, or its clock has leapt. */
const UNUSUAL_PAUSE_US = 7 * DAY_US;

/**
 * Whether it is time to sweep: once an hour, all days once a day. The first time under other settings, and whenever the
 * clock may be wrong, a sweep only tells what it would remove, and the next one does it: an hour to notice a mistake
 * that cannot be undone.
 */
export function sweepDecision(
  state: SweepState | undefined,
  { settings, nowUs }: { settings: string; nowUs: number },
): SweepDecision {
  if (state === undefined) return { kind: 'announce', why: 'nothing was ever removed from this store' };
  if (state.settings !== settings) return { kind: 'announce', why: 'the settings have changed' };
  const pauseUs = nowUs - state.startedAtUs;
  if (pauseUs < -HOUR_US) return { kind: 'announce', why: 'the clock was set back' };
  if (pauseUs < HOUR_US) return { kind: 'wait' };
  if (pauseUs > UNUSUAL_PAUSE_US) return { kind: 'announce', why: 'the last look was over a week ago' };
  const full = state.fullAtUs === undefined || dateOf(state.fullAtUs) !== dateOf(nowUs);
  return { kind: 'sweep', full };
}

/** Tells settings apart. */
export function settingsDigest(settings: RetentionSettings): string {
  return createHash('sha256').update(JSON.stringify(settings)).digest('hex');
}
