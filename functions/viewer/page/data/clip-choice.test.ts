import { expect, it } from 'vitest';
import type { ClipView } from '../api.ts';
import { chosenClip, mayLieElsewhere, partsOf, playableKind, tileAt } from './clip-choice.ts';

const clip = (part: number, kind: string, codec: string, durationMs = 4000): ClipView => ({
  ...{ part, kind, codec, durationMs, width: 640, height: 360, frameMs: 40 },
  url: `${kind}-${String(part)}`,
});
const clips = [
  clip(1, 'original', 'h264'),
  clip(2, 'original', 'hevc', 2000),
  clip(3, 'original', 'mjpeg'),
  clip(2, 'h264', 'h264', 2000),
];
const h264Only = (codec: string): boolean => codec === 'h264';

it('the clip is as the camera sent it where the browser plays that, else H.264, else it is tried all the same', () => {
  expect(playableKind(clips, 1, h264Only)).toBe('original');
  expect(playableKind(clips, 2, h264Only)).toBe('h264');
  expect(playableKind(clips, 2, () => true)).toBe('original');
  expect(playableKind(clips, 3, h264Only)).toBe('original');
  expect(playableKind([], 1, h264Only)).toBe('original');
});

it('a part that has no H.264 is shown as it is where H.264 was chosen', () => {
  expect(chosenClip(clips, { part: 2, kind: 'h264' })?.url).toBe('h264-2');
  expect(chosenClip(clips, { part: 3, kind: 'h264' })?.url).toBe('original-3');
  expect(chosenClip(clips, { part: 4, kind: 'original' })).toBeUndefined();
  expect(partsOf(clips)).toEqual([1, 2, 3]);
});

it('the strip goes through all parts, and ends with its last picture', () => {
  const strip = { columns: 4, count: 10, tileWidth: 160, tileHeight: 90, everyMs: 1000 };
  expect(tileAt(strip, clips, 1, 0)).toEqual({ x: 0, y: 0 });
  expect(tileAt(strip, clips, 1, 3400)).toEqual({ x: 480, y: 0 });
  expect(tileAt(strip, clips, 2, 1000)).toEqual({ x: 160, y: 90 });
  expect(tileAt(strip, clips, 3, 99_000)).toEqual({ x: 160, y: 180 });
  const many = Array.from({ length: 9 }, (_, index) => clip(index + 1, 'original', 'h264'));
  expect(tileAt(strip, many, 1, 0)).toBeUndefined();
});

it('a clip is loaded anew as often as its address may have had its time, and not over and over', () => {
  const first = { url: 'clip', atMs: 1_000_000 };
  expect(mayLieElsewhere(undefined, first)).toBe(true);
  expect(mayLieElsewhere(first, { url: 'clip', atMs: 1_002_000 })).toBe(false);
  expect(mayLieElsewhere(first, { url: 'clip-2', atMs: 1_002_000 })).toBe(true);
  expect(mayLieElsewhere(first, { url: 'clip', atMs: 2_200_000 })).toBe(true);
});
