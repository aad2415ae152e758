import { expect, it } from 'vitest';
import type { CameraView } from '../api.ts';
import { dropsOf, withSample, type Samples } from './samples.ts';

const camera = (dropped: number, framesPerSecond?: number): CameraView => ({
  ...{ id: 'yard', agent: 'a', state: 'streaming', restarts: 0, framesPerSecond },
  dropped: [
    { reason: 'behind', frames: dropped },
    { reason: 'failed', frames: 1 },
  ],
  ring: { segments: 1, bytes: 1, spanMs: 1 },
  urls: { frame: 'f' },
});

it('samples keep what a camera did, and at most half an hour of it', () => {
  let samples: Samples = withSample(undefined, camera(0, 5), 0);
  expect(samples).toEqual([{ atMs: 0, framesPerSecond: 5, dropped: 1 }]);
  for (let index = 1; index <= 1000; index += 1) samples = withSample(samples, camera(0), index);
  expect(samples).toHaveLength(900);
  expect(samples.at(-1)).toEqual({ atMs: 1000, framesPerSecond: 0, dropped: 1 });
});

it('drops are told for each sample, also after an agent began to count anew', () => {
  const counts = [3, 3, 7, 0, 2];
  let samples: Samples = [];
  for (const [index, count] of counts.entries()) samples = withSample(samples, camera(count), index);
  expect(dropsOf(samples)).toEqual([0, 0, 4, 1, 2]);
});
