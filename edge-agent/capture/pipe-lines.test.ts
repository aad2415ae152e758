import { describe, expect, test } from 'vitest';
import { parseFrameTime } from './frame-time.ts';
import { LineSplitter } from './lines.ts';
import { parseSegmentLine } from './segment-list.ts';

describe('lines of ffmpeg', () => {
  test('come out whole, however the bytes were cut', () => {
    const bytes = Buffer.from('eins\r\nzwei ä\n\ndrei');
    for (let at = 0; at <= bytes.length; at++) {
      const lines = new LineSplitter();
      const found = [...lines.push(bytes.subarray(0, at)), ...lines.push(bytes.subarray(at)), ...lines.end()];
      expect(found).toEqual(['eins', 'zwei ä', '', 'drei']);
    }
  });

  test('a line without end does not fill the memory', () => {
    const lines = new LineSplitter();
    for (let i = 0; i < 100; i++) lines.push(Buffer.alloc(10_000, 'x'));
    expect(lines.end().join('').length).toBeLessThan(50_000);
  });

  test('a frame time is read in microseconds', () => {
    expect(parseFrameTime('frame:0    pts:0       pts_time:0')).toBe(0);
    expect(parseFrameTime('frame:696  pts:139200000 pts_time:139.2')).toBe(139_200_000);
    expect(parseFrameTime('frame:3    pts:-33333  pts_time:-0.033333')).toBe(-33_333);
  });

  test('a frame without a time says so, other lines say nothing', () => {
    expect(parseFrameTime('frame:3    pts:NOPTS   pts_time:NOPTS')).toBe('no-time');
    expect(parseFrameTime('sampled=1')).toBeUndefined();
    expect(parseFrameTime('')).toBeUndefined();
  });

  test('a closed segment is read in microseconds', () => {
    expect(parseSegmentLine('000001.mkv,2.023000,3.956000')).toEqual({
      name: '000001.mkv',
      startUs: 2_023_000,
      endUs: 3_956_000,
    });
    expect(parseSegmentLine('000000.mkv,-0.100000,1.9\r')).toMatchObject({
      startUs: -100_000,
      endUs: 1_900_000,
    });
  });

  test.each([
    '',
    'x',
    '000000.mkv,0.000000,0.000000',
    '000001.mkv,3,2',
    '../1.mkv,1,2',
    '000001.mkv,nan,2',
    '000001.mkv,1',
  ])('%j is no closed segment', (line) => {
    expect(parseSegmentLine(line)).toBeUndefined();
  });
});
