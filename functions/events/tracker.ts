import type { DetectedObject, DetectionsMessage, Sighting } from '@faascam/core/messages';
import type { EventSettings } from '@faascam/core/settings';
import type { Box } from '@faascam/core/box';
import { associate, secondsSince } from './association.ts';
import { beginKinematics, restKinematics, updateKinematics } from './kalman.ts';
import { labelOf, medianScore } from './label.ts';
import type { Track } from './state.ts';
import { drifted, isAtRest, isCovered, isDisplaced, touchesMotion } from './stillness.ts';

/** A silence longer than this counts as this much: an idle camera's one frame a second, with room. */
const MAX_STEP_MS = 1500;
const SCORES_KEPT = 45;
const FIRST_SIGHTS_KEPT = 10;
/** A track seen fewer times than it takes to count is given up this soon. */
export const TENTATIVE_MS = 1000;
/** Sights one after the other that are clear of the anchor before an object has moved: one may be a detector's slip. */
const DISPLACED_SIGHTS = 2;
/** And for one that has stood still for long, which is the likelier a slip the longer it stood. */
const PARKED_DISPLACED_SIGHTS = 3;
/** Within this share of its size from its anchor, an object is where it was. */
const REST_SHARE = 0.1;
/** Of more objects than this, those that were not seen for the longest time are forgotten. */
const TRACKS_KEPT = 128;
const TOUCH_PAUSE_US = 1_000_000;
/** For longer than this nobody is missed who walks on: sights before and after are not one after the other. */
const SEARCHED_MS = 1000;
const DEFAULT_ASPECT = 16 / 9;

export interface Followed {
  tracks: Track[];
  nextTrack: number;
}

/**
 * Follows the objects of one frame. `sights` are those that may make events, `low` those that may only keep one alive;
 * `stepMs` is the time since the frame before; `minMedianOf` is what a label's median score must reach.
 */
export function follow(
  tracks: readonly Track[],
  frame: DetectionsMessage,
  sights: { high: readonly DetectedObject[]; low: readonly DetectedObject[] },
  elapsedMs: number,
  settings: EventSettings,
  minMedianOf: (label: string) => number,
  nextTrack: number,
): Followed {
  const step = Math.min(MAX_STEP_MS, elapsedMs);
  const after = frame.inferred
    ? looked(tracks, frame, sights, step, nextTrack)
    : { tracks: tracks.map((track) => rest(track, step)), nextTrack };
  const judged = after.tracks
    .filter((track) => !isGone(track, settings))
    .map((track) => {
      const confirmed = track.confirmed || isConfirmed(track, settings, minMedianOf);
      const moves = track.moving || hasMoved(track, settings);
      const begins = moves && !track.moving;
      const moving = begins || (moves && track.stillMs < stillAfterMs(track, settings));
      const stops = track.moving && !moving;
      return {
        ...track,
        // It stands here, not where it was when it last had moved by a good part of itself.
        anchor: stops ? track.box : track.anchor,
        displaced: stops || begins ? 0 : track.displaced,
        confirmed,
        moving,
        moved: track.moved || moving,
        stillMs: begins ? 0 : track.stillMs,
        movingSinceUs: begins ? sinceUs(track, frame.capturedAtUs, settings) : track.movingSinceUs,
      };
    });
  return { tracks: bounded(judged), nextTrack: after.nextTrack };
}

/**
 * Since when an object that proves to move does so: who has just come into view, since then; else since motion has
 * touched it, and not before it left its place if it stood still.
 */
function sinceUs(track: Track, atUs: number, settings: EventSettings): number {
  if (!track.moved && atUs - track.firstUs < settings.stillAfterMs * 1000) return track.firstUs;
  const touchedUs = track.touched?.sinceUs ?? atUs;
  if (track.stillMs < stillAfterMs(track, settings)) return touchedUs;
  return Math.max(touchedUs, track.leftRestUs ?? atUs);
}

/** Since when motion touches it, after one more sight. A pause of motion, which is never seen whole, is no end of it. */
function touchedAfter(before: Track['touched'], box: Box, frame: DetectionsMessage): Track['touched'] {
  const at = frame.capturedAtUs;
  const goesOn = before !== undefined && at - before.lastUs <= TOUCH_PAUSE_US;
  if (touchesMotion(box, frame.motionBoxes)) return { sinceUs: goesOn ? before.sinceUs : at, lastUs: at };
  return goesOn ? before : undefined;
}

export function aspectOf({ picture }: DetectionsMessage): number {
  return picture === undefined ? DEFAULT_ASPECT : picture.width / picture.height;
}

function looked(
  tracks: readonly Track[],
  frame: DetectionsMessage,
  { high, low }: { high: readonly DetectedObject[]; low: readonly DetectedObject[] },
  step: number,
  nextTrack: number,
): { tracks: Track[]; nextTrack: number } {
  const aspect = aspectOf(frame);
  // Where motion says nothing, or has not made up its mind, nothing is known to rest.
  const isKnown = frame.motion === 'moving' && frame.motionBoxes.length > 0;
  const rests = (box: Box): boolean => isKnown && isAtRest(box, frame.motionBoxes);
  const { pairs, unseen } = associate(tracks, high, low, step, aspect, rests);
  const seen = tracks.map((track, index) => {
    const sight = pairs.get(index);
    return sight === undefined
      ? { ...track, missedMs: track.missedMs + step }
      : hit(track, sight, frame, step, aspect);
  });
  const begun = unseen.map((sight, index) => begin(nextTrack + index, sight, frame, aspect));
  return { tracks: [...seen, ...begun], nextTrack: nextTrack + begun.length };
}

/** No look was taken at this frame: who was there stands still, who was gone stays gone, what stands is remembered. */
function rest(track: Track, step: number): Track {
  if (track.missedMs > 0) return track.moving ? { ...track, missedMs: track.missedMs + step } : track;
  return { ...track, stillMs: track.stillMs + step, kinematics: restKinematics(track.kinematics) };
}

function hit(
  track: Track,
  sight: DetectedObject,
  frame: DetectionsMessage,
  step: number,
  aspect: number,
): Track {
  const at = frame.capturedAtUs;
  const touched = touchedAfter(track.touched, sight.box, frame);
  const isElsewhere = touched !== undefined && isDisplaced(track.anchor, sight.box);
  // What was looked for in vain and is found elsewhere may be another: whether it moves is judged from there.
  const isFoundAgain = isElsewhere && !track.moving && track.missedMs > SEARCHED_MS;
  const displaced = isElsewhere && !isFoundAgain ? track.displaced + 1 : 0;
  const hasLeft = displaced >= DISPLACED_SIGHTS;
  const kept = track.moving
    ? track.anchor
    : isFoundAgain
      ? sight.box
      : anchorOf(track, sight.box, touched, at);
  const lastSight = sightingOf(sight, frame);
  return {
    ...track,
    votes: { ...track.votes, [sight.label]: (track.votes[sight.label] ?? 0) + 1 },
    box: sight.box,
    kinematics: updateKinematics(track.kinematics, sight.box, secondsSince(track, step), aspect),
    lastUs: at,
    hits: track.hits + 1,
    scores: [...track.scores, sight.score].slice(-SCORES_KEPT),
    firstSights:
      track.firstSights.length < FIRST_SIGHTS_KEPT ? [...track.firstSights, lastSight] : track.firstSights,
    lastSight,
    missedMs: 0,
    // A moving object's anchor goes with it; that of one that stands stays until it is sure that it moves.
    anchor: hasLeft && track.moving ? sight.box : kept,
    displaced: hasLeft && track.moving ? 0 : displaced,
    leftRestUs: isDisplaced(track.anchor, sight.box, REST_SHARE) ? (track.leftRestUs ?? at) : undefined,
    touched,
    covered: isCovered(sight.box, frame.motionBoxes) ? track.covered + 1 : 0,
    // One that stood still is judged by how long it did when it begins to move.
    stillMs: hasLeft && track.moving ? 0 : track.stillMs + step,
    best: sight.score > track.best.score ? { atUs: at, score: sight.score, box: sight.box } : track.best,
  };
}

/** Of an object that does not move: where motion has not touched it for a while, it is where it is seen. */
function anchorOf({ anchor, firstUs }: Track, now: Box, touched: Track['touched'], atUs: number): Box {
  const wasTouched = touched !== undefined || atUs - firstUs <= TOUCH_PAUSE_US;
  return wasTouched || !isDisplaced(anchor, now) ? drifted(anchor, now) : now;
}

function begin(id: number, sight: DetectedObject, frame: DetectionsMessage, aspect: number): Track {
  const at = frame.capturedAtUs;
  const lastSight = sightingOf(sight, frame);
  return {
    id,
    votes: { [sight.label]: 1 },
    box: sight.box,
    kinematics: beginKinematics(sight.box, aspect),
    firstUs: at,
    lastUs: at,
    hits: 1,
    scores: [sight.score],
    firstSights: [lastSight],
    lastSight,
    missedMs: 0,
    anchor: sight.box,
    displaced: 0,
    touched: touchedAfter(undefined, sight.box, frame),
    covered: isCovered(sight.box, frame.motionBoxes) ? 1 : 0,
    stillMs: 0,
    moving: false,
    moved: false,
    confirmed: false,
    movingSinceUs: at,
    best: { atUs: at, score: sight.score, box: sight.box },
    zones: {},
    lines: {},
  };
}

function sightingOf(sight: DetectedObject, frame: DetectionsMessage): Sighting {
  return { atUs: frame.capturedAtUs, seq: frame.seq, score: sight.score };
}

/** Seen often enough, well enough, and as something asked for. */
function isConfirmed(track: Track, settings: EventSettings, minMedianOf: (label: string) => number): boolean {
  const label = labelOf(track);
  return (
    track.hits >= settings.confirmHits &&
    settings.labels.includes(label) &&
    medianScore(track) >= minMedianOf(label)
  );
}

/** It has left its place; or it is what moves there: motion of its size covers it, soon after it came into view. */
function hasMoved(track: Track, settings: EventSettings): boolean {
  const isParked = track.stillMs >= settings.stillAfterMs;
  if (track.displaced >= (isParked ? PARKED_DISPLACED_SIGHTS : DISPLACED_SIGHTS)) return true;
  const isNew = !track.moved && track.lastUs - track.firstUs < stillAfterMs(track, settings) * 1000;
  return isNew && track.covered >= settings.confirmHits && track.missedMs === 0;
}

function stillAfterMs(track: Track, settings: EventSettings): number {
  return settings.stillAfterMsOf[labelOf(track)] ?? settings.stillAfterMs;
}

function isGone(track: Track, settings: EventSettings): boolean {
  if (track.missedMs === 0) return false;
  if (track.hits < settings.confirmHits) return track.missedMs >= TENTATIVE_MS;
  if (track.moving) return track.missedMs >= (track.confirmed ? settings.leftAfterMs : TENTATIVE_MS);
  // What has never moved is a thing, whatever a detector calls it.
  const ownMs = track.moved ? settings.rememberMsOf[labelOf(track)] : undefined;
  return track.missedMs >= (ownMs ?? settings.rememberMs);
}

function bounded(tracks: Track[]): Track[] {
  if (tracks.length <= TRACKS_KEPT) return tracks;
  const kept = new Set([...tracks].sort((a, b) => a.missedMs - b.missedMs).slice(0, TRACKS_KEPT));
  return tracks.filter((track) => kept.has(track));
}

/** The middle of the lower edge of a box: where an object stands. */
export function footOf([x, y, width, height]: Box): [number, number] {
  return [x + width / 2, y + height];
}
