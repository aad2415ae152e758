import { describe, expect, it } from 'vitest';
import { gridCells, layoutOf, type TensorShape } from './layout.ts';

const images = (width: number, height: number): TensorShape => ({
  name: 'images',
  type: 'float32',
  shape: [1, 3, height, width],
});
const output = (...shape: (number | string)[]): TensorShape => ({ name: 'output', type: 'float32', shape });

describe('a model layout', () => {
  it.each([
    ['yolox', 416, 416, [1, 3549, 85], 80],
    ['yolox', 320, 192, [1, 1260, 7], 2],
    ['yolov5', 640, 640, [1, 25_200, 85], 80],
    ['yolov8', 640, 640, [1, 84, 8400], 80],
    ['yolov8', 640, 384, [1, 6, 5040], 2],
    ['end-to-end', 640, 640, [1, 300, 6], undefined],
  ])('%s is told by its shapes at %dx%d', (family, width, height, shape, classes) => {
    expect(layoutOf([images(width, height)], [output(...shape)])).toEqual({
      family,
      classes,
      width,
      height,
      input: 'images',
      output: 'output',
    });
  });

  it('detr is told by its second input and three outputs', () => {
    const sizes: TensorShape = { name: 'orig_target_sizes', type: 'int64', shape: ['N', 2] };
    const outputs = ['labels', 'boxes', 'scores'].map((name) => ({ ...output('N', 300), name }));
    expect(layoutOf([images(320, 320), sizes], outputs)).toMatchObject({ family: 'detr', width: 320 });
  });

  it('that is unknown is refused with what was seen and what is known', () => {
    expect(() => layoutOf([images(224, 224)], [output(1, 1000)])).toThrow(
      /takes images float32\[1,3,224,224\] and gives output float32\[1,1000\].*Known are YOLOX/,
    );
    expect(() => layoutOf([], [])).toThrow(/unknown/);
  });

  it('counts the cells of three feature maps', () => {
    expect(gridCells(416, 416)).toBe(3549);
    expect(gridCells(640, 640)).toBe(8400);
  });
});
