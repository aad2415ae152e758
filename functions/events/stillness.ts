import { areaOf, intersection, iou, type Box } from '@faascam/core/box';

/** Moved: by this share of the box. */
const MOVED_SHARE = 0.2;
/** Motion in a larger region than so many of the object's own is of the light, or of something else. */
const OWN_MOTION_SIZES = 4;
/** How much of an object must lie where something moves, for the motion to be its own; and to touch it. */
const COVERED_SHARE = 0.5;
const TOUCHED_SHARE = 0.1;
/** What stands still drifts with the light by small parts of itself; this much of it is taken up at each sight. */
const DRIFT_BLEND = 0.05;
const DRIFT_IOU = 0.7;
/** Longer by so much on one axis, and by no more than that (as a logarithm) on the other: it was hidden in part. */
const UNCOVERED_GROWTH = 1.25;
const SAME_GROWTH = 0.15;

/**
 * Whether a box has left where it was. Something that passes in front of an object, or stops doing so, moves one edge of
 * its box, or two that are not opposite; an object that moves shifts opposite edges together, and one that comes or goes
 * changes its width and height alike.
 */
export function isDisplaced(anchor: Box, now: Box, share = MOVED_SHARE): boolean {
  const across = shift(anchor[0], anchor[2], now[0], now[2]);
  const down = shift(anchor[1], anchor[3], now[1], now[3]);
  if (Math.abs(across) > share || Math.abs(down) > share) return true;
  const wider = Math.log(now[2] / Math.max(1e-6, anchor[2]));
  const higher = Math.log(now[3] / Math.max(1e-6, anchor[3]));
  return wider * higher > 0 && Math.min(Math.abs(wider), Math.abs(higher)) > 1.5 * share;
}

/** By how much of its length an interval was shifted as a whole: what its two ends have in common. */
function shift(from: number, length: number, nowFrom: number, nowLength: number): number {
  const start = nowFrom - from;
  const end = nowFrom + nowLength - from - length;
  if (start * end <= 0) return 0;
  const common = Math.min(Math.abs(start), Math.abs(end));
  // In parts of the whole, so that half of an object that trembles has not moved by half.
  return common / Math.max(1e-6, length, nowLength);
}

/** Whether motion of about the object's own size covers most of it: then it is the object that moves. */
export function isCovered(box: Box, motionBoxes: readonly Box[]): boolean {
  const area = areaOf(box);
  const own = motionBoxes.filter((motion) => areaOf(motion) <= OWN_MOTION_SIZES * area);
  return shareIn(box, own) >= COVERED_SHARE;
}

/** Whether at least a tenth of the box lies where something moves. */
export function touchesMotion(box: Box, motionBoxes: readonly Box[]): boolean {
  return shareIn(box, motionBoxes) >= TOUCHED_SHARE;
}

/** Whether most of the box lies where nothing moves: no object has just gone there. */
export function isAtRest(box: Box, motionBoxes: readonly Box[]): boolean {
  return shareIn(box, motionBoxes) < COVERED_SHARE;
}

function shareIn(box: Box, motionBoxes: readonly Box[]): number {
  const shared = motionBoxes.reduce((sum, motion) => sum + intersection(box, motion), 0);
  return shared / Math.max(1e-9, areaOf(box));
}

/**
 * The anchor of something that does not move after one more sight: as light and detector drift, so does it; and when more
 * of it comes out from behind something, on one axis alone, it was larger all along.
 */
export function drifted(anchor: Box, now: Box): Box {
  if (isUncovered(anchor, now)) return now;
  if (iou(anchor, now) < DRIFT_IOU) return anchor;
  const blend = (side: 0 | 1 | 2 | 3): number => anchor[side] + DRIFT_BLEND * (now[side] - anchor[side]);
  return [blend(0), blend(1), blend(2), blend(3)];
}

function isUncovered(anchor: Box, now: Box): boolean {
  const [wider, higher] = [now[2] / Math.max(1e-6, anchor[2]), now[3] / Math.max(1e-6, anchor[3])];
  const [more, same] = wider > higher ? [wider, higher] : [higher, wider];
  const isOneSided = more > UNCOVERED_GROWTH && Math.abs(Math.log(same)) < SAME_GROWTH;
  return isOneSided && intersection(anchor, now) >= DRIFT_IOU * areaOf(anchor);
}
