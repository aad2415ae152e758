import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '@faascam/core/clock';
import { createLogger } from '@faascam/core/log';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { segmentName } from './ring/segment.ts';
import { epochAfter, judgeOffset, Timebase } from './timebase.ts';

const SECOND_US = 1_000_000;
const NOW_US = 1_700_000_000 * SECOND_US;

test('a clock was set when it is two seconds from where it would be; less is followed without an epoch', () => {
  const judge = (beganUs: number, offsetUs: number, seenUs: number) =>
    judgeOffset({ beganUs, offsetUs, seenUs });
  expect(judge(0, 0, 1000)).toBe('same');
  expect(judge(0, 0, 300_000)).toBe('drifted');
  expect(judge(0, 300_000, 301_000)).toBe('same');
  expect(judge(0, 1_900_000, 2_000_000)).toBe('stepped');
  expect(judge(0, 0, -3600 * SECOND_US)).toBe('stepped');
});

test('an agent goes on in the epoch of the newest footage, unless that is from the future', () => {
  expect(epochAfter(undefined, NOW_US)).toBe(0);
  expect(epochAfter({ epoch: 3, endUs: NOW_US - 3600 * SECOND_US }, NOW_US)).toBe(3);
  expect(epochAfter({ epoch: 3, endUs: NOW_US + SECOND_US }, NOW_US)).toBe(3);
  expect(epochAfter({ epoch: 3, endUs: NOW_US + 3600 * SECOND_US }, NOW_US)).toBe(4);
});

describe('a timebase', () => {
  let ringDirectory: string;
  let steadyUs: number;
  let hostUs: number;
  const over = AbortSignal.abort();
  const clock: Clock = { nowUs: () => steadyUs, sleep: () => Promise.resolve() };
  const open = (): Promise<Timebase> =>
    Timebase.open({ ringDirectory, clock, hostUs: () => hostUs, log: createLogger('test'), signal: over });
  const pass = (us: number, stepUs = 0): void => {
    steadyUs += us;
    hostUs += us + stepUs;
  };

  beforeEach(async () => {
    ringDirectory = await mkdtemp(join(tmpdir(), 'faascam-timebase-'));
    [steadyUs, hostUs] = [5 * SECOND_US, NOW_US];
  });

  afterEach(async () => {
    await rm(ringDirectory, { recursive: true, force: true });
  });

  test('tells the time of the host, and ends its epoch when that is set', async () => {
    const timebase = await open();
    expect([timebase.epoch, timebase.beganUs, timebase.nowUs()]).toEqual([0, undefined, NOW_US]);
    const { epochEnds } = timebase;
    pass(10 * SECOND_US);
    timebase.look();
    expect([epochEnds.aborted, timebase.nowUs()]).toEqual([false, NOW_US + 10 * SECOND_US]);
    pass(SECOND_US, -3600 * SECOND_US);
    expect(timebase.nowUs()).toBe(NOW_US + 11 * SECOND_US);
    timebase.look();
    const backUs = NOW_US + (11 - 3600) * SECOND_US;
    expect([epochEnds.aborted, timebase.epochEnds.aborted]).toEqual([true, false]);
    expect([timebase.epoch, timebase.beganUs, timebase.nowUs()]).toEqual([1, backUs, backUs]);
  });

  test('follows a clock that is drawn to the right time by and by', async () => {
    const timebase = await open();
    for (let second = 0; second < 15; second += 1) {
      pass(SECOND_US, 100_000);
      timebase.look();
    }
    expect([timebase.epoch, timebase.nowUs()]).toEqual([0, hostUs]);
    for (let second = 0; second < 15; second += 1) {
      pass(SECOND_US, 100_000);
      timebase.look();
    }
    expect([timebase.epoch, timebase.nowUs()]).toEqual([1, hostUs]);
  });

  test('begins an epoch of its own after footage of any camera that is from the future', async () => {
    const write = async (camera: string, endUs: number, epoch: number): Promise<void> => {
      await mkdir(join(ringDirectory, camera), { recursive: true });
      await writeFile(join(ringDirectory, camera, segmentName(endUs - SECOND_US, endUs, epoch)), 'x');
    };
    await write('yard', NOW_US + 3600 * SECOND_US, 0);
    expect([(await open()).epoch, (await open()).beganUs]).toEqual([1, NOW_US]);
    await write('gate', NOW_US - 10 * SECOND_US, 7);
    expect([(await open()).epoch, (await open()).beganUs]).toEqual([7, undefined]);
  });
});
