import { isDeepStrictEqual } from 'node:util';
import { profileKeys } from '@faascam/core/camera-profile';
import type { CameraSettings } from '@faascam/core/camera-settings';

/** What an order changes, by camera id. */
export interface CameraChanges {
  added: string[];
  removed: string[];
  /** With the settings that differ, such as `source` or `frames.fps`. */
  changed: { camera: string; keys: string[] }[];
}

/** What must be done to get from one set of cameras to another. A camera that is in neither list is not touched. */
export function cameraChanges(
  before: Readonly<Record<string, CameraSettings>>,
  after: Readonly<Record<string, CameraSettings>>,
): CameraChanges {
  const changed = Object.entries(after).flatMap(([camera, settings]) => {
    const old = before[camera];
    const keys = old === undefined ? [] : differingKeys(old, settings);
    return keys.length === 0 ? [] : [{ camera, keys }];
  });
  return {
    added: Object.keys(after).filter((camera) => !(camera in before)),
    removed: Object.keys(before).filter((camera) => !(camera in after)),
    changed,
  };
}

/**
 * Whether a camera's recording can go on: only how much footage is kept differs, where it is sent on to, or what the
 * functions look for.
 */
export function recordingGoesOn(keys: readonly string[]): boolean {
  const forFunctions = new Set<string>(profileKeys);
  const besides = new Set(['ring.minutes', 'ring.megabytes', 'ring.pinnedMegabytes', 'restream']);
  return keys.every((key) => besides.has(key) || forFunctions.has(key.split('.')[0] ?? ''));
}

/** The changes as one line for the log; no value of a setting is in it. Empty when nothing changes. */
export function changesText({ added, removed, changed }: CameraChanges): string {
  const parts = [
    ...(added.length === 0 ? [] : [`added ${added.join(', ')}`]),
    ...(removed.length === 0 ? [] : [`removed ${removed.join(', ')}`]),
    ...changed.map(({ camera, keys }) => `changed ${camera} (${keys.join(', ')})`),
  ];
  return parts.join('; ');
}

/** The keys, down to the values, in which two settings differ. */
export function differingKeys(before: object, after: object, prefix = ''): string[] {
  const old = new Map<string, unknown>(Object.entries(before));
  const now = new Map<string, unknown>(Object.entries(after));
  const names = [...new Set([...old.keys(), ...now.keys()])].sort();
  return names.flatMap((name) => {
    const a = old.get(name);
    const b = now.get(name);
    if (isDeepStrictEqual(a, b)) return [];
    if (isSection(a) && isSection(b)) return differingKeys(a, b, `${prefix}${name}.`);
    return [`${prefix}${name}`];
  });
}

function isSection(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
