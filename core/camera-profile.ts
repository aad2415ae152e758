import { createHash } from 'node:crypto';
import { z } from 'zod';
import { areaSettings, overridesOf } from './analysis-settings.ts';
import { cameraId } from './ids.ts';
import { type CameraSettings } from './camera-settings.ts';
import { eventSettings, motionSettings } from './settings.ts';

/**
 * KV `cameras`, key = camera: how the functions look at one camera's pictures, from its section of the agent's config.
 * So zones stand in one file, and a change of it needs no new deployment of functions.
 */
export const cameraProfile = z.object({
  v: z.literal(1),
  camera: cameraId,
  /** Tells profiles apart: the first digits of a hash over it. */
  revision: z.string(),
  ...areaSettings,
  motion: overridesOf(motionSettings).default({}),
  events: overridesOf(eventSettings).default({}),
});
export type CameraProfile = z.infer<typeof cameraProfile>;

/** Keys of a camera's settings that are for the functions alone: a change of them leaves its connection as it is. */
export const profileKeys = ['masks', 'zones', 'lines', 'objects', 'motion', 'events'] as const;

export function profileOf(camera: string, settings: CameraSettings): CameraProfile {
  const { masks, zones, lines, objects, motion, events } = settings;
  const own = { masks, zones, lines, objects, motion, events };
  const revision = createHash('sha256').update(JSON.stringify(own)).digest('hex').slice(0, 8);
  return { v: 1, camera, revision, ...own };
}

/** The profile of a camera of which no agent has told anything. */
export function plainProfile(camera: string): CameraProfile {
  return cameraProfile.parse({ v: 1, camera, revision: 'none' });
}
