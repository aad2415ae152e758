import { describe, expect, it } from 'vitest';
import { clampBox, iou, type Box } from './box.ts';

describe('box', () => {
  it('measures the overlap of two boxes', () => {
    const a: Box = [0, 0, 0.5, 0.5];
    expect(iou(a, a)).toBeCloseTo(1);
    expect(iou(a, [0.25, 0, 0.5, 0.5])).toBeCloseTo(1 / 3);
    expect(iou(a, [0.5, 0.5, 0.5, 0.5])).toBe(0);
    expect(iou([0.2, 0.2, 0, 0], [0.2, 0.2, 0, 0])).toBe(0);
  });

  it('moves the edges of a box into the frame', () => {
    expect(clampBox([-0.1, 0.9, 0.3, 0.3])).toEqual([0, 0.9, expect.closeTo(0.2), expect.closeTo(0.1)]);
    expect(clampBox([1.2, 1.2, 0.1, 0.1])).toEqual([1, 1, 0, 0]);
  });
});
