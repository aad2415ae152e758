import type { Logger } from '@faascam/core/log';
import type { CameraSettings } from '@faascam/core/camera-settings';
import { watchDevices, type DeviceChange } from './discovery/device-watch.ts';

/**
 * Tells in the log of cameras that are plugged into this host or out of it, until the signal is aborted. Cameras of the
 * config that wait for their device are tried again by themselves.
 */
export async function tellOfDevices(options: {
  /** As they are at each moment. */
  cameras: () => Readonly<Record<string, CameraSettings>>;
  log: Logger;
  signal: AbortSignal;
}): Promise<void> {
  const { cameras, log, signal } = options;
  await watchDevices({
    signal,
    log,
    onChange: (change) => log.warn(deviceNotice(change, cameras())),
  });
}

/** What a person should know of a device that came or went. */
export function deviceNotice(
  { kind, device }: DeviceChange,
  cameras: Readonly<Record<string, Pick<CameraSettings, 'source' | 'substream'>>>,
): string {
  const names = [device.path, ...(device.stablePath === undefined ? [] : [device.stablePath])];
  const uses = (source: string): boolean =>
    names.some((name) => source.replace(/\?.*$/, '') === `v4l2:${name}`);
  const users = Object.entries(cameras).flatMap(([id, { source, substream }]) =>
    uses(source) || uses(substream) ? [id] : [],
  );
  const what = `${device.name} (${device.path})`;
  if (kind === 'unplugged') {
    const whose = users.length === 0 ? '' : `; ${users.join(', ')} waits for it`;
    return `The camera ${what} was unplugged${whose}.`;
  }
  return users.length === 0
    ? `A camera was plugged in: ${what}. To use it, run faascam discover --write, or add a camera to the config with the source v4l2:${device.stablePath ?? device.path}`
    : `The camera ${what} is plugged in again, for ${users.join(', ')}.`;
}
