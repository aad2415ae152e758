import { describe, expect, it } from 'vitest';
import { meanAveragePrecision, type Detection, type PixelBox, type Truth } from './detector-coco.ts';

const truth = (image: number, box: PixelBox, crowd = false, category = 1): Truth => ({
  image,
  category,
  box,
  crowd,
});
const seen = (image: number, box: PixelBox, score: number, category = 1): Detection => ({
  ...{ image, category, box, score },
});

describe('mean average precision', () => {
  const square: PixelBox = [0, 0, 100, 100];

  it('is one where everything is found exactly, and nothing where nothing is', () => {
    expect(meanAveragePrecision([truth(1, square)], [seen(1, square, 0.3)])).toBe(1);
    expect(meanAveragePrecision([truth(1, square)], [])).toBe(0);
  });

  it('counts the thresholds that a box reaches', () => {
    // An overlap of 0.77 reaches .50 to .75: six of ten.
    expect(meanAveragePrecision([truth(1, square)], [seen(1, [0, 0, 100, 77], 0.9)])).toBeCloseTo(0.6);
  });

  it('goes down by a false detection that scores better, not by one that scores worse', () => {
    const [hit, elsewhere] = [seen(1, square, 0.5), seen(2, [300, 300, 50, 50], 0.9)];
    expect(meanAveragePrecision([truth(1, square)], [hit, elsewhere])).toBeCloseTo(0.5);
    expect(meanAveragePrecision([truth(1, square)], [hit, { ...elsewhere, score: 0.1 }])).toBe(1);
  });

  it('takes a second detection of one object for false', () => {
    const two = [truth(1, square), truth(1, [200, 0, 100, 100])];
    const found = [seen(1, square, 0.9), seen(1, square, 0.8), seen(1, [200, 0, 100, 100], 0.7)];
    // Recall .5 at precision 1 (51 of the 101 points), then 1 at 2/3.
    expect(meanAveragePrecision(two, found)).toBeCloseTo((51 + 50 * (2 / 3)) / 101);
  });

  it('lets be what lies in a crowd, and averages over classes that occur', () => {
    const crowd = truth(1, [200, 200, 300, 300], true);
    expect(
      meanAveragePrecision(
        [truth(1, square), crowd],
        [seen(1, [250, 250, 40, 40], 0.9), seen(1, square, 0.5)],
      ),
    ).toBe(1);
    expect(meanAveragePrecision([truth(1, square), truth(1, square, false, 2)], [seen(1, square, 0.5)])).toBe(
      0.5,
    );
  });
});
