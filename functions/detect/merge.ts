import type { Candidate } from './decode.ts';
import type { Rectangle } from './letterbox.ts';
import { areaOf, overlap, sharedArea } from './overlap.ts';

/** What one look at a part of the picture found, in pixels of the picture. */
export interface View {
  part: Rectangle;
  candidates: readonly Candidate[];
}

interface Sighted extends Candidate {
  view: number;
  /** Ends at a border of its part that is none of the picture: the rest of it may lie beyond. */
  cut: boolean;
}

export interface Merging {
  /** Boxes of one class in one view that overlap more are doubles; 1 for models that leave no doubles. */
  maxIou: number;
  /** The same for boxes of different views. */
  maxIouAcross: number;
  limit: number;
}

/** A box that lies so much within another of its class, seen in another view, is the same object. */
const WITHIN = 0.75;
/** A cut box needs less: the other one shows the whole of what it shows a part of. */
const CUT_WITHIN = 0.5;
/** How near to a border a box ends there, in pixels of the picture. */
const BORDER = 2;

/**
 * Objects of all views together, best first, without doubles: of boxes of one class that are one object, whole ones go
 * before cut ones, then the better score.
 */
export function mergeViews(
  views: readonly View[],
  picture: { width: number; height: number },
  { maxIou, maxIouAcross, limit }: Merging,
): Candidate[] {
  const sighted = views.flatMap(({ part, candidates }, view) =>
    candidates.map((candidate): Sighted => ({ ...candidate, view, cut: isCut(candidate, part, picture) })),
  );
  sighted.sort((a, b) => Number(a.cut) - Number(b.cut) || b.score - a.score);
  const keptOf = new Map<number, Sighted[]>();
  for (const candidate of sighted) {
    const others = keptOf.get(candidate.classId) ?? [];
    const isDouble = others.some((other) =>
      other.view === candidate.view
        ? overlap(other, candidate) > maxIou
        : overlap(other, candidate) > maxIouAcross || within(candidate, other),
    );
    if (isDouble) continue;
    others.push(candidate);
    keptOf.set(candidate.classId, others);
  }
  const kept = [...keptOf.values()].flat().sort((a, b) => b.score - a.score);
  return kept.slice(0, limit);
}

function within(candidate: Sighted, other: Sighted): boolean {
  const smaller = Math.min(areaOf(candidate), areaOf(other));
  const least = candidate.cut || other.cut ? CUT_WITHIN : WITHIN;
  return smaller > 0 && sharedArea(candidate, other) / smaller > least;
}

function isCut(box: Candidate, part: Rectangle, picture: { width: number; height: number }): boolean {
  const right = part.left + part.width;
  const bottom = part.top + part.height;
  return (
    (part.left > 0 && box.left < part.left + BORDER) ||
    (part.top > 0 && box.top < part.top + BORDER) ||
    (right < picture.width && box.right > right - BORDER) ||
    (bottom < picture.height && box.bottom > bottom - BORDER)
  );
}
