import { z } from 'zod';
import type { Region } from './regions.ts';

/** Something in the foreground, followed over frames; places in cells. */
export const track = z.object({
  left: z.number(),
  top: z.number(),
  right: z.number(),
  bottom: z.number(),
  cells: z.number(),
  /** Its middle now, and where it was when `fromUs` was set. */
  x: z.number(),
  y: z.number(),
  fromX: z.number(),
  fromY: z.number(),
  fromUs: z.number(),
  /** Its first and last column and row at that time. */
  fromBox: z.tuple([z.number(), z.number(), z.number(), z.number()]),
  /** The way its middle took since then, detours and all. */
  way: z.number(),
  firstUs: z.number(),
  seenUs: z.number(),
  hits: z.number(),
  /** In how many frames it was seen altogether. */
  frames: z.number(),
  /** When it last got on as far as anything; 0 for never. */
  gotOnUs: z.number(),
  /** When it last got on as far as it must where it is, and how often it did; 0 for never. */
  movedUs: z.number(),
  gains: z.number(),
  /** How far it has got on altogether, in widths of its own. */
  far: z.number(),
  /** When something of it last changed. */
  aliveUs: z.number(),
  /** For how many frames it has looked like the place that something left. */
  empty: z.number(),
  /** The most cells that it had; forgotten slowly. */
  peak: z.number(),
});
export type Track = z.infer<typeof track>;

/** A region and what its track makes of it. */
export interface Judged {
  region: Region;
  track: Track;
  /** It is something that moves; else it is new, or it is light, leaves, rain or what stands still. */
  moving: boolean;
  /** It is a place that something has left. */
  ghost: boolean;
  /** It is someone who may get on again: not yet to be learned. */
  someone: boolean;
}

/** The frame's time, that of the frame before, when learning began, when the light last changed, and the least size of what counts. */
export interface Now {
  nowUs: number;
  lastUs: number;
  startUs: number;
  litUs: number;
  minCells: number;
}

/**
 * A track is kept this long without a region; one that has not got on yet, that long. Where frames are fewer, as when some
 * are dropped, it is kept over the frame after its last, unless that is much later.
 */
const LOST_US = 600_000;
const LOST_NEW_US = 350_000;
const LOST_FRAME_US = 1_500_000;
/** Nothing that counts gets on by more of its own size a second; nearer is only what falls or flies. */
const SIZES_PER_SECOND = 3.5;
/** A thing has an outline: edges along this share of the box around it. */
const SHARP = 0.25;
/**
 * What is new has at least this share of the cells that it had a frame ago, or at most so many times as many: a frame of
 * five a second. Whoever comes in grows by more until a later one.
 */
const LEAST_ALIKE = 0.35;
const ALIKE_US = 200_000;
const LONGEST_ALIKE_US = 600_000;
/** What is longer than this for its width is a thread, a streak or an edge. */
const SLENDER = 5;
/** And what fills less than this of the box around it is a bent one. */
const FULL = 0.2;
/** What is left of a thing is not that thing: smaller than this share of it at its largest. */
const REST = 0.15;
const PEAK_US = 12_000_000;
/** Frames before a thing counts, and before a large one of so many cells does, one less. */
const HITS = 3;
const LARGE = 60;
/**
 * More are asked for where much comes and goes, as in rain: chance joins what does not belong together. So many more for
 * each other thing of fewer than `SMALL` cells in the frame, and in a place as restless as can be, and at most.
 */
const CLUTTER_HITS = 1;
const SMALL = 80;
const RESTLESS_HITS = 10;
const MOST_MORE_HITS = 10;
/** And a longer way, in sizes of its own, in a place as restless as can be. */
const RESTLESS_WAY = 1.5;
/** And both of its sides must have got on by this share of it. */
const BROUGHT_ALONG = 0.6;
/** And this share of it at its largest must still be there, where it is not calm: what falls to pieces does not get on. */
const WHOLE = 0.5;
const WHOLE_RISES = 1.6;
/** But less is asked of what is large, and nothing of what is of so many cells: no bush sways as one, nor does rain fall so. */
export const HUGE = 300;
/** The least way of what gets on, in sizes of its own and in cells. */
const LEAST_WAY = 0.1;
const LEAST_CELLS = 1.2;
/** Net way over all the way: leaves go to and fro, whoever walks gets on. Less is asked of who got on by his own size. */
const STRAIGHT = 0.65;
const STRAIGHT_FAR = 0.4;
/** After this time without getting on, a beginning is made anew, so that a detour is forgiven. */
const AGAIN_US = 2_000_000;
/** Nothing counts as moving before the camera's own flicker is known. */
const BLIND_US = 1_600_000;
/** Whoever stops but does not hold still counts this long for each time that it got on, and at most so long. */
const LINGER_US = 1_500_000;
const LONGEST_LINGER_US = 8_000_000;
/** What has got on by so many sizes of its own is someone, and moves as long as it lives, within reason. */
const SOMEONE = 0.75;
const SOMEONE_LINGERS_US = 60_000_000;
/** But only as long as this share of it can be seen, and where it is calm, or as large as no leaf or flake: in cells. */
const MUCH = 0.3;
const CALM = 0.1;
const BIG = 150;
/** Where it is as restless as this nothing else lingers. */
const RESTLESS = 0.3;
/** For how long someone may hold still and yet live. */
const HOLDS_STILL_US = 3_000_000;
/** And for how long it is not learned as part of the background. */
const STAYS_SOMEONE_US = 10_000_000;
/** Share of its cells that changed of late in what is there and alive; where someone stood nothing changes. */
const ALIVE = 0.03;
/** Along a ghost's outline the background is steeper than the picture by this factor, and steep at all. */
const GHOST_STEEPER = 1.4;
const STEEP = 3;
/** Or so much of it looks as it did before something came to stand there. */
const UNCOVERED = 0.6;
/** Frames in which it must look so, and how much of one a frame counts in which something of it changed. */
const GHOST_FRAMES = 2;
const ALIVE_EMPTY = 0.15;

/**
 * Follows the regions of a frame: each goes to the track that it overlaps most, if it can have got there. Moving is what
 * has got on by more than its outline trembles, nearly straight, and what did so a moment ago and still changes. A place
 * that something has left is known by its outline, which the background has and the picture lacks (the idea is that of
 * Cucchiara, Grana, Piccardi and Prati, "Detecting moving objects, ghosts, and shadows in video streams", IEEE PAMI 2003,
 * who tell ghosts by their lack of motion), and by what was there before.
 */
export function follow(
  before: readonly Track[],
  regions: readonly Region[],
  { nowUs, lastUs, startUs, litUs, minCells }: Now,
): { tracks: Track[]; judged: Judged[] } {
  const free = new Set(before);
  const clutter = Math.max(0, regions.filter(({ cells }) => cells >= minCells && cells < SMALL).length - 1);
  const judged = regions.map((region): Judged => {
    const match = best(free, region, nowUs, lastUs);
    if (match === undefined)
      return { region, track: begun(region, nowUs), moving: false, ghost: false, someone: false };
    free.delete(match);
    const continued = goneOn(match, region, nowUs, clutter, nowUs - startUs < BLIND_US);
    const ghost = continued.empty >= GHOST_FRAMES;
    // What was followed before the light changed is known already.
    const sinceUs = continued.firstUs < litUs ? startUs : Math.max(startUs, litUs);
    const known = continued.movedUs - sinceUs >= BLIND_US && continued.peak >= minCells;
    const moving = known && !ghost && isMoving(continued, region, nowUs);
    const someone = !ghost && continued.far >= SOMEONE && nowUs - continued.aliveUs <= STAYS_SOMEONE_US;
    return { region, track: continued, moving, ghost, someone };
  });
  const unseen = [...free].filter(({ seenUs, gains }) => {
    const patienceUs = gains > 0 ? LOST_US : LOST_NEW_US;
    return nowUs - seenUs <= (seenUs === lastUs ? LOST_FRAME_US : patienceUs);
  });
  const tracks = [...judged.map((entry) => entry.track), ...unseen].slice(0, 48);
  return { tracks, judged };
}

function isMoving({ gains, movedUs, aliveUs, far, peak }: Track, region: Region, nowUs: number): boolean {
  if (gains === 0) return false;
  const someone =
    far >= SOMEONE && region.cells >= MUCH * peak && (region.cells >= BIG || region.restless < CALM);
  const lingerUs = someone ? SOMEONE_LINGERS_US : Math.min(LONGEST_LINGER_US, LINGER_US * gains);
  const calm = Math.max(0, 1 - region.restless / RESTLESS);
  return (
    nowUs - movedUs <= lingerUs * (someone ? 1 : calm) && nowUs - aliveUs <= (someone ? HOLDS_STILL_US : 0)
  );
}

function begun(region: Region, nowUs: number): Track {
  const { left, top, right, bottom, cells, x, y } = region;
  return {
    ...{ left, top, right, bottom, cells, x, y, ...begunAgain(region, nowUs) },
    ...{
      firstUs: nowUs,
      seenUs: nowUs,
      hits: 1,
      frames: 1,
      gotOnUs: 0,
      movedUs: 0,
      gains: 0,
      far: 0,
      aliveUs: nowUs,
      empty: 0,
    },
    peak: cells,
  };
}

function goneOn(track: Track, region: Region, nowUs: number, clutter: number, blind: boolean): Track {
  const { left, top, right, bottom, cells, x, y, restless } = region;
  const way = track.way + Math.hypot(x - track.x, y - track.y);
  const peak = Math.max(cells, track.peak * Math.exp(-(nowUs - track.seenUs) / PEAK_US));
  const empty = looksEmpty(region) ? track.empty + (region.changing < ALIVE ? 1 : ALIVE_EMPTY) : 0;
  const aliveUs = region.changing >= ALIVE ? nowUs : track.aliveUs;
  const next = {
    ...track,
    ...{ left, top, right, bottom, cells, x, y, way, peak, empty, aliveUs },
    seenUs: nowUs,
    hits: track.hits + 1,
    frames: track.frames + 1,
  };
  // The middle of what comes in at the border gets on half as fast as it does.
  const net = Math.hypot(x - track.fromX, y - track.fromY) * (region.cut ? 2 : 1);
  // Between its width and its height: a thread that sways is as long as it is thin.
  const size = Math.sqrt((right - left + 1) * (bottom - top + 1));
  const more = CLUTTER_HITS * clutter * (cells < SMALL ? 1 : 0.75);
  const needed = { way: Math.max(LEAST_CELLS, LEAST_WAY * size), hits: cells >= LARGE ? HITS - 1 : HITS };
  const straight =
    net >= (net > size ? STRAIGHT_FAR : STRAIGHT) * way * (region.cut ? 2 : 1) && region.sharp >= SHARP;
  if (!straight || net < needed.way || next.hits < needed.hits + Math.min(MOST_MORE_HITS, more))
    return nowUs - track.fromUs > AGAIN_US ? { ...next, ...begunAgain(region, nowUs) } : next;
  // How restless it is where it is, is not known at first.
  const strict = track.gains > 0 ? 0 : blind ? 1 : restless * Math.max(0, 1 - cells / HUGE);
  const enough =
    net >= needed.way + RESTLESS_WAY * strict * size &&
    next.hits >= needed.hits + Math.min(MOST_MORE_HITS, more + RESTLESS_HITS * strict) &&
    region.slender <= SLENDER &&
    broughtAlong(track, region) >= BROUGHT_ALONG * strict &&
    cells >= Math.min(WHOLE, WHOLE_RISES * strict) * peak &&
    cells >= FULL * (right - left + 1) * (bottom - top + 1);
  if (!enough) return { ...next, gotOnUs: nowUs };
  const far = track.far + net / size;
  return {
    ...next,
    ...begunAgain(region, nowUs),
    ...{ gotOnUs: nowUs, movedUs: nowUs, gains: track.gains + 1, far },
  };
}

/**
 * By how much of its way the slower of a region's two sides got on: what only grows, shrinks or falls to pieces takes its
 * middle along, but not both sides. What is outside of the picture is not known.
 */
function broughtAlong({ fromX, fromY, fromBox }: Track, region: Region): number {
  const [fromLeft, fromTop, fromRight, fromBottom] = fromBox;
  const [across, down] = [region.x - fromX, region.y - fromY];
  const [way, first, last] =
    Math.abs(across) >= Math.abs(down)
      ? [across, region.left - fromLeft, region.right - fromRight]
      : [down, region.top - fromTop, region.bottom - fromBottom];
  if (region.cut) return 1;
  return Math.min(first / way, last / way);
}

function begunAgain(
  { x, y, left, top, right, bottom }: Region,
  nowUs: number,
): Pick<Track, 'fromX' | 'fromY' | 'fromBox' | 'fromUs' | 'way' | 'hits'> {
  return { fromX: x, fromY: y, fromBox: [left, top, right, bottom], fromUs: nowUs, way: 0, hits: 0 };
}

function looksEmpty({ steepHere, steepBehind, uncovered }: Region): boolean {
  if (uncovered >= UNCOVERED) return true;
  return steepBehind >= STEEP && steepBehind > GHOST_STEEPER * steepHere;
}

/** The track that a region continues. */
function best(tracks: ReadonlySet<Track>, region: Region, nowUs: number, lastUs: number): Track | undefined {
  let [found, most]: [Track | undefined, number] = [undefined, 0];
  for (const track of tracks) {
    if (region.cells < REST * track.peak) continue;
    const size = Math.max(track.right - track.left, track.bottom - track.top) + 1;
    const reach = 1 + (SIZES_PER_SECOND * size * Math.min(500_000, nowUs - track.seenUs)) / 1e6;
    const across =
      Math.min(track.right + reach, region.right) - Math.max(track.left - reach, region.left) + 1;
    const down = Math.min(track.bottom + reach, region.bottom) - Math.max(track.top - reach, region.top) + 1;
    if (across <= 0 || down <= 0 || !likely(track, region, nowUs)) continue;
    const overlap = overlapOf(track, region);
    // What was lost is found again where it was: anywhere near there is always something in the rain.
    if (overlap === 0 && track.seenUs < lastUs && region.restless >= CALM) continue;
    // What has got on before goes first, unless something else was just there.
    const score = overlap + (track.gains > 0 ? 0.4 : 0) + 0.01;
    if (score > most) [found, most] = [track, score];
  }
  return found;
}

type Bounds = Pick<Region, 'left' | 'top' | 'right' | 'bottom'>;

/** Intersection over union of the boxes around both. */
function overlapOf(a: Bounds, b: Bounds): number {
  const across = Math.min(a.right, b.right) - Math.max(a.left, b.left) + 1;
  const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) + 1;
  if (across <= 0 || down <= 0) return 0;
  const areaOf = ({ left, top, right, bottom }: Bounds): number => (right - left + 1) * (bottom - top + 1);
  return (across * down) / (areaOf(a) + areaOf(b) - across * down);
}

/**
 * The same thing is of about the same size, and near where it was; less is asked of what is known to move, and is still
 * there in part.
 */
function likely(track: Track, region: Region, nowUs: number): boolean {
  const leeway = track.gains > 0 && overlapOf(track, region) > 0 ? 2 : 1;
  const ratio = (region.cells * leeway) / track.cells;
  const elapsedUs = Math.min(LONGEST_ALIKE_US, nowUs - track.seenUs);
  const alike = LEAST_ALIKE ** Math.max(1, elapsedUs / ALIKE_US);
  if (ratio < alike || ratio > (leeway * leeway) / alike) return false;
  const size = Math.max(track.right - track.left, track.bottom - track.top) + 1;
  const reach = 1.5 + (SIZES_PER_SECOND * size * Math.min(500_000, nowUs - track.seenUs)) / 1e6;
  return Math.hypot(region.x - track.x, region.y - track.y) <= leeway * reach;
}
