import { describe, expect, it } from 'vitest';
import {
  agoText,
  cameraDetailText,
  dayKey,
  dayText,
  durationText,
  gapText,
  groupOf,
  incompleteText,
  labelsText,
  percentText,
  playbackFaultText,
} from './words.ts';

const plain = (text: string): string => text.replaceAll('\u00a0', ' ');

describe('words', () => {
  it.each([
    [0, '0 s'],
    [-5, '0 s'],
    [40, '0 s'],
    [2500, '2.5 s'],
    [9949, '9.9 s'],
    [9950, '10 s'],
    [59_400, '59 s'],
    [59_600, '1:00 min'],
    [65_000, '1:05 min'],
    [3_599_600, '1:00:00 h'],
    [3_723_000, '1:02:03 h'],
  ])('%i ms are %s', (ms, text) => {
    expect(plain(durationText(ms))).toBe(text);
  });

  it.each([
    [100, 'just now'],
    [12_000, '12 s ago'],
    [300_000, '5 min ago'],
    [7_200_000, '2 h ago'],
    [400_000_000, '5 days ago'],
  ])('%i ms ago is %s', (ms, text) => {
    expect(agoText(ms)).toBe(text);
  });

  it('a score is a whole percentage', () => {
    expect(plain(percentText(0.876))).toBe('88 %');
  });

  it('labels are a phrase, and each is of a kind', () => {
    expect(labelsText(['person'])).toBe('Person');
    expect(labelsText(['person', 'car', 'dog'])).toBe('Person, car and dog');
    expect(labelsText([])).toBe('Something');
    expect(['person', 'truck', 'cat', 'suitcase', '<b>'].map(groupOf)).toEqual([
      'person',
      'vehicle',
      'animal',
      'other',
      'other',
    ]);
  });

  it('what is missing is told with its reason, also one that is not known yet', () => {
    expect(plain(gapText({ ms: 3000, cause: 'camera-lost' }))).toBe(
      '3 s missing: no picture came from the camera',
    );
    expect(gapText({ ms: 3000, cause: 'struck-by-lightning' })).toContain('struck-by-lightning');
    expect(incompleteText([{ cause: 'evicted' }, { cause: 'evicted' }, { cause: 'damaged' }])).toBe(
      'incomplete: dropped from ring, damaged segment',
    );
    expect(incompleteText([])).toBe('incomplete');
  });

  it('a clip that does not play is told of by its codec', () => {
    expect(playbackFaultText('hevc', false)).toMatch(/HEVC.*cannot play/);
    expect(playbackFaultText('av1', false)).toMatch(/^The clip's av1 video/);
    expect(playbackFaultText(undefined, false)).toMatch(/^The clip cannot/);
    expect(playbackFaultText('h264', true)).toMatch(/not be loaded/);
  });

  it('days are those of the calendar here', () => {
    const noonUs = new Date(2026, 2, 1, 12).getTime() * 1000;
    expect(dayKey(noonUs)).toBe('2026-03-01');
    expect(dayText(noonUs, noonUs + 3_600_000_000)).toBe('Today');
    expect(dayText(noonUs - 13 * 3_600_000_000, noonUs)).toBe('Yesterday');
    expect(dayText(noonUs - 400 * 86_400_000_000, noonUs)).toContain('2025');
  });
});

describe('what a camera does and costs', () => {
  const ring = { spanMs: 600_000, bytes: 123e6, pinnedBytes: undefined, bytesWrittenLastHour: undefined };
  const older = {
    framesPerSecond: undefined,
    decoding: undefined,
    bytesSentLastHour: undefined,
    restarts: 0,
  };

  it('is told in a few lines', () => {
    const text = cameraDetailText({
      ...{ framesPerSecond: 4.96, decoding: 'keyframes', bytesSentLastHour: 7.24e6, restarts: 2 },
      dropped: [
        { reason: 'behind', frames: 3 },
        { reason: 'new-reason', frames: 1 },
      ],
      ring: { ...ring, pinnedBytes: 5e6, bytesWrittenLastHour: 800e6 },
    });
    expect(text.split('\n')).toEqual([
      '5 frames/s (keyframes)',
      '7.2 MB sent in the last hour',
      '10 min (123 MB) of footage on its host, 5 MB held for events, 800 MB written in the last hour',
      '3 frames dropped: NATS did not keep up',
      '1 frames dropped: new-reason',
      'connected anew 2 times',
    ]);
  });

  it('is less of an older agent', () => {
    expect(cameraDetailText({ ...older, dropped: [], ring })).toBe('10 min (123 MB) of footage on its host');
  });
});
