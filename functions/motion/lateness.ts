/** What a frame's time makes of it, next to the last frame that was seen of its camera. */
export type Lateness = 'next' | 'again' | 'late' | 'clock set back';

/** Frames are kept for a minute on their way: whatever is older than that comes from a clock that was set back. */
const LONGEST_WAY_US = 60_000_000;

/**
 * A frame that was seen already is answered as before, and one that was overtaken is left out. A camera whose clock was
 * hours ahead is begun anew: else it would be blind until the time it dreamt of.
 */
export function latenessOf(capturedAtUs: number, lastUs: number): Lateness {
  if (capturedAtUs > lastUs) return 'next';
  if (capturedAtUs === lastUs) return 'again';
  return lastUs - capturedAtUs > LONGEST_WAY_US ? 'clock set back' : 'late';
}
