import { z } from 'zod';
import { cameraId } from './ids.ts';
import { timeUs } from './messages.ts';
import { buckets } from './subjects.ts';

/** How much moved in front of a camera, ten seconds at a time: what a day's timeline shows beside the events. */

export const SLOT_MS = 10_000;
export const SLOT_US = SLOT_MS * 1000;
const HOUR_US = 3_600_000_000;
export const SLOTS = HOUR_US / SLOT_US;
export const MOST_LEVEL = 9;
/** Of the picture: what level 1 begins below, and each further one at twice of. */
const LEAST_SHARE = 0.001;

/**
 * KV `activity`, key = `activityKey`: one hour of a camera. `levels` has a digit for each ten seconds, from 0 (nothing moved)
 * to 9: each is twice the share of the picture of the one before.
 */
export const activityHour = z.object({
  v: z.literal(1),
  camera: cameraId,
  startUs: timeUs,
  levels: z.string().regex(/^\d{360}$/),
});
export type ActivityHour = z.infer<typeof activityHour>;

/** The stream behind the bucket, and the subject of a key in it, as NATS's ADR-8 lays them down. */
export const ACTIVITY_STREAM = `KV_${buckets.activity}`;
export function activitySubject(camera: string, us: number): string {
  return `$KV.${buckets.activity}.${activityKey(camera, us)}`;
}

/** `yard/2026-03-04T12`: the hour, UTC, that a time lies in. */
export function activityKey(camera: string, us: number): string {
  return `${camera}/${new Date(us / 1000).toISOString().slice(0, 13)}`;
}

export function hourOf(us: number): number {
  return Math.floor(us / HOUR_US) * HOUR_US;
}

/** The starts of all hours that reach into a time. */
export function hoursWithin(fromUs: number, toUs: number): number[] {
  const hours: number[] = [];
  for (let us = hourOf(fromUs); us < toUs; us += HOUR_US) hours.push(us);
  return hours;
}

/** 0 to 9 for the share of the picture in which something moves. */
export function levelOf(share: number): number {
  if (!(share > 0)) return 0;
  return Math.min(MOST_LEVEL, Math.max(1, 1 + Math.floor(Math.log2(share / LEAST_SHARE))));
}

/** Which of its hour's ten seconds a time lies in. */
export function slotOf(us: number): number {
  return Math.floor((us - hourOf(us)) / SLOT_US);
}

export function digitsOf(levels: readonly number[]): string {
  return levels.join('');
}

export function levelsIn(digits: string): number[] {
  return Array.from(digits, Number);
}

/** The levels of a time out of its hours, whichever of them there are; `fromUs` is where a slot begins. */
export function levelsBetween(hours: readonly ActivityHour[], fromUs: number, toUs: number): number[] {
  const levels = new Array<number>(Math.max(0, Math.ceil((toUs - fromUs) / SLOT_US))).fill(0);
  for (const hour of hours) {
    const first = Math.round((hour.startUs - fromUs) / SLOT_US);
    for (const [index, level] of levelsIn(hour.levels).entries()) {
      const at = first + index;
      if (at >= 0 && at < levels.length) levels[at] = level;
    }
  }
  return levels;
}
