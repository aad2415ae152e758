import { intersection, iou, type Box } from '@faascam/core/box';
import type { DetectedObject } from '@faascam/core/messages';
import { assign } from './assignment.ts';
import { measured, predictBox, standingKinematics, unlikeliness, type Kinematics } from './kalman.ts';
import { labelOf, sameFamily } from './label.ts';
import type { Track } from './state.ts';

/**
 * How much more unlikely than something new anywhere in the picture a pair may be. In invented scenes anything from 2 to
 * 8 follows about as well.
 */
const RARELY_NEW = 4;
/** Least overlap with where it was last seen, when the prediction has failed: it stopped, turned, or was half hidden. */
const RECOVERY_IOU = 0.3;
/** With less overlap, what has not moved yet would have had to move. */
const SAME_PLACE_IOU = 0.1;
/** Least overlap for a sight of low score: it may be anything, unless it is just where the object must be. */
const LOW_SCORE_IOU = 0.5;
/** A sight that overlaps a taken one of its family by so much is the same object seen twice. */
const TWICE_IOU = 0.7;
/** Or that lies in it for the most part: a detector's box of a half. */
const TWICE_WITHIN = 0.9;

export interface Association {
  /** By the index of the track. */
  pairs: Map<number, DetectedObject>;
  /** Sights that began no track yet, and are not one seen twice. */
  unseen: DetectedObject[];
}

/**
 * Which sight is of which track, after ByteTrack (Zhang et al., ECCV 2022) and OC-SORT (Cao et al., CVPR 2023):
 * 1. sights by how likely each track would be seen there, all together at the least cost;
 * 2. what is left by its overlap with where the track was last seen, rather than where it was thought to have gone;
 * 3. confirmed tracks that are left take sights of low score just where they must be; those begin no track.
 *
 * `isAtRest` tells of a box that nothing moves there: what stood elsewhere has not gone there, a neighbour is seen.
 */
export function associate(
  tracks: readonly Track[],
  high: readonly DetectedObject[],
  low: readonly DetectedObject[],
  stepMs: number,
  aspect: number,
  isAtRest: (box: Box) => boolean,
): Association {
  const pairs = new Map<number, DetectedObject>();
  const rest = new Set(high);
  const secondsOf = (track: Track): number => secondsSince(track, stepMs);
  const stage = (
    indexes: readonly number[],
    sights: readonly DetectedObject[],
    costOf: (track: Track, box: Box) => number,
    limitOf: (track: Track) => number,
  ): void => {
    const rows = indexes.flatMap((index) => {
      const track = tracks[index];
      return track === undefined ? [] : [{ index, track, label: labelOf(track) }];
    });
    const costs = rows.map(({ track, label }) =>
      sights.map((sight) => (sameFamily(label, sight.label) ? costOf(track, sight.box) : Infinity)),
    );
    const columns = assign(costs, sights.length, (row) => {
      const track = rows[row]?.track;
      return track === undefined ? 0 : limitOf(track);
    });
    for (const [row, column] of columns.entries()) {
      const [index, sight] = [rows[row]?.index, sights[column]];
      if (index === undefined || sight === undefined) continue;
      pairs.set(index, sight);
      rest.delete(sight);
    }
  };
  const left = (): number[] => [...tracks.keys()].filter((index) => !pairs.has(index));

  stage(
    left(),
    high,
    (track, box) =>
      !track.moving && iou(track.box, box) < SAME_PLACE_IOU && isAtRest(box)
        ? Infinity
        : unlikeliness(kinematicsOf(track), box, secondsOf(track), aspect),
    (track) => {
      const { scale } = measured(track.box, aspect);
      return 2 * Math.log(aspect / (scale * scale)) + RARELY_NEW;
    },
  );
  stage(
    left(),
    [...rest],
    (track, box) => 1 - iou(track.box, box),
    () => 1 - RECOVERY_IOU,
  );
  stage(
    left().filter((index) => tracks[index]?.confirmed === true),
    low,
    (track, box) =>
      1 - Math.max(iou(predictBox(track.kinematics, secondsOf(track), aspect), box), iou(track.box, box)),
    () => 1 - LOW_SCORE_IOU,
  );
  const taken = [...pairs.values()];
  const unseen: DetectedObject[] = [];
  for (const sight of rest) {
    if (![...taken, ...unseen].some((other) => isTwice(other, sight))) unseen.push(sight);
  }
  return { pairs, unseen };
}

/** What stands still is expected where it was, however long a detector blinks; or it would take its neighbour's place. */
const STANDING_S = 0.2;
/** What is known for less may move before motion is sure of it. */
const STANDING_HITS = 3;
const YOUNG_US = 1_000_000;

function isStanding({ moving, hits, firstUs, lastUs }: Track): boolean {
  return !moving && hits >= STANDING_HITS && lastUs - firstUs >= YOUNG_US;
}

function kinematicsOf(track: Track): Kinematics {
  return isStanding(track) ? standingKinematics(track.kinematics) : track.kinematics;
}

/**
 * For how long an object has moved unseen, `stepMs` after the frame before: time that was watched. In frames that were
 * not looked at nothing moved.
 */
export function secondsSince(track: Track, stepMs: number): number {
  const seconds = (track.missedMs + stepMs) / 1000;
  return isStanding(track) ? Math.min(STANDING_S, seconds) : seconds;
}

function isTwice(one: DetectedObject, other: DetectedObject): boolean {
  if (!sameFamily(one.label, other.label)) return false;
  if (iou(one.box, other.box) >= TWICE_IOU) return true;
  const [, , width, height] = other.box;
  const sizes = (one.box[2] * one.box[3]) / Math.max(1e-9, width * height);
  return sizes < 3 && intersection(one.box, other.box) >= TWICE_WITHIN * width * height;
}
