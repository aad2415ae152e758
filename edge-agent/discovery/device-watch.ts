import { watch } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf, systemCodeOf } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import { listVideoDevices, type VideoDevice } from './video-devices.ts';

/** A camera that was plugged in or out while we watched. */
export interface DeviceChange {
  kind: 'plugged' | 'unplugged';
  device: VideoDevice;
}

export interface WatchOptions {
  signal: AbortSignal;
  onChange: (change: DeviceChange) => void;
  /** Called once with what is there when watching begins. */
  onStart?: (devices: VideoDevice[]) => void;
  /** What goes wrong while looking is told here; watching goes on. */
  log?: Logger;
  /** Stands before `/dev` and `/sys`, for tests. */
  root?: string;
  /** How often we look without being told of a change, as in containers, where nothing tells. Default 10 s. */
  pollMs?: number;
}

const POLL_MS = 10_000;
/** A device comes as several nodes, and its names a moment after them. */
const SETTLE_MS = 500;

/**
 * Tells of each camera that is plugged into this host or out of it, from now on; what is there already is no change.
 * Resolves when the signal is aborted, with nothing left behind. Never rejects: a host without cameras or without
 * `/dev` is watched as well.
 */
export async function watchDevices(options: WatchOptions): Promise<void> {
  const { signal, onChange, root = '/', pollMs = POLL_MS } = options;
  let known: Map<string, VideoDevice> | undefined;
  const look = async (): Promise<void> => {
    try {
      const seen = new Map((await listVideoDevices(root)).map((device) => [device.path, device]));
      if (signal.aborted) return;
      if (known === undefined) options.onStart?.([...seen.values()]);
      for (const change of changesBetween(known ?? seen, seen)) onChange(change);
      known = seen;
    } catch (error) {
      options.log?.warn({ reason: messageOf(error) }, 'The video devices of this host cannot be listed.');
    }
  };
  while (!signal.aborted) {
    const woken = wakeUp(join(root, 'dev'), pollMs, signal);
    await look();
    if (await woken) await delay(SETTLE_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** What is new and what is gone; a device is told of once, by its first node. */
export function changesBetween(
  before: ReadonlyMap<string, VideoDevice>,
  after: ReadonlyMap<string, VideoDevice>,
): DeviceChange[] {
  const missing = (from: ReadonlyMap<string, VideoDevice>, others: ReadonlyMap<string, VideoDevice>) =>
    [...from.values()].filter((device) => device.index === 0 && !isSame(device, others.get(device.path)));
  return [
    ...missing(before, after).map((device) => ({ kind: 'unplugged' as const, device })),
    ...missing(after, before).map((device) => ({ kind: 'plugged' as const, device })),
  ];
}

/** A node that has no name yet, or no longer, is still the same camera's. */
function isSame(device: VideoDevice, other: VideoDevice | undefined): boolean {
  if (other === undefined) return false;
  return device.name === other.name || !isNamed(device) || !isNamed(other);
}

function isNamed({ name, path }: VideoDevice): boolean {
  return name !== basename(path);
}

/** Resolves with true when a video device comes or goes in `directory`, with false after `ms` or the signal. */
function wakeUp(directory: string, ms: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (woken: boolean): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      watcher?.close();
      resolve(woken);
    };
    const stop = (): void => end(false);
    const timer = setTimeout(stop, ms);
    let watcher: ReturnType<typeof watch> | undefined;
    try {
      watcher = watch(directory, { persistent: false });
      watcher.on('change', (_kind, name) => {
        if (/^video\d+$/.test(String(name))) end(true);
      });
      // Too many watches on this host, or the folder went away: polling goes on.
      watcher.on('error', () => watcher?.close());
    } catch (error) {
      // No such folder, or no watch to be had: polling it is.
      if (systemCodeOf(error) === undefined) throw error;
    }
    if (signal.aborted) end(false);
    else signal.addEventListener('abort', stop, { once: true });
  });
}
