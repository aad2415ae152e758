import { expect, test } from 'vitest';
import { PictureTimes, SOUND_LEAD_MS, SoundTimes } from './mp4-times.ts';

/** As they come: each is shown `ms` after the first one. */
function timesOf(shown: readonly number[], leadMs?: number): ReturnType<PictureTimes['next']>[] {
  const times = new PictureTimes(leadMs);
  return shown.map((ms) => times.next(5_000_000 + ms * 1000));
}

test('pictures in order are decoded when they are shown', () => {
  expect(timesOf([0, 40, 80, 121])).toEqual(
    [0, 40, 80, 121].map((ms) => ({ decodeMs: ms, laterMs: 0, shownMs: ms })),
  );
});

test('pictures out of order are decoded one after the other, and shown when they should', () => {
  const shown = [0, 160, 80, 40, 120, 320, 240, 200, 280, 480, 400, 360, 440];
  const times = timesOf(shown, SOUND_LEAD_MS);
  expect(times.map(({ shownMs }) => shownMs)).toEqual(shown.map((ms) => ms + SOUND_LEAD_MS));
  for (const [at, { decodeMs, laterMs, shownMs }] of times.entries()) {
    expect(decodeMs + laterMs).toBe(shownMs);
    expect(laterMs).toBeGreaterThanOrEqual(0);
    expect(decodeMs).toBeGreaterThan(times[at - 1]?.decodeMs ?? -1);
  }
});

test('sound goes on without a hole where times are but rounded, and has one where something is missing', () => {
  const times = new SoundTimes(48_000);
  // 21.33 ms each, in whole milliseconds.
  const first = [0, 21, 43, 64, 85, 107].map((ms) => times.next(ms * 1000, 1024));
  expect(first).toEqual([0, 1024, 2048, 3072, 4096, 5120]);
  expect(times.next(500_000, 1024)).toBe(24_000);
  expect(times.next(521_000, 1024)).toBe(25_024);
});

test('sound from before the first picture is left out, and so is what comes twice', () => {
  const times = new SoundTimes(8000);
  expect(times.next(-1000, 1024)).toBeUndefined();
  expect(times.next(100_000, 1024)).toBe(800);
  expect(times.next(100_000, 1024)).toBeUndefined();
  expect(times.next(228_000, 1024)).toBe(1824);
});

test('a clock of sound that runs a little faster or slower never gets far from the pictures', () => {
  for (const factor of [0.999, 1.001]) {
    const times = new SoundTimes(48_000);
    let worst = 0;
    for (let n = 0; n < 20_000; n++) {
      const us = n * ((1024 / 48_000) * 1e6) * factor;
      const begins = times.next(us, 1024);
      if (begins !== undefined) worst = Math.max(worst, Math.abs(begins / 48_000 - us / 1e6));
    }
    expect(worst).toBeLessThan(0.05);
  }
});
