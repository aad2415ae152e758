import { describe, expect, test } from 'vitest';
import type { Box } from './box.ts';
import { boxInPicture, viewOf, type View } from './view.ts';

/** Where the frame shows a part of the picture, as ffmpeg cuts and turns: cut first, then clockwise. */
function shownOf([x, y, width, height]: Box, { rotate, crop = [0, 0, 1, 1] }: View): Box {
  const [left, top, across, down] = crop;
  let box: Box = [(x - left) / across, (y - top) / down, width / across, height / down];
  for (let turned = 0; turned < rotate; turned += 90) {
    const [bx, by, bw, bh] = box;
    // A quarter clockwise: what was at the bottom is on the left.
    box = [1 - by - bh, bx, bh, bw];
  }
  return box;
}

describe('view', () => {
  test('a camera that is neither turned nor cut needs none', () => {
    expect(viewOf({ rotate: 0 })).toBeUndefined();
    expect(viewOf({ rotate: 90 })).toEqual({ rotate: 90 });
    expect(viewOf({ rotate: 0, crop: [0, 0, 0.5, 1] })).toEqual({ rotate: 0, crop: [0, 0, 0.5, 1] });
  });

  test.each([0, 90, 180, 270] as const)(
    'a box of a frame turned by %d lies where it was in the picture',
    (rotate) => {
      const inPicture: Box = [0.3, 0.2, 0.1, 0.25];
      for (const crop of [undefined, [0.2, 0.1, 0.5, 0.4] as Box]) {
        const view: View = { rotate, ...(crop === undefined ? {} : { crop }) };
        const back = boxInPicture(shownOf(inPicture, view), view);
        back.forEach((value, at) => expect(value).toBeCloseTo(inPicture[at] ?? Number.NaN, 9));
      }
    },
  );

  test('the top left of a frame turned a quarter clockwise is the bottom left of the picture', () => {
    expect(boxInPicture([0, 0, 0.25, 0.5], { rotate: 90 })).toEqual([0, 0.75, 0.5, 0.25]);
  });
});
