import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openCameraTest, type CameraTest } from './test-camera.ts';
import { makeVideo } from './test-video.ts';

let directory: string;
let camera: CameraTest | undefined;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-auto-'));
});

afterEach(async () => {
  await camera?.stop();
  camera = undefined;
  await rm(directory, { recursive: true, force: true });
});

/** A still picture with sensor noise, in which a block crosses from second `from` to second `to`. */
async function blockVideo(from: number, to: number, seconds: number, keyframeEvery: number): Promise<string> {
  const path = join(directory, 'block.mp4');
  const block = `color=white:size=40x80:rate=15`;
  const still = `color=gray:size=640x360:rate=15`;
  await makeVideo(
    ...['-f', 'lavfi', '-i', still, '-f', 'lavfi', '-i', block, '-t', String(seconds)],
    '-filter_complex',
    `[0:v][1:v]overlay=x='40+60*(t-${from})':y=140:enable='between(t,${from},${to})',noise=alls=4:allf=t`,
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '0', '-g', String(15 * keyframeEvery), path],
  );
  return path;
}

describe('automatic decoding', () => {
  test('keyframes while nothing moves, every picture from before a change on, then keyframes again', async () => {
    const video = await blockVideo(7, 9, 40, 2);
    camera = await openCameraTest(directory, { source: `file:${video}`, decode: 'auto' });
    await camera.until(({ frames }) => frames.some(({ streamS }) => streamS > 17));
    const at = camera.frames.map(({ streamS }) => streamS);
    expect(at).toEqual([...at].sort((a, b) => a - b));
    // From the second before the block appeared to its end, five a second, though it entered between two keyframes.
    expect(at.filter((s) => s >= 6.2 && s < 9).length).toBeGreaterThanOrEqual(13);
    const still = at.filter((s) => s >= 13 && s < 17);
    expect(still.length).toBeLessThanOrEqual(2);
    expect(camera.status).toMatchObject({ restarts: 0, active: false, decoding: { mode: 'keyframes' } });
  });

  test('an event that the functions opened has every picture looked at, too', async () => {
    const video = await blockVideo(100, 101, 30, 2);
    camera = await openCameraTest(directory, { source: `file:${video}`, decode: 'auto' });
    await camera.until(({ frames }) => frames.some(({ streamS }) => streamS > 9));
    camera.eventOpen = true;
    const from = camera.frames.at(-1)?.streamS ?? 0;
    await camera.until(({ frames }) => frames.filter(({ streamS }) => streamS > from + 3).length >= 3);
    const passed = camera.frames.filter(({ streamS }) => streamS > from + 2);
    const gaps = passed.slice(1).map(({ streamS }, i) => streamS - (passed[i]?.streamS ?? 0));
    expect(Math.max(...gaps)).toBeLessThan(1.3);
    expect(camera.status.active).toBe(true);
  });

  test('where keyframes are far apart, all pictures are decoded', async () => {
    const video = await blockVideo(100, 101, 60, 5);
    camera = await openCameraTest(directory, { source: `file:${video}`, decode: 'auto' });
    await camera.until(({ status }) => status.decoding?.mode === 'all' && status.framesPerSecond > 3);
    expect(camera.status).toMatchObject({ state: 'streaming', restarts: 1 });
  });
});
