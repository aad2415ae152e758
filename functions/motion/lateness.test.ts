import { describe, expect, it } from 'vitest';
import { latenessOf } from './lateness.ts';

const NOW_US = 1_700_000_000_000_000;
const frame = (seconds: number, seq: number) => ({ capturedAtUs: NOW_US + seconds * 1_000_000, seq });

describe('the time of a frame', () => {
  it.each([
    ['newer', 0.2, 'next'],
    ['the same', 0, 'again'],
    ['older', -0.2, 'late'],
    ['as old as a frame on its way can be', -60, 'late'],
    ['older than any frame on its way', -61, 'clock set back'],
  ])('that is %s than the last', (_what, seconds, lateness) => {
    expect(latenessOf(frame(seconds, 8), { lastUs: NOW_US })).toBe(lateness);
  });

  it.each([-0.2, -2, -30, -60, -3600])(
    'is a new one after the camera was lost, %d s from the last',
    (seconds) => {
      expect(latenessOf(frame(seconds, 8), { lastUs: NOW_US, lostSeq: 7 })).toBe('clock set back');
    },
  );

  it('goes on after the camera was lost, where the clock did', () => {
    expect(latenessOf(frame(12, 8), { lastUs: NOW_US, lostSeq: 7 })).toBe('next');
  });

  it('is late where the frame was sent before the camera was lost', () => {
    expect(latenessOf(frame(-2, 6), { lastUs: NOW_US, lostSeq: 7 })).toBe('late');
  });
});
