import { describe, expect, test } from 'vitest';
import { DIGEST_BYTES, type Segment, type Track } from './segment.ts';
import { concatList, framesOf, layOut, nearestFrame } from './timeline.ts';

const INTERVAL_US = 40_000;

interface Shape {
  startUs: number;
  /** Time of the first picture on the file's own time line. */
  fileUs?: number;
  /** By how much the sound begins before the first picture. */
  soundLeadUs?: number;
  pictures?: number;
}

/** A segment of 25 fps whose pictures are shown in the order of the file. */
function segment({ startUs, fileUs = 0, soundLeadUs, pictures = 50 }: Shape): Segment {
  const stream = {
    index: 0,
    codec: 'h264',
    width: 320,
    height: 240,
    sampleRate: 0,
    channels: 0,
    parameters: '',
  };
  const trackFrom = (firstUs: number, count: number, stepUs: number): Track => ({
    stream,
    ptsUs: Float64Array.from({ length: count }, (_, index) => firstUs + index * stepUs),
    digests: new Uint8Array(count * DIGEST_BYTES),
    lastDurationUs: stepUs,
  });
  return {
    ref: {
      object: `at-${startUs}`,
      sha256: '0'.repeat(64),
      sizeBytes: 1,
      startUs,
      durationUs: pictures * INTERVAL_US,
    },
    path: `/ring/${startUs}.mkv`,
    fileStartUs: fileUs - Math.max(0, soundLeadUs ?? 0),
    firstPictureUs: fileUs,
    video: trackFrom(fileUs, pictures, INTERVAL_US),
    ...(soundLeadUs === undefined
      ? {}
      : { audio: trackFrom(fileUs - soundLeadUs, (pictures * INTERVAL_US) / 20_000, 20_000) }),
  };
}

/** Where ffmpeg's concat demuxer will put each first picture, by the rule that its documentation gives. */
function asConcatShows(placed: ReturnType<typeof layOut>): number[] {
  let fileStartUs = 0;
  return placed.map(({ segment: { firstPictureUs, fileStartUs: own }, fileDurationUs }) => {
    const shown = fileStartUs + firstPictureUs - own;
    fileStartUs += fileDurationUs ?? 0;
    return shown;
  });
}

describe.each([
  ['their files begin at 0', () => 0],
  ['their files go on with the stream', (index: number) => 86_400_000_000 + index * 2_000_000],
  ['their files begin anywhere', (index: number) => index * 7_000_000],
] as const)('when %s', (_name, fileUsOf) => {
  test('pictures are as far apart as their captures, also across a hole', () => {
    const starts = [1_000_000, 3_000_000, 9_000_000, 11_000_000];
    const placed = layOut(
      starts.map((startUs, index) => segment({ startUs, fileUs: fileUsOf(index) })),
      false,
    );
    expect(asConcatShows(placed)).toEqual([0, 2_000_000, 8_000_000, 10_000_000]);
    const frames = framesOf(placed);
    expect(frames.map(({ clipUs }) => clipUs)).toEqual(frames.map((frame) => frame.capturedAtUs - 1_000_000));
  });

  test('sound that begins before its pictures moves none of them', () => {
    const placed = layOut(
      [30_000, 0, 19_000].map((soundLeadUs, index) =>
        segment({ startUs: index * 2_000_000, fileUs: fileUsOf(index), soundLeadUs }),
      ),
      true,
    );
    expect(asConcatShows(placed)).toEqual([30_000, 2_030_000, 4_030_000]);
  });
});

test('a segment that would begin before the end of the one before follows it, and a hole takes the delay up', () => {
  const placed = layOut(
    [0, 1_900_000, 3_900_000, 8_000_000].map((startUs) => segment({ startUs })),
    false,
  );
  expect(asConcatShows(placed)).toEqual([0, 2_000_000, 4_000_000, 8_000_000]);
});

test('a segment that is due within the rounding of the last picture’s time stays where it is', () => {
  const placed = layOut([segment({ startUs: 0 }), segment({ startUs: 1_999_400 })], false);
  expect(asConcatShows(placed)).toEqual([0, 1_999_000]);
});

test('a clock set back far keeps the order of the segments given', () => {
  const placed = layOut([segment({ startUs: 9_000_000 }), segment({ startUs: 9_000_000 })], false);
  expect(asConcatShows(placed)).toEqual([0, 2_000_000]);
});

test('the list quotes paths, and has no duration for the last file', () => {
  const [first, second] = layOut([segment({ startUs: 0 }), segment({ startUs: 2_500_000 })], false);
  if (first === undefined || second === undefined) throw new Error('two segments');
  first.segment.path = "/tmp/it's here/1.mkv";
  expect(concatList([first, second])).toBe(
    [
      'ffconcat version 1.0',
      String.raw`file '/tmp/it'\''s here/1.mkv'`,
      'duration 2.500000',
      "file '/ring/2500000.mkv'",
      '',
    ].join('\n'),
  );
});

test('the nearest picture to a time is found in holes and beyond the ends too', () => {
  const frames = framesOf(layOut([segment({ startUs: 0 }), segment({ startUs: 6_000_000 })], false));
  const nearest = (atUs: number): number | undefined => nearestFrame(frames, atUs)?.capturedAtUs;
  expect(nearest(-5)).toBe(0);
  expect(nearest(59_000)).toBe(40_000);
  expect(nearest(61_000)).toBe(80_000);
  expect(nearest(3_000_000)).toBe(1_960_000);
  expect(nearest(5_000_000)).toBe(6_000_000);
  expect(nearest(99_000_000)).toBe(7_960_000);
  expect(nearestFrame([], 0)).toBeUndefined();
});
