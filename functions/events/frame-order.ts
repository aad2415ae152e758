import type { DetectionsMessage } from '@faascam/core/messages';
import type { CameraTracks } from './state.ts';

/** A frame older than the newest by less than this may have come out of order; by more, the clock was set back. */
const LATE_US = 60_000_000;
/** Its agent corrects capture times by less than this; by more, a later frame is no older, its clock was set back. */
const CORRECTION_US = 1_000_000;

/**
 * How a frame follows on the newest one.
 * `next`: the usual; `again`: the very same; `late`: out of order; `strange`: of a time far from it, so that the next
 * frame must tell whether time has changed or this one is wrong; `after-silence` and `set-back`: it has changed.
 */
export type FrameOrder = 'next' | 'again' | 'late' | 'strange' | 'after-silence' | 'set-back';

/**
 * One frame with a wrong time must neither end events nor block the right ones that follow, and a clock that was really
 * set, or a camera that was really silent, must cost no more than a frame. So far from the newest a frame is believed
 * only when the one after it agrees. The word that a camera went away is believed at once: no frame follows it; and so is
 * the time of what was sent after that word, which an agent says before it goes on with another one.
 */
export function orderOf(before: CameraTracks, frame: DetectionsMessage, lostAfterMs: number): FrameOrder {
  const at = frame.capturedAtUs;
  const aheadUs = at - before.lastUs;
  if (aheadUs === 0) return 'again';
  if (aheadUs > 0 && aheadUs <= lostAfterMs * 1000) return 'next';
  if (aheadUs > 0 && (frame.motion === 'lost' || before.away)) return 'after-silence';
  if (aheadUs < 0 && before.away && frame.motion !== 'lost' && frame.seq > before.lastSeq) return 'set-back';
  if (aheadUs < 0 && (frame.motion === 'lost' || isLate(before, frame))) return 'late';
  const sinceStrangeUs = before.strange === undefined ? 0 : at - before.strange;
  if (sinceStrangeUs <= 0 || sinceStrangeUs > lostAfterMs * 1000) return 'strange';
  return aheadUs > 0 ? 'after-silence' : 'set-back';
}

function isLate(before: CameraTracks, frame: DetectionsMessage): boolean {
  const behindUs = before.lastUs - frame.capturedAtUs;
  return behindUs < CORRECTION_US || (behindUs < LATE_US && frame.seq <= before.lastSeq);
}
