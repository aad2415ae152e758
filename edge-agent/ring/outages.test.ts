import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { OutageJournal, outagesBetween } from './outages.ts';

const SECOND_US = 1_000_000;

describe('outages', () => {
  test('are laid on the agent while it did not run, and on the camera after that', () => {
    expect(outagesBetween(undefined, 100, { agentStartedUs: 50 })).toEqual([
      { fromUs: 0, toUs: 100, cause: 'before-start' },
    ]);
    expect(outagesBetween(0, 60 * SECOND_US)).toEqual([
      { fromUs: 0, toUs: 60 * SECOND_US, cause: 'camera-lost' },
    ]);
    expect(outagesBetween(0, 60 * SECOND_US, { agentStartedUs: 50 * SECOND_US })).toEqual([
      { fromUs: 0, toUs: 60 * SECOND_US, cause: 'agent-stopped' },
    ]);
    expect(outagesBetween(0, 60 * SECOND_US, { agentStartedUs: 20 * SECOND_US })).toEqual([
      { fromUs: 0, toUs: 20 * SECOND_US, cause: 'agent-stopped' },
      { fromUs: 20 * SECOND_US, toUs: 60 * SECOND_US, cause: 'camera-lost' },
    ]);
    expect(outagesBetween(100, 90)).toEqual([]);
  });

  test('are laid on the disk while it was full, and until the camera is there again', () => {
    const causesOf = (...args: Parameters<typeof outagesBetween>): [number, string][] =>
      outagesBetween(...args).map(({ toUs, cause }) => [toUs / SECOND_US, cause]);
    const [endedUs, beganUs] = [10 * SECOND_US, 90 * SECOND_US];
    const full = (from: number, to?: number) => ({
      full: { fromUs: from * SECOND_US, toUs: to === undefined ? undefined : to * SECOND_US },
    });
    expect(causesOf(endedUs, beganUs, full(10))).toEqual([[90, 'disk-full']]);
    expect(causesOf(endedUs, beganUs, full(10, 80))).toEqual([[90, 'disk-full']]);
    expect(causesOf(endedUs, beganUs, full(30, 40))).toEqual([
      [30, 'camera-lost'],
      [55, 'disk-full'],
      [90, 'camera-lost'],
    ]);
    expect(causesOf(endedUs, beganUs, { agentStartedUs: 20 * SECOND_US, ...full(20) })).toEqual([
      [20, 'agent-stopped'],
      [90, 'disk-full'],
    ]);
    expect(causesOf(undefined, beganUs, full(20))).toEqual([
      [20, 'before-start'],
      [90, 'disk-full'],
    ]);
  });
});

test('outages that are noted at the same time are all in the journal, also after a restart', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'faascam-outages-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const path = join(directory, 'outages.json');
  const journal = await OutageJournal.open(path);
  const at = (n: number) => ({ fromUs: n, toUs: n + 1, cause: 'damaged' as const });
  await Promise.all(Array.from({ length: 30 }, (_, n) => journal.add([at(n)], 0)));
  expect((await OutageJournal.open(path)).all).toEqual(Array.from({ length: 30 }, (_, n) => at(n)));
  expect(await readdir(directory)).toEqual(['outages.json']);
});
