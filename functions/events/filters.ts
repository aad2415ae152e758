import type { ObjectFilter } from '@faascam/core/analysis-settings';
import { areaOf } from '@faascam/core/box';
import type { DetectedObject, DetectionsMessage } from '@faascam/core/messages';
import { aspectOf } from './tracker.ts';

/**
 * The sights of a frame that a camera's filters leave: those that may begin a track, and those of low score that may
 * keep one alive. What is too small, too large or of the wrong shape is neither.
 */
export function filtered(
  frame: DetectionsMessage,
  filters: Readonly<Record<string, ObjectFilter>>,
): { high: DetectedObject[]; low: DetectedObject[] } {
  const aspect = aspectOf(frame);
  const fits = (sight: DetectedObject): boolean => {
    const filter = filters[sight.label];
    if (filter === undefined) return true;
    const area = areaOf(sight.box);
    const ratio = (sight.box[2] * aspect) / Math.max(1e-6, sight.box[3]);
    return (
      area >= (filter.minArea ?? 0) &&
      area <= (filter.maxArea ?? Infinity) &&
      ratio >= (filter.minRatio ?? 0) &&
      ratio <= (filter.maxRatio ?? Infinity)
    );
  };
  const clear = ({ label, score }: DetectedObject): boolean => score >= (filters[label]?.minScore ?? 0);
  return {
    high: frame.objects.filter((sight) => clear(sight) && fits(sight)),
    low: (frame.low ?? []).filter(fits),
  };
}
