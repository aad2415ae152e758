import { areaOf, type Box } from '@faascam/core/box';
import type { Zone } from '@faascam/core/analysis-settings';
import type { DetectionsMessage, TrackSummary } from '@faascam/core/messages';
import { isInside } from '@faascam/core/analysis-settings';
import type { MotionSpell } from './state.ts';

/** Motion that pauses for no longer than this goes on. */
const PAUSE_US = 1_000_000;

/**
 * Motion that goes on after one more frame; undefined once it has ceased. Where zones are required, only motion whose
 * middle is in one of them counts. `id` is for a spell that begins.
 */
export function motionSpellAfter(
  before: MotionSpell | undefined,
  frame: DetectionsMessage,
  required: readonly Zone[],
  id: number,
): MotionSpell | undefined {
  const at = frame.capturedAtUs;
  const counts = ([x, y, width, height]: Box): boolean =>
    required.length === 0 ||
    required.some(({ polygon }) => isInside([x + width / 2, y + height / 2], polygon));
  const boxes = frame.motion === 'moving' ? frame.motionBoxes.filter(counts) : [];
  const goesOn = before !== undefined && at - before.lastUs <= PAUSE_US;
  if (boxes.length === 0) return goesOn ? before : undefined;
  const score = Math.min(
    1,
    boxes.reduce((sum, each) => sum + areaOf(each), 0),
  );
  const best = { atUs: at, score, box: around(boxes) };
  if (!goesOn) return { id, sinceUs: at, lastUs: at, hits: 1, best };
  return {
    ...before,
    lastUs: at,
    hits: before.hits + 1,
    best: score > before.best.score ? best : before.best,
  };
}

/** As a member of an event: its score is the share of the picture that moved. */
export function motionSummary({ id, sinceUs, lastUs, hits, best }: MotionSpell): TrackSummary {
  return { id, label: 'motion', startUs: sinceUs, endUs: lastUs, hits, medianScore: best.score, best };
}

function around(boxes: readonly Box[]): Box {
  const left = Math.min(...boxes.map(([x]) => x));
  const top = Math.min(...boxes.map(([, y]) => y));
  const right = Math.max(...boxes.map(([x, , width]) => x + width));
  const bottom = Math.max(...boxes.map(([, y, , height]) => y + height));
  return [left, top, Math.min(1, right) - left, Math.min(1, bottom) - top];
}
