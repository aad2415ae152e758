import { describe, expect, it } from 'vitest';
import { gridCells, stridesOf } from './grid.ts';
import { pictureInputOf, type TensorShape } from './layout.ts';

const images = (...shape: (number | string)[]): TensorShape => ({ name: 'images', type: 'float32', shape });

describe('the cells of feature maps', () => {
  it('are counted over all of them', () => {
    expect(gridCells(416, 416)).toBe(3549);
    expect(gridCells(640, 640)).toBe(8400);
  });

  it.each([
    ['the usual three', 8400, 1, [8, 16, 32]],
    ['three boxes a cell', 25_200, 3, [8, 16, 32]],
    ['one more for small objects', 34_000, 1, [4, 8, 16, 32]],
    ['one more for large objects', 8500, 1, [8, 16, 32, 64]],
    ['two of a tiny network', 6000, 3, [16, 32]],
    ['none that is known', 8399, 1, undefined],
  ])('tell the strides: %s', (_what, rows, anchors, strides) => {
    expect(stridesOf(rows, { width: 640, height: 640 }, anchors)).toEqual(strides);
  });
});

describe("a model's input", () => {
  it('may leave its size open: then settings, the exporter or 640x640 say it', () => {
    const open = [images('N', 3, 'height', 'width')];
    expect(pictureInputOf(open, {})).toMatchObject({ width: 640, height: 640 });
    expect(pictureInputOf(open, { inputSize: [640, 384] })).toMatchObject({ width: 640, height: 384 });
    expect(pictureInputOf([images(1, 3, 416, 'width')], { inputSize: [640, 384] })).toMatchObject({
      width: 640,
      height: 416,
    });
  });

  it('must be a picture of three colours', () => {
    expect(() => pictureInputOf([], {})).toThrow(/it takes nothing. Known are YOLOX/);
    expect(() => pictureInputOf([images(1, 4, 64, 64)], {})).toThrow(/takes images float32\[1,4,64,64\]/);
  });
});
