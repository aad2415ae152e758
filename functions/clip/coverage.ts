import type { Gap } from '@faascam/core/messages';

/** From `fromUs` up to, and without, `toUs`. */
export interface Span {
  fromUs: number;
  toUs: number;
}

/** What is left of a span without the others, in order of time. */
export function without(span: Span, others: Span[]): Span[] {
  const left: Span[] = [];
  let { fromUs } = span;
  for (const other of [...others].sort((a, b) => a.fromUs - b.fromUs)) {
    if (other.toUs <= fromUs) continue;
    if (other.fromUs >= span.toUs) break;
    if (other.fromUs > fromUs) left.push({ fromUs, toUs: other.fromUs });
    fromUs = Math.max(fromUs, other.toUs);
  }
  if (fromUs < span.toUs) left.push({ fromUs, toUs: span.toUs });
  return left;
}

/** A segment's pictures: when each was captured, in order of time, and when the last one ends. */
export interface Pictures {
  atUs: ArrayLike<number>;
  endUs: number;
}

/** The least that is a hole: a camera at one picture a second may leave one out. */
const SHORTEST_HOLE_US = 2_000_000;

/** How far apart a clip's pictures usually are, across its segments too: the median. 0 if there is only one. */
export function usualIntervalUs(segments: Pictures[]): number {
  const times = segments.flatMap(({ atUs }) => Array.from(atUs)).sort((a, b) => a - b);
  return medianIntervalUs(times);
}

function medianIntervalUs(times: ArrayLike<number>): number {
  const intervals = Array.from(times, (time, index) => time - (times[index - 1] ?? time)).slice(1);
  intervals.sort((a, b) => a - b);
  return intervals[(intervals.length - 1) >> 1] ?? 0;
}

/**
 * What segments deliver: each from its first picture to its last one's end, but for holes in which far more pictures
 * are missing than a camera leaves out. Pictures may come slowly, and more slowly in one segment than in the others (by night):
 * four of the clip's usual intervals, or of the segment's own, are no hole yet.
 */
export function deliveredBy(segments: Pictures[]): Span[] {
  const clipUsualUs = usualIntervalUs(segments);
  return segments.flatMap(({ atUs, endUs }) => {
    // Of two pictures alone nobody can tell how far apart they should be.
    const ownUsualUs = atUs.length > 2 ? medianIntervalUs(atUs) : 0;
    const holeUs = Math.max(SHORTEST_HOLE_US, 4 * clipUsualUs, 4 * ownUsualUs);
    const spans: Span[] = [];
    let fromUs = atUs[0] ?? endUs;
    for (let index = 1; index < atUs.length; index++) {
      const [before = 0, at = 0] = [atUs[index - 1], atUs[index]];
      if (at - before <= holeUs) continue;
      spans.push({ fromUs, toUs: before + Math.max(clipUsualUs, ownUsualUs) });
      fromUs = at;
    }
    return [...spans, { fromUs, toUs: endUs }];
  });
}

/**
 * What may be missing between footage without being a gap: two intervals between pictures. The longest that there was
 * counts, for a camera whose pictures come unevenly, but not a freeze.
 */
export function toleranceUsOf(clip: { longestIntervalUs: number; usualIntervalUs: number }): number {
  const { longestIntervalUs, usualIntervalUs } = clip;
  const longestUs = Math.max(longestIntervalUs, usualIntervalUs);
  return Math.min(2 * longestUs, Math.max(SHORTEST_HOLE_US, 2 * usualIntervalUs));
}

/**
 * What the receipt says is missing of the requested window: the agent's gaps as it gave them; segments that are
 * `damaged`; and any time longer than `toleranceUs` that neither footage nor a gap accounts for, of which the likely
 * cause is that no picture came. So no footage is missing in silence, whatever the agent said.
 */
export function gapsOf(values: {
  requested: Span;
  delivered: Span[];
  declared: Gap[];
  damaged: Span[];
  toleranceUs: number;
}): Gap[] {
  const { requested, delivered, declared, toleranceUs } = values;
  const damaged = values.damaged
    .map((span) => ({
      fromUs: Math.max(span.fromUs, requested.fromUs),
      toUs: Math.min(span.toUs, requested.toUs),
      cause: 'damaged' as const,
    }))
    .filter((gap) => gap.fromUs < gap.toUs);
  const unexplained = without(requested, [...delivered, ...declared, ...damaged])
    .filter((span) => span.toUs - span.fromUs > toleranceUs)
    .map((span) => ({ ...span, cause: 'camera-lost' as const }));
  return [...declared, ...damaged, ...unexplained].sort((a, b) => a.fromUs - b.fromUs);
}
