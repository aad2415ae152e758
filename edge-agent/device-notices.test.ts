import { expect, test } from 'vitest';
import { deviceNotice } from './device-notices.ts';
import type { VideoDevice } from './discovery/video-devices.ts';

const device = { path: '/dev/video2', name: 'USB Camera', index: 0 } satisfies Partial<VideoDevice>;
const used = { gate: { source: 'v4l2:/dev/video2?size=640x480', substream: '' } };
const others = { yard: { source: 'rtsp://h/1', substream: '' } };

test('a camera that is plugged in is told with the source to use it by', () => {
  expect(deviceNotice({ kind: 'plugged', device }, others)).toBe(
    'A camera was plugged in: USB Camera (/dev/video2). To use it, run faascam discover --write, or add a camera to the config with the source v4l2:/dev/video2',
  );
});

test('a camera of the config that comes and goes is told by its id', () => {
  expect(deviceNotice({ kind: 'plugged', device }, used)).toMatch(/is plugged in again, for gate\.$/);
  expect(deviceNotice({ kind: 'unplugged', device }, used)).toMatch(/was unplugged; gate waits for it\.$/);
  expect(deviceNotice({ kind: 'unplugged', device }, others)).toMatch(/was unplugged\.$/);
});
