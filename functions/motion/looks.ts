import type { MotionSettings } from '@faascam/core/settings';
import { HUGE, type Judged } from './tracks.ts';

/** A place less restless than this is calm. */
export const CALM = 0.05;
/** Where it is less restless than this, whatever is new is looked at: people have passed here, but it does not rain. */
const PASSED_BY = 0.1;
/** A region is worth a look for this long before it has got on, and in its first frames where there are fewer of them. */
const FRESH_US = 700_000;
const FRESH_FRAMES = 4;
/** Where much comes and goes, what stays so long, or is of so many cells from the first, is worth a look now and then. */
const STAYS_FRAMES = 3;
const LARGE = 40;
const STAYS_US = 4_000_000;
const NOW_AND_THEN_US = 500_000;

/**
 * Whether something of what has not got on yet may turn out to move, so that the detector need not wait for that. Where it
 * is calm, or people have passed, whatever is new may. Where much comes and goes, as in rain, that would be all the time: there it must have got on
 * as far as it would have to elsewhere, or be larger than what falls, and what only stays, or is large enough for someone who
 * comes in at the edge, is looked at now and then.
 */
export function mayMove(judged: readonly Judged[], lastUs: number, nowUs: number): boolean {
  const turn = Math.floor(nowUs / NOW_AND_THEN_US) > Math.floor(lastUs / NOW_AND_THEN_US);
  return judged.some(({ region, track: { gains, firstUs, frames, gotOnUs } }) => {
    if (gains > 0) return false;
    const ageUs = nowUs - firstUs;
    if (region.restless < PASSED_BY || region.cells >= HUGE)
      return ageUs < FRESH_US || frames <= FRESH_FRAMES;
    return (
      (gotOnUs > 0 && nowUs - gotOnUs < FRESH_US) ||
      (turn && (frames >= STAYS_FRAMES || region.cells >= LARGE) && ageUs < STAYS_US)
    );
  });
}

/** What to call a frame in which nothing moves: worth a look for a while after motion, then now and then. */
export function unmoved(
  movedUs: number,
  lastUs: number,
  nowUs: number,
  settings: MotionSettings,
): 'settling' | 'still' {
  if (movedUs === 0) return 'still';
  const sinceMs = (nowUs - movedUs) / 1000;
  if (sinceMs <= settings.settleMs) return 'settling';
  const looks = (us: number): number => Math.floor((us - movedUs) / 1000 / settings.lookAgainMs);
  return sinceMs <= settings.lookAgainForMs && looks(nowUs) > looks(lastUs) ? 'settling' : 'still';
}
