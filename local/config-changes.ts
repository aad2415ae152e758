import type { Config } from '@faascam/core/config';
import { cameraChanges, changesText, differingKeys } from '@faascam/edge-agent/camera-changes';

/** What becomes of a changed config. */
export interface ConfigChanges {
  /** Whether there is something that the agent takes over while it runs. */
  agent: boolean;
  /** Keys that count from the next start on. */
  later: string[];
  /** One line for the log, without values. Empty when nothing changed. */
  text: string;
}

/** Keys besides `cameras` that the agent takes over while it runs. */
const AT_ONCE = ['agent.ringMegabytes', 'uplink.clipKilobytesPerSecond'];

/** What differs between two configs, and when it takes effect. */
export function configChanges(before: Config, after: Config): ConfigChanges {
  const keys = differingKeys({ ...before, cameras: {} }, { ...after, cameras: {} });
  const cameras = changesText(cameraChanges(before.cameras, after.cameras));
  const atOnce = keys.filter((key) => AT_ONCE.includes(key));
  const later = keys.filter((key) => !AT_ONCE.includes(key));
  const parts = [
    ...(cameras === '' ? [] : [`cameras: ${cameras}`]),
    ...(atOnce.length === 0 ? [] : [`changed ${atOnce.join(', ')}`]),
    ...(later.length === 0 ? [] : [`at the next start: ${later.join(', ')}`]),
  ];
  return { agent: cameras !== '' || atOnce.length > 0, later, text: parts.join('; ') };
}
