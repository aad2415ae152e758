import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { detectSettings } from '@faascam/core/settings';
import { loadDetector } from './detector.ts';
import { gridCells } from './grid.ts';
import type { Layout } from './layout.ts';
import { tinyModel, type TinyInput, type TinyOutput, type TinyType } from './testing/tiny-model.ts';

const scratch = mkdtempSync(join(tmpdir(), 'faascam-families-'));
afterAll(() => rmSync(scratch, { recursive: true }));

/** A picture that fills a 64x64 input, so that boxes are where the model says. */
const picture = await sharp({ create: { width: 128, height: 128, channels: 3, background: '#777' } })
  .png()
  .toBuffer();
const cells = gridCells(64, 64);

function images(type: TinyType = 'float32', shape: readonly (number | string)[] = [1, 3, 64, 64]): TinyInput {
  return { name: 'images', type, shape };
}

function table(
  dims: readonly number[],
  values: readonly number[] | Float32Array,
  type: TinyType = 'float32',
): TinyOutput {
  return { name: 'output', type, dims, values };
}

/** Rows of [centre x, centre y, ...] at their cells, as decoded outputs have them, with one object in row 9. */
function rows(
  columns: number,
  object: readonly number[],
  anchors = 1,
  background: readonly number[] = [],
): Float32Array {
  const values = new Float32Array(anchors * cells * columns);
  let row = 0;
  for (const stride of [8, 16, 32]) {
    const across = 64 / stride;
    for (let index = 0; index < anchors * across * across; index++, row++) {
      const cell = Math.floor(index / anchors);
      const centre = [((cell % across) + 0.5) * stride, (Math.floor(cell / across) + 0.5) * stride];
      values.set([...centre, stride, stride, ...background].slice(0, columns), row * columns);
    }
  }
  values.set(object, 9 * columns);
  return values;
}

function transposed(values: Float32Array, columns: number): Float32Array {
  const count = values.length / columns;
  return values.map((_, index) => values[(index % count) * columns + Math.floor(index / count)] ?? 0);
}

/** A raw YOLOX row for the box 24,20 to 40,44: cell 1,1 of stride 8, whose row is 9. */
const rawBox = [32 / 8 - 1, 32 / 8 - 1, Math.log(16 / 8), Math.log(24 / 8)];
const box = [32, 32, 16, 24];
const corners = [24, 20, 40, 44];
const logit = (share: number): number => Math.log(share / (1 - share));
const sizes: TinyInput = { name: 'orig_target_sizes', type: 'int64', shape: ['N', 2] };
const names = { names: "{0: 'cat', 1: \"driver's car\", 2: 'dog'}" };

function rawYolox(): Float32Array {
  const values = new Float32Array(cells * 8);
  values.set([...rawBox, 0.9, 0.1, 0.8, 0], 9 * 8);
  return values;
}

/** Each has one object of class 1, score 0.72, at those corners of the input. */
const cases: [string, Layout['family'], TinyInput[], TinyOutput[], Record<string, string>?][] = [
  ['YOLOX as it is exported', 'yolox', [images()], [table([1, cells, 8], rawYolox())]],
  [
    'YOLOX that is decoded already',
    'yolox',
    [images()],
    [table([1, cells, 8], rows(8, [...box, 0.9, 0.1, 0.8, 0]))],
  ],
  [
    'YOLOX without sigmoids',
    'yolox',
    [images()],
    [table([1, cells, 8], rows(8, [...box, logit(0.9), -5, logit(0.8), -5], 1, [-6, -6, -6, -6]))],
  ],
  ['YOLOv5 and v7', 'yolov5', [images()], [table([1, 3 * cells, 8], rows(8, [...box, 0.9, 0.1, 0.8, 0], 3))]],
  [
    'YOLOv6, whose objectness is always 1',
    'yolov5',
    [images()],
    [table([1, cells, 8], rows(8, [...box, 1, 0.1, 0.72, 0], 1, [1]))],
  ],
  [
    'YOLOv8, 9, 11 and 12',
    'yolov8',
    [images()],
    [table([1, 7, cells], transposed(rows(7, [...box, 0.1, 0.72, 0]), 7))],
  ],
  [
    'YOLOv8 row by row, told from YOLOX by its names',
    'yolov8',
    [images()],
    [table([1, cells, 7], rows(7, [...box, 0.1, 0.72, 0]))],
    names,
  ],
  [
    'YOLOv8 that also draws masks',
    'yolov8',
    [images()],
    [
      table([1, 11, cells], transposed(rows(11, [...box, 0.1, 0.72, 0, -3, 2, 8, 1]), 11)),
      { name: 'masks', type: 'float32', dims: [1, 4, 16, 16], values: new Float32Array(1024) },
    ],
    { ...names, task: 'segment' },
  ],
  [
    'end-to-end YOLOv10 and 26',
    'end-to-end',
    [images()],
    [table([1, 2, 6], [...corners, 0.72, 1, 0, 0, 9, 9, 0.01, 0])],
  ],
  [
    'end-to-end YOLOv7',
    'end-to-end',
    [images()],
    [{ ...table([1, 7], [0, ...corners, 1, 0.72]), shape: ['objects', 7] }],
  ],
  [
    'D-FINE, DEIM and RT-DETR that scale boxes themselves',
    'detr',
    [images(), sizes],
    [
      { name: 'labels', type: 'int64', dims: [1, 2], values: [1, 0] },
      { name: 'boxes', type: 'float32', dims: [1, 2, 4], values: [...corners, 0, 0, 9, 9] },
      { name: 'scores', type: 'float32', dims: [1, 2], values: [0.72, 0.01] },
    ],
  ],
  [
    'RT-DETR as logits and boxes',
    'detr',
    [images()],
    [
      { name: 'pred_logits', type: 'float32', dims: [1, 2, 3], values: [-4, logit(0.72), -5, -6, -6, -6] },
      {
        name: 'pred_boxes',
        type: 'float32',
        dims: [1, 2, 4],
        values: [0.5, 0.5, 0.25, 0.375, 0.1, 0.1, 0.1, 0.1],
      },
    ],
  ],
  [
    'DETR, one of whose classes is "no object"',
    'detr',
    [images()],
    [
      {
        name: 'pred_logits',
        type: 'float32',
        dims: [1, 3, 4],
        values: [0, Math.log(0.72), 0, Math.log(0.28), -5, -5, -5, 4, -5, -5, -5, 4].map((value, index) =>
          index === 0 || index === 2 ? -40 : value,
        ),
      },
      {
        name: 'pred_boxes',
        type: 'float32',
        dims: [1, 3, 4],
        values: [0.5, 0.5, 0.25, 0.375, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1],
      },
    ],
  ],
  [
    'RT-DETR in one table',
    'detr',
    [images()],
    [table([1, 2, 7], [0.5, 0.5, 0.25, 0.375, 0.1, 0.72, 0, 0.1, 0.1, 0.1, 0.1, 0, 0, 0])],
    names,
  ],
  [
    'half-precision floats in and out',
    'yolov8',
    [images('float16')],
    [table([1, 7, cells], transposed(rows(7, [...box, 0.1, 0.72, 0]), 7), 'float16')],
  ],
  [
    'bytes in, colours last',
    'yolov8',
    [images('uint8', [1, 64, 64, 3])],
    [table([1, 7, cells], transposed(rows(7, [...box, 0.1, 0.72, 0]), 7))],
  ],
  [
    'sizes left open, the input’s told by the exporter',
    'yolov8',
    [images('float32', ['batch', 3, 'height', 'width'])],
    [
      {
        ...table([1, 7, cells], transposed(rows(7, [...box, 0.1, 0.72, 0]), 7)),
        shape: ['batch', 7, 'anchors'],
      },
    ],
    { imgsz: '[64, 64]' },
  ],
];

async function load(bytes: Buffer, more: Record<string, unknown> = {}, labels?: string[]) {
  // The name must tell nothing.
  const path = join(scratch, 'model.onnx');
  writeFileSync(path, bytes);
  const model = { name: 'model', path, sha256: 'a'.repeat(64), demo: false, ...(labels ? { labels } : {}) };
  return await loadDetector(model, detectSettings.parse(more));
}

describe('a model of the layout', () => {
  it.each(cases)('%s is known', async (_what, family, inputs, outputs, metadata) => {
    const detector = await load(tinyModel(inputs, outputs, metadata));
    try {
      expect(detector.layout).toMatchObject({ family, width: 64, height: 64 });
      const [found, ...others] = await detector.detect(picture);
      expect(others).toEqual([]);
      expect(found?.score).toBeCloseTo(0.72, 2);
      for (const [index, side] of [0.375, 0.3125, 0.25, 0.375].entries()) {
        expect(found?.box[index]).toBeCloseTo(side, 3);
      }
      expect(detector.labels.indexOf(found?.label ?? '')).toBe(1);
      if (metadata?.['names']) expect(found?.label).toBe("driver's car");
    } finally {
      await detector.close();
    }
  });

  it.each<[string, TinyInput[], TinyOutput[], Record<string, string>?]>([
    ['a classifier', [images()], [table([1, 4], [0, 0, 0, 1])]],
    ['YOLOv5 that is not decoded', [images()], [table([1, 3 * cells, 8], rows(8, [0, 0, 0, 0, -9], 3))]],
    ['boxes that are turned', [images()], [table([1, 8, cells], rows(8, box))], { task: 'obb' }],
    [
      'three pictures at once',
      [images('float32', [3, 3, 64, 64])],
      [table([3, 7, cells], new Float32Array(21 * cells))],
    ],
    ['one colour', [images('float32', [1, 1, 64, 64])], [table([1, 7, cells], rows(7, box))]],
    ['pictures of whole numbers', [images('int32')], [table([1, 7, cells], rows(7, box))]],
    [
      'a second input for something else',
      [images(), { ...sizes, shape: [4] }],
      [table([1, 7, cells], rows(7, box))],
    ],
  ])('%s is refused with what was seen and what is known', async (_what, inputs, outputs, metadata) => {
    await expect(load(tinyModel(inputs, outputs, metadata))).rejects.toMatchObject({
      code: 'model-layout',
      message: expect.stringMatching(/unknown: it takes images \w+\[[\d,]+\].*Known are YOLOX/) as string,
    });
  });
});

describe('class names', () => {
  const threeClasses = tinyModel(
    [images()],
    [table([1, 7, cells], transposed(rows(7, [...box, 0.1, 0.72, 0]), 7))],
  );
  const labelOf = async (bytes: Buffer, labels?: string[]): Promise<string | undefined> => {
    const detector = await load(bytes, {}, labels);
    const [found] = await detector.detect(picture);
    await detector.close();
    return found?.label;
  };

  it('are those that a person gave, and numbers where nobody named them', async () => {
    expect(await labelOf(threeClasses, ['van', 'bus', 'tram'])).toBe('bus');
    expect(await labelOf(threeClasses)).toBe('class 1');
  });

  it("are COCO's where there are as many as COCO has, by whichever of its numbers", async () => {
    const coco = tinyModel([images()], [table([1, 84, cells], transposed(rows(84, [...box, 0, 0.72]), 84))]);
    expect(await labelOf(coco)).toBe('bicycle');
    const scores = new Float32Array(2 * 91).fill(-9);
    scores[1] = 3;
    const outputs: TinyOutput[] = [
      { name: 'dets', type: 'float32', dims: [1, 2, 4], values: [0.5, 0.5, 0.2, 0.2, 0.5, 0.5, 0.2, 0.2] },
      { name: 'labels', type: 'float32', dims: [1, 2, 91], values: scores },
    ];
    expect(await labelOf(tinyModel([images()], outputs))).toBe('person');
  });

  it('of another number than there are classes are refused', async () => {
    await expect(load(threeClasses, {}, ['van'])).rejects.toThrow(/1 labels are given .* has 3 classes/);
  });
});

describe('what runs a model', () => {
  const model = tinyModel([images()], [table([1, 7, cells], transposed(rows(7, box), 7))]);

  it('is the processor unless told otherwise, also when nothing better works', async () => {
    for (const provider of ['cpu', 'auto']) {
      const detector = await load(model, { provider });
      expect(detector.provider).toMatch(provider === 'cpu' ? /^cpu$/ : /^[a-z]+$/);
      expect(detector.provider === 'cpu' && provider === 'auto').toBe(detector.fallback !== undefined);
      await detector.close();
    }
  });

  it('cannot be what the runtime does not have', async () => {
    await expect(load(model, { provider: 'abacus' })).rejects.toMatchObject({
      code: 'provider-unknown',
      message: expect.stringMatching(/"abacus".*choose one of .*cpu.*, or auto/) as string,
    });
  });
});
