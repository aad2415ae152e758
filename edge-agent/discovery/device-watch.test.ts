import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { watchDevices, type DeviceChange } from './device-watch.ts';
import { isSensor, listVideoDevices } from './video-devices.ts';

const roots: string[] = [];
afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true, force: true });
});

function host(): string {
  const root = mkdtempSync(join(tmpdir(), 'faascam-devices-'));
  roots.push(root);
  mkdirSync(join(root, 'dev'));
  return root;
}

function plugIn(root: string, node: string, name?: string, index = 0): void {
  if (name !== undefined) {
    const about = join(root, 'sys/class/video4linux', node);
    mkdirSync(about, { recursive: true });
    writeFileSync(join(about, 'name'), `${name}\n`);
    writeFileSync(join(about, 'index'), `${index}\n`);
  }
  writeFileSync(join(root, 'dev', node), '');
}

function plugOut(root: string, node: string): void {
  rmSync(join(root, 'sys/class/video4linux', node), { recursive: true, force: true });
  rmSync(join(root, 'dev', node));
}

describe('video devices', () => {
  test('are listed by number, with the name that their driver gives and the link that stays', async () => {
    const root = host();
    plugIn(root, 'video10', 'USB Camera: USB Camera');
    plugIn(root, 'video0', 'HD Pro Webcam C920');
    plugIn(root, 'video1', 'HD Pro Webcam C920', 1);
    mkdirSync(join(root, 'dev/v4l/by-id'), { recursive: true });
    symlinkSync('../../video0', join(root, 'dev/v4l/by-id/usb-046d_C920-video-index0'));
    writeFileSync(join(root, 'dev/vcs1'), '');
    expect(await listVideoDevices(root)).toEqual([
      {
        path: '/dev/video0',
        stablePath: '/dev/v4l/by-id/usb-046d_C920-video-index0',
        name: 'HD Pro Webcam C920',
        index: 0,
      },
      { path: '/dev/video1', name: 'HD Pro Webcam C920', index: 1 },
      { path: '/dev/video10', name: 'USB Camera', index: 0 },
    ]);
  });

  test('that are codecs or picture processors of the board are left out', async () => {
    const root = host();
    for (const [node, name] of [
      ['video10', 'bcm2835-codec-decode'],
      ['video13', 'bcm2835-isp'],
      ['video19', 'rpi-hevc-dec'],
      ['video20', 'pispbe-input'],
    ] as const) {
      plugIn(root, node, name);
    }
    plugIn(root, 'video0', 'unicam');
    const found = await listVideoDevices(root);
    expect(found.map(({ name }) => name)).toEqual(['unicam']);
    expect(found.map(isSensor)).toEqual([true]);
  });

  test('of a container that shows no /sys go by their node, and a host without /dev has none', async () => {
    const root = host();
    plugIn(root, 'video3');
    expect(await listVideoDevices(root)).toEqual([{ path: '/dev/video3', name: 'video3', index: 0 }]);
    expect(await listVideoDevices(join(root, 'nowhere'))).toEqual([]);
  });

  test('cannot steer a terminal with their name', async () => {
    const root = host();
    plugIn(root, 'video0', 'Cam\u001b[31m\u0007 one');
    expect((await listVideoDevices(root))[0]?.name).toBe('Cam [31m  one');
  });
});

describe('watching devices', () => {
  /** Watches until the signal; answers each change as it is told. */
  async function watching(root: string, pollMs: number) {
    const stop = new AbortController();
    const changes: DeviceChange[] = [];
    let told: (() => void) | undefined;
    let ended: Promise<void> | undefined;
    await new Promise<void>((resolve) => {
      ended = watchDevices({
        signal: stop.signal,
        root,
        pollMs,
        onStart: () => resolve(),
        onChange: (change) => {
          changes.push(change);
          told?.();
        },
      });
    });
    return {
      changes,
      next: async (count: number) => {
        while (changes.length < count) await new Promise<void>((resolve) => (told = resolve));
      },
      stop: async () => {
        stop.abort();
        await ended;
      },
    };
  }

  // With a poll that never comes, only the notice of the file system can tell; with one that is always due, either may.
  test.each([
    ['by notice', 3_600_000],
    ['by looking', 20],
  ])('tells once of a camera that comes and goes, %s', async (_how, pollMs) => {
    const root = host();
    plugIn(root, 'video0', 'Old camera');
    const watch = await watching(root, pollMs);
    plugIn(root, 'video2', 'New camera');
    plugIn(root, 'video3', 'New camera', 1);
    await watch.next(1);
    plugOut(root, 'video2');
    plugOut(root, 'video3');
    await watch.next(2);
    plugOut(root, 'video0');
    await watch.next(3);
    await watch.stop();
    expect(watch.changes.map(({ kind, device }) => `${kind} ${device.path} ${device.name}`)).toEqual([
      'plugged /dev/video2 New camera',
      'unplugged /dev/video2 New camera',
      'unplugged /dev/video0 Old camera',
    ]);
  });

  test('another camera under the same node is one out and one in; a name that comes late is no change', async () => {
    const root = host();
    plugIn(root, 'video0', 'First');
    plugIn(root, 'video4');
    const watch = await watching(root, 20);
    plugIn(root, 'video4', 'Late name');
    plugIn(root, 'video0', 'Second');
    await watch.next(2);
    await watch.stop();
    expect(watch.changes.map(({ kind, device }) => `${kind} ${device.name}`)).toEqual([
      'unplugged First',
      'plugged Second',
    ]);
  });

  test('a host without /dev is watched as well, and watching ends with its signal', async () => {
    const watch = await watching(join(host(), 'nowhere'), 20);
    await watch.stop();
    expect(watch.changes).toEqual([]);
  });
});
