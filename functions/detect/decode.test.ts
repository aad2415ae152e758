import { describe, expect, it } from 'vitest';
import { decodeEndToEnd, decodeYolov5, decodeYolov8, decodeYolox, type Decoding } from './decode.ts';
import { gridCells, type Family, type Layout } from './layout.ts';
import { placementOf, toFractions } from './letterbox.ts';
import { suppress } from './suppression.ts';

/** A 64x64 input, two classes, and a picture of 128x96 pixels in it. */
function decodingOf(family: Family): Decoding {
  const layout: Layout = { family, input: 'images', output: 'o', width: 64, height: 64, classes: 2 };
  const placement = placementOf({ width: 128, height: 96 }, layout, family);
  return { layout, placement, minScore: 0.3, minScoreOf: (classId) => (classId === 0 ? 0.3 : 0.9) };
}

describe('letterbox', () => {
  it('keeps the ratio, at the top left for YOLOX and in the middle for the others', () => {
    const picture = { width: 1280, height: 720 };
    const input = { width: 640, height: 640 };
    expect(placementOf(picture, input, 'yolox')).toEqual({ width: 640, height: 360, left: 0, top: 0 });
    expect(placementOf(picture, input, 'yolov8')).toEqual({ width: 640, height: 360, left: 0, top: 140 });
    expect(placementOf(picture, input, 'detr')).toEqual({ width: 640, height: 640, left: 0, top: 0 });
  });

  it('leads back to the picture', () => {
    const placement = placementOf({ width: 1280, height: 720 }, { width: 640, height: 640 }, 'yolov8');
    expect(toFractions(placement, 0, 140, 320, 320)).toEqual([0, 0, 0.5, 0.5]);
  });
});

describe('decoding', () => {
  it('finds a YOLOX object where its cell, stride and logarithms say', () => {
    const decoding = decodingOf('yolox');
    const output = new Float32Array(gridCells(64, 64) * 7);
    const row = 64 + 1 * 4 + 2; // stride 16, second row, third column
    output.set([0.5, 0.5, Math.log(1), Math.log(2), 0.8, 0.9, 0.1], row * 7);
    const [found, ...others] = decodeYolox(output, decoding);
    expect(others).toEqual([]);
    expect(found).toMatchObject({ classId: 0, score: expect.closeTo(0.72) as number });
    // Centre 40, 24 and size 16 x 32 of the 64 x 48 that the picture takes.
    expect(found?.box.map((side) => Math.round(side * 1000))).toEqual([500, 167, 250, 667]);
  });

  it('holds each class to its own minimum score', () => {
    const decoding = decodingOf('yolox');
    const output = new Float32Array(gridCells(64, 64) * 7);
    output.set([0.5, 0.5, 0, 0, 1, 0, 0.8], 0);
    output.set([0.5, 0.5, 0, 0, 1, 0, 0.95], 7);
    expect(decodeYolox(output, decoding).map(({ score }) => score)).toEqual([expect.closeTo(0.95)]);
  });

  it('reads the rows of YOLOv5, the columns of YOLOv8 and the finished boxes of end-to-end models alike', () => {
    const v5 = new Float32Array(3 * gridCells(64, 64) * 7);
    v5.set([32, 32, 16, 24, 0.9, 0.8, 0.1], 70);
    const cells = gridCells(64, 64);
    const v8 = new Float32Array(6 * cells);
    for (const [quantity, value] of [32, 32, 16, 24, 0.72, 0.1].entries()) v8[quantity * cells + 9] = value;
    const end = Float32Array.of(24, 20, 40, 44, 0.72, 0);
    const [a] = decodeYolov5(v5, decodingOf('yolov5'));
    const [b] = decodeYolov8(v8, decodingOf('yolov8'));
    const [c] = decodeEndToEnd(end, decodingOf('end-to-end'));
    expect(a?.box).toEqual([0.375, 0.25, 0.25, 0.5]);
    expect(b?.box).toEqual(a?.box);
    expect(c?.box).toEqual(a?.box);
    expect([a?.score, b?.score, c?.score]).toEqual([
      expect.closeTo(0.72),
      expect.closeTo(0.72),
      expect.closeTo(0.72),
    ]);
  });
});

describe('suppression', () => {
  it('keeps the best of what overlaps within a class, and everything of other classes', () => {
    const at = (classId: number, score: number, x: number) => ({
      classId,
      score,
      box: [x, 0.1, 0.2, 0.2] as [number, number, number, number],
    });
    const kept = suppress([at(0, 0.7, 0.11), at(0, 0.9, 0.1), at(1, 0.6, 0.1), at(0, 0.5, 0.6)], 0.45);
    expect(kept.map(({ score }) => score)).toEqual([0.9, 0.6, 0.5]);
  });
});
