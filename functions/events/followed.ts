import type { DetectionsMessage } from '@faascam/core/messages';
import type { TracksMessage } from '@faascam/core/track-message';
import { labelOf } from './label.ts';
import type { CameraTracks } from './state.ts';

/** What is told of a frame's objects to whoever watches: those of the tracks that were seen in it. Pure. */
export function followedIn(state: CameraTracks, frame: DetectionsMessage): TracksMessage {
  const { camera, capturedAtUs, inferred } = frame;
  const seen = inferred ? state.tracks.filter(({ lastUs }) => lastUs === capturedAtUs) : [];
  return {
    ...{ v: 1, camera, capturedAtUs, inferred },
    objects: seen.map((track) => ({
      ...{ track: track.id, label: labelOf(track), score: track.lastSight.score },
      ...{ box: track.box, confirmed: track.confirmed },
    })),
  };
}
