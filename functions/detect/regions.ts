import type { Box } from '@faascam/core/box';
import type { Rectangle } from './letterbox.ts';

interface Size {
  width: number;
  height: number;
}

/** Parts of a picture to look at, in its pixels. */
export interface Look {
  whole: boolean;
  regions: Rectangle[];
}

export const wholeOnly: Look = { whole: true, regions: [] };

export interface Scene {
  picture: Size;
  /** The model's input. */
  input: Size;
  /** Where something moves, and where objects were that moved lately; fractions of the picture. */
  movers: readonly Box[];
  known: readonly Box[];
  /** The whole picture has not been looked at for long enough. */
  wholeIsDue: boolean;
  /** The frame's number: where there are more regions than may be looked at, it says whose turn it is. */
  turn: number;
}

/** A look at a region that enlarges less than this over the whole picture tells nothing that the whole does not. */
const LEAST_GAIN = 1.33;
/**
 * What is longer than this in the model's input when it looks at the whole picture is seen well there: twice the side of
 * what COCO's evaluation calls small.
 */
const SEEN_WELL = 64;
/** Regions show what they are for at this length, where COCO's evaluation begins to call it large. */
const LARGE = 96;
/** What is smaller at the picture's own resolution is enlarged, at most so much: there is nothing more to see. */
const MOST_ENLARGED = 3;
/** A region shows surroundings on each side: this share of what it was made for. Detectors need them, and boxes grow. */
const SURROUNDINGS = 0.5;
/** At least so many pixels of surroundings. */
const LEAST_SURROUNDINGS = 16;

/**
 * What to look at in a frame. Small things get regions: parts of the picture of the shape of the model's input, at the
 * picture's own resolution, or enlarged where that is still too small, around what lies close together. The whole picture is looked at when it is due,
 * when something large moves, and when there are more regions than `most`.
 */
export function planLook(scene: Scene, most: number): Look {
  const { picture, input } = scene;
  const scale = scaleOf(picture, input);
  if (most === 0 || scale * LEAST_GAIN > 1) return wholeOnly;
  const isSmall = (box: Rectangle): boolean => Math.max(box.width, box.height) * scale < SEEN_WELL;
  const toPixels = (box: Box): Rectangle => inPixels(box, picture);
  const movers = scene.movers.map(toPixels);
  const known = scene.known.map(toPixels);
  const regions = clusters(movers.filter(isSmall), input, most).map((box) =>
    regionAround(box, picture, input),
  );
  // What moves and is known already lies in such a region.
  const others = known.filter((box) => isSmall(box) && !regions.some((region) => holds(region, box)));
  regions.push(...clusters(others, input, most).map((box) => regionAround(box, picture, input)));
  const worthIt = regions.filter((region) => scaleOf(region, input) >= LEAST_GAIN * scale);
  const seenAsWhole = [...movers, ...known].some((box) => !isSmall(box)) || worthIt.length < regions.length;
  const enough = worthIt.length > 0 && worthIt.length <= most && !seenAsWhole;
  return { whole: scene.wholeIsDue || !enough, regions: inTurn(worthIt, most, scene.turn) };
}

/** Overlapping parts of the model's size over a whole picture of which nothing is known; none where they gain nothing. */
export function tilesOver(picture: Size, input: Size, most = 24): Rectangle[] {
  if (scaleOf(picture, input) * LEAST_GAIN > 1) return [];
  for (let enlarged = 1; ; enlarged *= 1.1) {
    const width = Math.min(picture.width, Math.round(input.width * enlarged));
    const height = Math.min(picture.height, Math.round(input.height * enlarged));
    const lefts = offsets(picture.width, width);
    const tops = offsets(picture.height, height);
    if (lefts.length * tops.length > most) continue;
    return tops.flatMap((top) => lefts.map((left) => ({ left, top, width, height })));
  }
}

/** Where tiles begin that overlap by a quarter or more. */
function offsets(whole: number, tile: number): number[] {
  const steps = Math.ceil((whole - tile) / (tile * 0.75));
  return Array.from({ length: steps + 1 }, (_, step) =>
    steps === 0 ? 0 : Math.round((step * (whole - tile)) / steps),
  );
}

function scaleOf(part: Size, input: Size): number {
  return Math.min(input.width / part.width, input.height / part.height);
}

function inPixels([x, y, width, height]: Box, picture: Size): Rectangle {
  return {
    left: x * picture.width,
    top: y * picture.height,
    width: width * picture.width,
    height: height * picture.height,
  };
}

/** Boxes that one region shows. */
interface Cluster extends Rectangle {
  /** The longest side of any of them. */
  longest: number;
}

/**
 * Boxes joined as long as a region shows them as large as one of them alone; where that leaves more than `most`, as long as
 * they fit in one region at the picture's own resolution.
 */
function clusters(boxes: readonly Rectangle[], input: Size, most: number): Cluster[] {
  const near = joinNearest(
    boxes.map((box) => ({ ...box, longest: reachOf(box) })),
    (union, a, b) => shareFor(union, input) <= Math.max(shareFor(a, input), shareFor(b, input)),
  );
  return near.length <= most ? near : joinNearest(near, (union) => shareFor(union, input) <= 1);
}

/** Boxes joined, the nearest first, as long as the union may be. */
function joinNearest(
  boxes: readonly Cluster[],
  mayBe: (union: Cluster, a: Cluster, b: Cluster) => boolean,
): Cluster[] {
  const joined = [...boxes];
  for (;;) {
    let best: { first: number; second: number; union: Cluster } | undefined;
    for (let first = 0; first < joined.length; first++) {
      for (let second = first + 1; second < joined.length; second++) {
        const [a, b] = [joined[first], joined[second]];
        if (a === undefined || b === undefined) continue;
        const union = unionOf(a, b);
        if (!mayBe(union, a, b)) continue;
        if (best === undefined || reachOf(union) < reachOf(best.union)) best = { first, second, union };
      }
    }
    if (best === undefined) return joined;
    joined.splice(best.second, 1);
    joined[best.first] = best.union;
  }
}

/** The size of the region for a box, in inputs of the model: 1 is the picture's own resolution. */
function shareFor(box: Cluster, input: Size): number {
  const wanted = withSurroundings(box);
  const wellSeen = Math.max(1 / MOST_ENLARGED, Math.min(1, box.longest / LARGE));
  return Math.max(wellSeen, wanted.width / input.width, wanted.height / input.height);
}

function reachOf({ width, height }: Rectangle): number {
  return Math.max(width, height);
}

function unionOf(a: Cluster, b: Cluster): Cluster {
  const left = Math.min(a.left, b.left);
  const top = Math.min(a.top, b.top);
  const right = Math.max(a.left + a.width, b.left + b.width);
  const bottom = Math.max(a.top + a.height, b.top + b.height);
  return { left, top, width: right - left, height: bottom - top, longest: Math.max(a.longest, b.longest) };
}

function withSurroundings({ width, height }: Size): Size {
  return {
    width: width + 2 * Math.max(LEAST_SURROUNDINGS, width * SURROUNDINGS),
    height: height + 2 * Math.max(LEAST_SURROUNDINGS, height * SURROUNDINGS),
  };
}

/** A part of the input's shape with the box in its middle, as far as the picture reaches; so large that it is seen well. */
function regionAround(box: Cluster, picture: Size, input: Size): Rectangle {
  const share = shareFor(box, input);
  const width = Math.min(picture.width, Math.round(input.width * share));
  const height = Math.min(picture.height, Math.round(input.height * share));
  const left = Math.round(box.left + box.width / 2 - width / 2);
  const top = Math.round(box.top + box.height / 2 - height / 2);
  return {
    left: Math.max(0, Math.min(picture.width - width, left)),
    top: Math.max(0, Math.min(picture.height - height, top)),
    width,
    height,
  };
}

function holds(region: Rectangle, box: Rectangle): boolean {
  return (
    box.left >= region.left &&
    box.top >= region.top &&
    box.left + box.width <= region.left + region.width &&
    box.top + box.height <= region.top + region.height
  );
}

/** `most` of the regions, others in the next frame. */
function inTurn(regions: readonly Rectangle[], most: number, turn: number): Rectangle[] {
  if (regions.length <= most) return [...regions];
  const first = (turn * most) % regions.length;
  return [...regions, ...regions].slice(first, first + most);
}
