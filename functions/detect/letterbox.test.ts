import { describe, expect, it } from 'vitest';
import { placementOf } from './letterbox.ts';

describe('letterbox', () => {
  it('keeps the ratio at the top left or in the middle, or stretches', () => {
    const picture = { width: 1280, height: 720 };
    const input = { width: 640, height: 640 };
    expect(placementOf(picture, input, 'top-left')).toEqual({ width: 640, height: 360, left: 0, top: 0 });
    expect(placementOf(picture, input, 'centre')).toEqual({ width: 640, height: 360, left: 0, top: 140 });
    expect(placementOf(picture, input, 'stretch')).toEqual({ width: 640, height: 640, left: 0, top: 0 });
  });

  it('takes the nearest pixel, and at least one', () => {
    const input = { width: 416, height: 416 };
    expect(placementOf({ width: 640, height: 427 }, input, 'top-left').height).toBe(278);
    expect(placementOf({ width: 5000, height: 1 }, input, 'top-left').height).toBe(1);
  });
});
