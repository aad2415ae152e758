import { iou } from '@faascam/core/box';
import type { Candidate } from './decode.ts';

/**
 * Greedy non-maximum suppression within each class: of boxes that overlap more than `maxIou` the best stays.
 * Answers at most `limit` candidates, best first.
 */
export function suppress(candidates: readonly Candidate[], maxIou: number, limit = 100): Candidate[] {
  const sorted = [...candidates].sort((a, b) => b.score - a.score);
  const kept: Candidate[] = [];
  for (const candidate of sorted) {
    if (kept.length >= limit) break;
    const double = kept.some(
      (other) => other.classId === candidate.classId && iou(other.box, candidate.box) > maxIou,
    );
    if (!double) kept.push(candidate);
  }
  return kept;
}
