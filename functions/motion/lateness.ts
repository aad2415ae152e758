/** What a frame's time makes of it, next to the last frame that was seen of its camera. */
export type Lateness = 'next' | 'again' | 'late' | 'clock set back';

/** Frames are kept for a minute on their way: whatever is older than that comes from a clock that was set back. */
const LONGEST_WAY_US = 60_000_000;

/**
 * A frame that was seen already is answered as before, and one that was overtaken is left out. A camera whose clock was
 * set back is begun anew: else it would be blind until the time it dreamt of. Its agent says that it is lost before it goes
 * on with another time; so a frame that was sent after that word is never late. Without the word, as from an agent that was
 * started anew, a minute tells.
 */
export function latenessOf(
  frame: { capturedAtUs: number; seq: number },
  before: { lastUs: number; lostSeq?: number | undefined },
): Lateness {
  const behindUs = before.lastUs - frame.capturedAtUs;
  if (behindUs < 0) return 'next';
  if (behindUs === 0) return 'again';
  const isAfterLoss = before.lostSeq !== undefined && frame.seq > before.lostSeq;
  return isAfterLoss || behindUs > LONGEST_WAY_US ? 'clock set back' : 'late';
}
