import { describe, expect, test } from 'vitest';
import { CaptureClock, recordingTime } from './capture-clock.ts';

const EPOCH_US = 1_700_000_000_000_000;
const SECOND_US = 1_000_000;
const FRAME_US = 200_000;

/** Lets frames arrive, `delayUs` after they were taken, and returns the clock. */
function watch(
  clock: CaptureClock,
  frames: number,
  delayUs: (i: number) => number,
  driftPpm = 0,
): CaptureClock {
  for (let i = 0; i < frames; i++) {
    const takenUs = EPOCH_US + i * FRAME_US;
    expect(clock.observe(Math.round(i * FRAME_US * (1 + driftPpm / 1e6)), takenUs + delayUs(i))).toBe(
      'steady',
    );
  }
  return clock;
}

/** Repeatable noise, 0..1. */
function noise(i: number): number {
  const x = Math.sin(i * 12.9898) * 43_758.5453;
  return x - Math.floor(x);
}

describe('capture clock', () => {
  test('settles on the quickest arrival, not on the first', () => {
    // The first pictures are held back 3 s while the stream is probed, then come in a burst.
    const clock = watch(new CaptureClock(), 60, (i) => Math.max(20_000, 3_000_000 - i * FRAME_US + i * 1000));
    expect(clock.settled).toBe(true);
    expect(Math.abs(clock.at(0) - EPOCH_US - 20_000)).toBeLessThan(20_000);
  });

  test('a first second that came late is made good within seconds, and no picture passes another', () => {
    const clock = watch(new CaptureClock(), 25, (i) => (i < 8 ? 400_000 : 30_000));
    expect(Math.abs(clock.at(24 * FRAME_US) - EPOCH_US - 24 * FRAME_US)).toBeLessThan(40_000);
    for (let i = 1; i < 25; i++) {
      const stepUs = clock.at(i * FRAME_US) - clock.at((i - 1) * FRAME_US);
      expect(stepUs).toBeGreaterThanOrEqual(FRAME_US - 41_000);
    }
  });

  test('jitter of arrivals does not show in capture times', () => {
    const clock = watch(new CaptureClock(), 500, (i) => 30_000 + noise(i) * 80_000);
    for (let i = 1; i < 500; i++) {
      const stepUs = clock.at(i * FRAME_US) - clock.at((i - 1) * FRAME_US);
      expect(Math.abs(stepUs - FRAME_US)).toBeLessThanOrEqual(2000);
    }
  });

  test('follows a camera whose crystal is 200 ppm off, for hours', () => {
    const frames = 5 * 3600 * 2;
    for (const ppm of [-200, 200]) {
      const clock = watch(new CaptureClock(), frames, (i) => 30_000 + noise(i) * 50_000, ppm);
      const last = frames - 1;
      const takenUs = EPOCH_US + last * FRAME_US;
      expect(Math.abs(clock.at(Math.round(last * FRAME_US * (1 + ppm / 1e6))) - takenUs)).toBeLessThan(
        100_000,
      );
    }
  });

  test('times never go back', () => {
    const clock = new CaptureClock();
    let previous = 0;
    for (let i = 0; i < 3000; i++) {
      // The path becomes quicker and slower in turn.
      const delayUs = i % 600 < 300 ? 20_000 : 400_000;
      clock.observe(i * 33_333, EPOCH_US + i * 33_333 + delayUs);
      if (!clock.settled) continue;
      const at = clock.at(i * 33_333);
      expect(at).toBeGreaterThan(previous);
      previous = at;
    }
  });

  test('says the same of a time when it is asked again later', () => {
    const clock = new CaptureClock();
    const said: [number, number][] = [];
    for (let i = 0; i < 1000; i++) {
      clock.observe(i * FRAME_US, EPOCH_US + i * (FRAME_US - 50) + noise(i) * 50_000);
      if (clock.settled) said.push([i * FRAME_US, clock.at(i * FRAME_US)]);
    }
    for (const [streamUs, at] of said) expect(clock.at(streamUs)).toBe(at);
  });

  test('gives whole microseconds', () => {
    const clock = watch(new CaptureClock(), 400, (i) => 30_000.5 + noise(i) * 80_000);
    for (let i = 0; i < 400; i++) expect(Number.isInteger(clock.at(i * FRAME_US))).toBe(true);
  });

  test('a new session does not overlap what was recorded before', () => {
    const notBeforeUs = EPOCH_US + 5 * SECOND_US;
    const clock = watch(new CaptureClock({ notBeforeUs }), 20, () => 30_000);
    expect(clock.at(0)).toBe(notBeforeUs);
  });

  test('a clock that was set forward or back is noticed', () => {
    const forward = watch(new CaptureClock(), 50, () => 30_000);
    expect(forward.observe(3600 * SECOND_US, EPOCH_US + 10 * SECOND_US)).toBe('jumped');
    const back = watch(new CaptureClock(), 50, () => 30_000);
    expect(back.observe(0, EPOCH_US + 10 * SECOND_US)).toBe('jumped');
  });

  test('settles on what it has when the stream ends early', () => {
    const clock = watch(new CaptureClock(), 2, () => 30_000);
    expect(clock.settled).toBe(false);
    clock.settle();
    expect(clock.at(FRAME_US)).toBe(EPOCH_US + FRAME_US + 30_000);
  });

  test("a recording's times are its start and the stream's time", () => {
    expect(recordingTime(EPOCH_US).at(1_234_567)).toBe(EPOCH_US + 1_234_567);
  });
});
