import type { DetectionsMessage } from '@faascam/core/messages';
import type { EventSettings } from '@faascam/core/settings';
import type { Track } from './state.ts';
/**
 * Follows the objects of one frame: each detection goes to the track whose predicted box fits it best, one to one
 * (after Bewley et al., "Simple online and realtime tracking", arXiv:1602.00763, with greedy instead of optimal
 * assignment and a centre distance for small, fast objects). Answers the tracks after the frame, and those that were
 * given up. `elapsedMs` is the time since the frame before.
 */
export declare function follow(
  tracks: readonly Track[],
  frame: DetectionsMessage,
  elapsedMs: number,
  settings: EventSettings,
  nextTrack: number,
): {
  tracks: Track[];
  nextTrack: number;
};
/** The label that the track was seen as most often. */
export declare function labelOf(track: Track): string;
export declare function medianScore(track: Track): number;
