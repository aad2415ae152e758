import { expect, test } from 'vitest';
import { Progress } from './progress.ts';

test('a job that has begun says its first step before anything of it is done', () => {
  const told: unknown[] = [];
  let nowUs = 0;
  const progress = new Progress('yard-1', {
    clock: { nowUs: () => nowUs },
    log: { info: (...line: unknown[]) => void told.push(line) },
  });
  expect(progress.text).toBe('fetching segments');
  progress.at('fetching segments', 0.251);
  expect(progress.text).toBe('fetching segments 25 %');
  expect(told).toEqual([]);
  nowUs = 5_000_000;
  progress.at('joining');
  expect(told).toEqual([[{ event: 'yard-1', step: 'joining' }, 'still at work']]);
});
