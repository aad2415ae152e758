import { areaOf, clampBox, intersection, iou } from '@faascam/core/box';
/** Labels that detectors confuse on one and the same thing: a track may be seen as any of its family. */
const families = [
  new Set(['car', 'truck', 'bus']),
  new Set(['bicycle', 'motorcycle']),
  new Set(['dog', 'cat']),
];
/** A silence longer than this counts as this much: an idle camera's one frame a second, with room. */
const MAX_STEP_MS = 1500;
const SCORES_KEPT = 45;
/** A track seen fewer times than it takes to count is given up this soon. */
const TENTATIVE_MS = 1000;
/** An object that stood still is remembered this long, so that a detector's blinking does not tell it anew. */
const STILL_MEMORY_MS = 120_000;
/** Moved: the centre by this share of the box, or so much of its size gained or lost. */
const MOVED_SHARE = 0.2;
/**
 * Follows the objects of one frame: each detection goes to the track whose predicted box fits it best, one to one
 * (after Bewley et al., "Simple online and realtime tracking", arXiv:1602.00763, with greedy instead of optimal
 * assignment and a centre distance for small, fast objects). Answers the tracks after the frame, and those that were
 * given up. `elapsedMs` is the time since the frame before.
 */
export function follow(tracks, frame, elapsedMs, settings, nextTrack) {
  const step = Math.min(MAX_STEP_MS, elapsedMs);
  if (!frame.inferred) {
    const aged = tracks.map((track) => rest(track, step));
    return { tracks: aged.filter((track) => !isGone(track, settings)), nextTrack };
  }
  const pairs = assign(tracks, frame.objects, Math.min(MAX_STEP_MS, elapsedMs) / 1000);
  const seen = tracks.map((track, index) => {
    const object = pairs.get(index);
    return object === undefined ? miss(track, step) : hit(track, object, frame, step);
  });
  const taken = new Set(pairs.values());
  const begun = frame.objects
    .filter((object) => !taken.has(object))
    .map((object, index) => begin(nextTrack + index, object, frame));
  return {
    tracks: [...seen.filter((track) => !isGone(track, settings)), ...begun].map((track) =>
      judge(track, settings),
    ),
    nextTrack: nextTrack + begun.length,
  };
}
/** The label that the track was seen as most often. */
export function labelOf(track) {
  let best = '';
  let most = 0;
  for (const [label, votes] of Object.entries(track.votes)) {
    if (votes > most) [best, most] = [label, votes];
  }
  return best;
}
export function medianScore(track) {
  const sorted = [...track.scores].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}
/** The track, confirmed when it was seen often enough, well enough, and as something asked for. */
function judge(track, settings) {
  const confirmed =
    track.confirmed ||
    (track.hits >= settings.confirmHits &&
      medianScore(track) >= settings.minMedianScore &&
      settings.labels.includes(labelOf(track)));
  return confirmed === track.confirmed ? track : { ...track, confirmed };
}
function isGone(track, settings) {
  if (track.missedMs === 0) return false;
  if (!track.moving) return track.missedMs >= STILL_MEMORY_MS;
  const patience = track.confirmed ? settings.leftAfterMs : TENTATIVE_MS;
  return track.missedMs >= patience;
}
/** No look was taken at this frame: who was there stands still, who was gone stays gone. */
function rest(track, step) {
  return track.missedMs > 0
    ? { ...track, missedMs: track.missedMs + step }
    : { ...track, stillMs: track.stillMs + step };
}
function miss(track, step) {
  return { ...track, missedMs: track.missedMs + step };
}
function hit(track, object, frame, step) {
  const at = frame.capturedAtUs;
  const seconds = Math.max(0.02, (at - track.lastUs) / 1_000_000);
  const [x, y] = centreOf(object.box);
  const [lastX, lastY] = centreOf(track.box);
  const blend = 0.5;
  const velocity = [
    track.velocity[0] + blend * ((x - lastX) / seconds - track.velocity[0]),
    track.velocity[1] + blend * ((y - lastY) / seconds - track.velocity[1]),
  ];
  const moved = hasMoved(track.anchor, object.box) && touchesMotion(object.box, frame.motionBoxes);
  return {
    ...track,
    votes: { ...track.votes, [object.label]: (track.votes[object.label] ?? 0) + 1 },
    box: object.box,
    velocity,
    lastUs: at,
    hits: track.hits + 1,
    scores: [...track.scores, object.score].slice(-SCORES_KEPT),
    missedMs: 0,
    anchor: moved ? object.box : track.anchor,
    movedUs: moved ? at : track.movedUs,
    stillMs: moved ? 0 : track.stillMs + step,
    moving: track.moving || moved,
    movingSinceUs: moved && !track.moving ? at : track.movingSinceUs,
    best: object.score > track.best.score ? { atUs: at, score: object.score, box: object.box } : track.best,
  };
}
function begin(id, object, frame) {
  const at = frame.capturedAtUs;
  return {
    id,
    votes: { [object.label]: 1 },
    box: object.box,
    velocity: [0, 0],
    firstUs: at,
    lastUs: at,
    hits: 1,
    scores: [object.score],
    missedMs: 0,
    anchor: object.box,
    movedUs: at,
    stillMs: 0,
    moving: touchesMotion(object.box, frame.motionBoxes),
    movingSinceUs: at,
    confirmed: false,
    best: { atUs: at, score: object.score, box: object.box },
  };
}
/** Detections by index of the track that each goes to. */
function assign(tracks, objects, seconds) {
  const fits = [];
  for (const [index, track] of tracks.entries()) {
    const predicted = predict(track, seconds);
    for (const object of objects) {
      if (!sameFamily(labelOf(track), object.label)) continue;
      const fit = Math.max(fitOf(predicted, object.box), fitOf(track.box, object.box));
      if (fit > 0) fits.push({ index, object, fit: fit + (track.moving ? 0 : 0.01) });
    }
  }
  fits.sort((a, b) => b.fit - a.fit);
  const pairs = new Map();
  const taken = new Set();
  for (const { index, object } of fits) {
    if (pairs.has(index) || taken.has(object)) continue;
    pairs.set(index, object);
    taken.add(object);
  }
  return pairs;
}
/** How well two boxes fit, 0 (not at all) to 2: overlap, or else nearness in units of their size. */
function fitOf(a, b) {
  const overlap = iou(a, b);
  if (overlap >= 0.1) return 1 + overlap;
  const [ax, ay] = centreOf(a);
  const [bx, by] = centreOf(b);
  const distance = Math.hypot((ax - bx) / Math.max(a[2], b[2]), (ay - by) / Math.max(a[3], b[3]));
  const sizes = areaOf(a) / Math.max(1e-9, areaOf(b));
  return distance < 1.2 && sizes > 0.3 && sizes < 3.3 ? 1 - distance / 1.2 : 0;
}
function predict(track, seconds) {
  const ahead = Math.min(1, seconds + track.missedMs / 1000);
  return clampBox([
    track.box[0] + track.velocity[0] * ahead,
    track.box[1] + track.velocity[1] * ahead,
    track.box[2],
    track.box[3],
  ]);
}
function sameFamily(a, b) {
  return a === b || families.some((family) => family.has(a) && family.has(b));
}
function centreOf([x, y, width, height]) {
  return [x + width / 2, y + height / 2];
}
function hasMoved(anchor, now) {
  const [x, y] = centreOf(now);
  const [anchorX, anchorY] = centreOf(anchor);
  return (
    Math.abs(x - anchorX) > MOVED_SHARE * Math.max(anchor[2], now[2]) ||
    Math.abs(y - anchorY) > MOVED_SHARE * Math.max(anchor[3], now[3]) ||
    Math.abs(Math.log(areaOf(now) / Math.max(1e-9, areaOf(anchor)))) > 2 * MOVED_SHARE
  );
}
/** Whether at least a tenth of the box lies where something moves. */
function touchesMotion(box, motionBoxes) {
  const area = areaOf(box);
  return motionBoxes.reduce((sum, motion) => sum + intersection(box, motion), 0) >= 0.1 * area;
}
//# sourceMappingURL=tracker.js.map
