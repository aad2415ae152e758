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
  /** The way its middle took since then, detours and all. */
  way: z.number(),
  firstUs: z.number(),
  seenUs: z.number(),
  hits: z.number(),
  /** When it last got on, and how often it did; 0 for never. */
  gotOnUs: z.number(),
  gains: z.number(),
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
}

/** A track is kept this long without a region. */
const LOST_US = 600_000;
/** Nothing that counts gets on by more of its own size a second; nearer is only what falls or flies. */
const SIZES_PER_SECOND = 3.5;
/** A thing has an outline: edges along this share of the box around it. */
const SHARP = 0.25;
/** What is left of a thing is not that thing: smaller than this share of it at its largest. */
const REST = 0.15;
const PEAK_US = 4_000_000;
/** Frames before a thing counts, and before a large one of so many cells does, one less. */
const HITS = 3;
const LARGE = 150;
const SMALL = 80;
/** More are asked for where much comes and goes, as in rain: chance joins what does not belong together. */
const MOST_MORE_HITS = 10;
/** Net way over all the way: leaves go to and fro, whoever walks gets on. */
const STRAIGHT = 0.65;
/** After this time without getting on, a beginning is made anew, so that a detour is forgiven. */
const AGAIN_US = 2_000_000;
/** Whoever stops but does not hold still counts this long for each time that it got on, and at most so long. */
const LINGER_US = 1_500_000;
const LONGEST_LINGER_US = 8_000_000;
/** Share of its cells that changed of late in what is there and alive; where someone stood nothing changes. */
const ALIVE = 0.05;

/**
 * Follows the regions of a frame: each goes to the track that it overlaps most, if it can have got there. Moving is what
 * has got on by more than its outline trembles, nearly straight, and what did so a moment ago and still changes.
 */
export function follow(
  before: readonly Track[],
  regions: readonly Region[],
  nowUs: number,
): { tracks: Track[]; judged: Judged[] } {
  const free = new Set(before);
  const clutter = Math.max(0, regions.filter(({ cells }) => cells < SMALL).length - 1);
  const judged = regions.map((region): Judged => {
    const match = best(free, region, nowUs);
    if (match === undefined) return { region, track: begun(region, nowUs), moving: false };
    free.delete(match);
    const continued = goneOn(match, region, nowUs, clutter);
    const lingerUs = Math.min(LONGEST_LINGER_US, LINGER_US * continued.gains);
    const moving = continued.gains > 0 && nowUs - continued.gotOnUs <= lingerUs && region.changing >= ALIVE;
    return { region, track: continued, moving };
  });
  const unseen = [...free].filter(({ seenUs }) => nowUs - seenUs <= LOST_US);
  const tracks = [...judged.map((entry) => entry.track), ...unseen].slice(0, 48);
  return { tracks, judged };
}

function begun(region: Region, nowUs: number): Track {
  const { left, top, right, bottom, cells, x, y } = region;
  const place = { left, top, right, bottom, cells, x, y, fromX: x, fromY: y };
  return {
    ...place,
    fromUs: nowUs,
    way: 0,
    firstUs: nowUs,
    seenUs: nowUs,
    hits: 1,
    gotOnUs: 0,
    gains: 0,
    peak: cells,
  };
}

function goneOn(track: Track, region: Region, nowUs: number, clutter: number): Track {
  const { left, top, right, bottom, cells, x, y } = region;
  const way = track.way + Math.hypot(x - track.x, y - track.y);
  const peak = Math.max(cells, track.peak * Math.exp(-(nowUs - track.seenUs) / PEAK_US));
  const next = {
    ...track,
    peak,
    left,
    top,
    right,
    bottom,
    cells,
    x,
    y,
    way,
    seenUs: nowUs,
    hits: track.hits + 1,
  };
  const net = Math.hypot(x - track.fromX, y - track.fromY);
  const narrow = Math.min(right - left, bottom - top) + 1;
  const needed = Math.max(1.2, 0.15 * narrow);
  const more = Math.min(MOST_MORE_HITS, clutter * (cells < SMALL ? 1 : 0.75));
  const hits = cells >= LARGE ? HITS - 1 : HITS + more;
  const anew = { fromX: x, fromY: y, fromUs: nowUs, way: 0, hits: 0 };
  if (net >= needed && net >= STRAIGHT * way && next.hits >= hits && region.sharp >= SHARP)
    return { ...next, ...anew, gotOnUs: nowUs, gains: track.gains + 1 };
  return nowUs - track.fromUs > AGAIN_US ? { ...next, ...anew } : next;
}

/** The track that a region continues. */
function best(tracks: ReadonlySet<Track>, region: Region, nowUs: number): Track | undefined {
  let [found, most]: [Track | undefined, number] = [undefined, 0];
  for (const track of tracks) {
    if (region.cells < REST * track.peak) continue;
    const size = Math.max(track.right - track.left, track.bottom - track.top) + 1;
    const reach = 1 + (SIZES_PER_SECOND * size * Math.min(500_000, nowUs - track.seenUs)) / 1e6;
    const across =
      Math.min(track.right + reach, region.right) - Math.max(track.left - reach, region.left) + 1;
    const down = Math.min(track.bottom + reach, region.bottom) - Math.max(track.top - reach, region.top) + 1;
    if (across <= 0 || down <= 0) continue;
    // What has got on before goes first, then what overlaps most.
    const overlap = across * down * (track.gotOnUs > 0 ? 4 : 1);
    if (overlap > most) [found, most] = [track, overlap];
  }
  return found;
}
