import { z } from 'zod';
import { box } from './box.ts';
import { cameraId } from './ids.ts';
import { timeUs } from './messages.ts';

/** An object as it was seen in one frame. */
export const followedObject = z.object({
  /** Tells objects of a camera apart, as in its events. */
  track: z.number().int().nonnegative(),
  label: z.string().min(1),
  score: z.number().min(0).max(1),
  box,
  /** Whether it was seen often and well enough to count. */
  confirmed: z.boolean(),
});
export type FollowedObject = z.infer<typeof followedObject>;

/** `tracks.<camera>`: one for each frame that came in order, as soon as its objects are known; no stream keeps it. */
export const tracksMessage = z.object({
  v: z.literal(1),
  camera: cameraId,
  capturedAtUs: timeUs,
  /** Whether the detector looked at this frame. If not, `objects` is empty and says nothing. */
  inferred: z.boolean(),
  /** Those that were seen in this frame. */
  objects: z.array(followedObject),
});
export type TracksMessage = z.infer<typeof tracksMessage>;
