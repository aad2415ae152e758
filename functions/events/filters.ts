import type { ObjectFilter } from '@faascam/core/analysis-settings';
import { areaOf, type Box } from '@faascam/core/box';
import type { DetectedObject, DetectionsMessage } from '@faascam/core/messages';
import { sameFamily } from './label.ts';
import { aspectOf } from './tracker.ts';

/** Boxes are rounded to this part of the picture: a fiftieth of a pixel in the largest, and short to store. */
const GRID = 1e5;

/**
 * The sights of a frame that a camera's filters leave: those that may begin a track, and those of low score that may
 * keep one alive. What is too small, too large or of the wrong shape is neither, nor is what nobody asked for.
 */
export function filtered(
  frame: DetectionsMessage,
  filters: Readonly<Record<string, ObjectFilter>>,
  labels: readonly string[],
): { high: DetectedObject[]; low: DetectedObject[] } {
  const aspect = aspectOf(frame);
  const fits = (sight: DetectedObject): boolean => {
    if (!labels.some((label) => sameFamily(label, sight.label))) return false;
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
    high: frame.objects.filter((sight) => clear(sight) && fits(sight)).map(rounded),
    low: (frame.low ?? []).filter(fits).map(rounded),
  };
}

function rounded({ label, score, box: [x, y, width, height] }: DetectedObject): DetectedObject {
  const round = (value: number): number => Math.round(value * GRID) / GRID;
  const box: Box = [round(x), round(y), round(width), round(height)];
  return { label, score: round(score), box };
}
