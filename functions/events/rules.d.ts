import type { DetectionsMessage } from '@faascam/core/messages';
import type { EventSettings } from '@faascam/core/settings';
import type { CameraTracks } from './state.ts';
/**
 * What a camera's tracks and events are after one more frame, and the messages that follow from it. Pure, on frame
 * time alone: the same frames give the same events whenever they are looked at. Answers `late` for a frame out of
 * order. The same frame given twice answers the same messages, which carry ids, so that sending them twice is harmless.
 */
export declare function advance(
  before: CameraTracks | undefined,
  frame: DetectionsMessage,
  settings: EventSettings,
): CameraTracks | 'late';
