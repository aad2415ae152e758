import type { Gap } from '@faascam/core/messages';

interface Span {
  fromUs: number;
  toUs: number;
}

export interface Coverage {
  /** What is wanted. */
  window: Span;
  /** The segments that are there, in any order. */
  segments: readonly { startUs: number; endUs: number }[];
  /** Spans known to be without footage. The first that holds a moment tells its cause. */
  outages: readonly Gap[];
  /** What lies before this, unexplained, was dropped from the ring. */
  evictedBeforeUs: number | undefined;
  /** Shorter holes are none: pictures have intervals, and clocks round. */
  holeUs: number;
}

/** What is missing of the window and why, in order of time. Empty if nothing is. */
export function gapsOf({ window, segments, outages, evictedBeforeUs, holeUs }: Coverage): Gap[] {
  return holesOf(window, segments)
    .filter((hole) => hole.toUs - hole.fromUs > holeUs)
    .flatMap((hole) => absorb(explain(hole, outages, evictedBeforeUs), holeUs));
}

/** The parts of `window` that no segment covers. */
function holesOf(window: Span, segments: Coverage['segments']): Span[] {
  const holes: Span[] = [];
  let coveredUs = window.fromUs;
  for (const { startUs, endUs } of [...segments].sort((a, b) => a.startUs - b.startUs)) {
    if (startUs >= window.toUs) break;
    if (startUs > coveredUs) holes.push({ fromUs: coveredUs, toUs: startUs });
    coveredUs = Math.max(coveredUs, endUs);
  }
  if (coveredUs < window.toUs) holes.push({ fromUs: coveredUs, toUs: window.toUs });
  return holes;
}

/** Cuts a hole where its cause changes. */
function explain(hole: Span, outages: readonly Gap[], evictedBeforeUs: number | undefined): Gap[] {
  const cuts = [hole.fromUs, hole.toUs, ...outages.flatMap(({ fromUs, toUs }) => [fromUs, toUs])];
  if (evictedBeforeUs !== undefined) cuts.push(evictedBeforeUs);
  const inside = [...new Set(cuts)]
    .filter((us) => us >= hole.fromUs && us <= hole.toUs)
    .sort((a, b) => a - b);
  return inside.slice(1).map((toUs, i) => {
    const fromUs = inside[i] ?? hole.fromUs;
    const known = outages.find((outage) => outage.fromUs <= fromUs && outage.toUs >= toUs);
    // There was footage once: it was dropped for want of room, or its file is gone.
    const otherwise = evictedBeforeUs === undefined || toUs <= evictedBeforeUs ? 'evicted' : 'damaged';
    return { fromUs, toUs, cause: known?.cause ?? otherwise };
  });
}

/** Joins neighbours of one cause, and gives a sliver, which is a matter of rounding, to its greater neighbour. */
function absorb(parts: Gap[], holeUs: number): Gap[] {
  const length = (part: Gap): number => part.toUs - part.fromUs;
  const joined: Gap[] = [];
  for (const part of parts) {
    const last = joined.at(-1);
    if (last !== undefined && (last.cause === part.cause || length(part) <= holeUs)) {
      joined[joined.length - 1] = { ...last, toUs: part.toUs };
    } else if (last !== undefined && length(last) <= holeUs) {
      joined[joined.length - 1] = { ...part, fromUs: last.fromUs };
    } else {
      joined.push(part);
    }
  }
  return joined;
}
