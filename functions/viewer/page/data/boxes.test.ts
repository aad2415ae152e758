import { describe, expect, it } from 'vitest';
import { boxesAt, BoxTrail, Lateness, type BoxesFrame } from './boxes.ts';

const frame = (capturedAtUs: number, ...lefts: number[]): BoxesFrame => ({
  ...{ capturedAtUs, inferred: true },
  objects: lefts.map((left, track) => ({
    ...{ track, label: 'dog', score: 0.5, confirmed: true },
    box: [left, 0.2, 0.1, 0.1],
  })),
});
const leftsAt = (frames: BoxesFrame[], us: number): string[] =>
  boxesAt(frames, us).map(({ track, box }) => `${String(track)} at ${box[0].toFixed(3)}`);

describe('the box over a picture', () => {
  const frames = [frame(1_000_000, 0.1, 0.5), frame(1_200_000, 0.3), frame(5_000_000, 0.6)];

  it('is on its way from one frame to the next', () => {
    expect(leftsAt(frames, 1_000_000)).toEqual(['0 at 0.100', '1 at 0.500']);
    expect(leftsAt(frames, 1_050_000)[0]).toBe('0 at 0.150');
    expect(leftsAt(frames, 1_199_999)[0]).toBe('0 at 0.300');
  });

  it('is gone soon after the last frame that has it, and is not there before the first', () => {
    expect(leftsAt(frames, 999_999)).toEqual([]);
    expect(leftsAt(frames, 1_150_000)).toHaveLength(2);
    expect(leftsAt(frames, 1_160_000)).toEqual(['0 at 0.260']);
    // Too long until the next frame to say where it was meanwhile.
    expect(leftsAt(frames, 1_300_000)).toEqual(['0 at 0.300']);
    expect(leftsAt(frames, 2_000_000)).toEqual([]);
    expect(leftsAt(frames, 6_000_000)).toEqual([]);
  });

  it('is found however late or often a frame was told', () => {
    const trail = new BoxTrail();
    for (const told of [frames[1], frames[0], frames[1]]) if (told !== undefined) trail.add(told);
    expect(trail.newestUs).toBe(1_200_000);
    expect(trail.at(1_100_000).map(({ box }) => box[0].toFixed(2))).toEqual(['0.20', '0.50']);
    trail.add(frame(60_000_000));
    expect(trail.at(1_100_000)).toEqual([]);
  });
});

describe('how far behind pictures are shown', () => {
  it('is as late as boxes come, counted from the frame that they go on from', () => {
    const late = new Lateness();
    expect(late.behindS).toBe(1.2);
    // Boxes of a frame come when the picture of 0.4 s later is there; until then those of 0.2 s before it were the last.
    late.note(1_000_000, 1_400_000, 800_000);
    expect(late.behindS).toBeCloseTo(0.7);
    late.note(1_200_000, 1_900_000, 1_000_000);
    expect(late.behindS).toBeCloseTo(1);
    // After half a minute without motion nobody waits as long again.
    late.note(31_200_000, 31_600_000, 1_200_000);
    expect(late.behindS).toBeCloseTo(1);
  });

  it('counts no frame that was told late because the connection was broken or stood still', () => {
    const late = new Lateness();
    late.note(1_000_000, 1_400_000, 800_000);
    // Four seconds without a connection, and then what was missed.
    late.begin(5_400_000);
    late.note(1_200_000, 5_400_000, 1_000_000);
    late.note(5_000_000, 5_500_000, 4_800_000);
    expect(late.behindS).toBeCloseTo(0.7);
    // Taken since then, and half a minute under way.
    late.note(6_000_000, 36_000_000, 5_800_000);
    expect(late.behindS).toBeCloseTo(0.7);
    late.note(36_000_000, 36_600_000, 35_800_000);
    expect(late.behindS).toBeCloseTo(0.9);
  });

  it('has its bounds', () => {
    const late = new Lateness();
    late.note(1_000_000, 900_000, 900_000);
    expect(late.behindS).toBe(0.3);
    late.note(54_200_000, 60_000_000, 53_000_000);
    expect(late.behindS).toBe(6);
  });
});
