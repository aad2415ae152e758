import type { DetectedObject } from '@faascam/core/messages';
import { labelOf } from './label.ts';
import type { Candidate, Track } from './state.ts';

/** Pictures that an event offers, at most one of each half second, so that they are not all of one moment. */
const CANDIDATES_KEPT = 5;
const MOMENT_US = 500_000;
/** Nearer to the border, an object is cut by it. */
const BORDER = 0.005;
const CUT_WORTH = 0.6;

/** The frame as a picture of these objects: better the clearer, the larger and the less cut by the border they are. */
export function candidateOf(seen: readonly Track[], atUs: number): Candidate {
  let value = 0;
  const objects: DetectedObject[] = seen.map((track) => {
    const [x, y, width, height] = track.box;
    const cut = x < BORDER || y < BORDER || x + width > 1 - BORDER || y + height > 1 - BORDER;
    const { score } = track.lastSight;
    value += score * (cut ? CUT_WORTH : 1) * (0.5 + Math.sqrt(width * height));
    return { label: labelOf(track), score, box: track.box };
  });
  return { atUs, value, objects };
}

/** The best pictures so far and one more, best first. Of those of one moment only the best is kept. */
export function withCandidate(candidates: readonly Candidate[], next: Candidate): Candidate[] {
  const momentOf = ({ atUs }: Candidate): number => Math.floor(atUs / MOMENT_US);
  const same = candidates.find((each) => momentOf(each) === momentOf(next));
  if (same !== undefined && same.value >= next.value) return [...candidates];
  const all = [...candidates.filter((each) => each !== same), next];
  return all.sort((a, b) => b.value - a.value || a.atUs - b.atUs).slice(0, CANDIDATES_KEPT);
}
