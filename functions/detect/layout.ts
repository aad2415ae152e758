import { FaascamError } from '@faascam/core/errors';

/** What a model takes and gives, as the runtime reports it. A dimension that is a string is dynamic. */
export interface TensorShape {
  name: string;
  type: string;
  shape: readonly (number | string)[];
}

/**
 * How pictures go in and detections come out:
 * - `yolox`: [1, grid, 5+C] raw, BGR 0..255, letterbox to the top left (Ge et al., "YOLOX", arXiv:2107.08430)
 * - `yolov5`: [1, 3 x grid, 5+C] in pixels with objectness (YOLOv5, v7)
 * - `yolov8`: [1, 4+C, grid] in pixels without objectness (YOLOv8, 9, 11, 12)
 * - `end-to-end`: [1, N, 6] as x1, y1, x2, y2, score, class (YOLOv10, 26)
 * - `detr`: labels, boxes and scores for `orig_target_sizes` (RT-DETR, D-FINE, DEIM)
 */
export type Family = 'yolox' | 'yolov5' | 'yolov8' | 'end-to-end' | 'detr';

export interface Layout {
  family: Family;
  /** Name of the picture's input; its size in pixels. */
  input: string;
  width: number;
  height: number;
  /** Output that holds the detections; empty for `detr`, whose three outputs have names of their own. */
  output: string;
  /** Number of classes, where the shape tells it. */
  classes: number | undefined;
}

/** Strides of the feature maps that all these detectors share. */
export const strides = [8, 16, 32] as const;

/** Cells of all feature maps for an input of this size. */
export function gridCells(width: number, height: number): number {
  return strides.reduce((sum, stride) => sum + Math.floor(width / stride) * Math.floor(height / stride), 0);
}

/**
 * Tells a model's layout by its shapes alone, never by its name. Throws `FaascamError` `model-layout` with what
 * was seen and what is known.
 */
export function layoutOf(
  inputs: readonly TensorShape[],
  outputs: readonly TensorShape[],
  labelCount?: number,
): Layout {
  const picture = inputs.find(({ shape }) => shape.length === 4);
  const [, channels, height, width] = picture?.shape ?? [];
  if (
    picture?.type !== 'float32' ||
    channels !== 3 ||
    typeof height !== 'number' ||
    typeof width !== 'number'
  ) {
    throw unknownLayout(inputs, outputs);
  }
  const base = { input: picture.name, width, height };
  if (
    inputs.some(({ name }) => name === 'orig_target_sizes') &&
    ['labels', 'boxes', 'scores'].every((name) => outputs.some((output) => output.name === name))
  ) {
    return { ...base, family: 'detr', output: '', classes: undefined };
  }
  const [output] = outputs;
  const [, rows, columns] = output?.shape ?? [];
  if (output === undefined || output.shape.length !== 3 || typeof columns !== 'number') {
    throw unknownLayout(inputs, outputs);
  }
  const cells = gridCells(width, height);
  const found = (family: Family, classes: number | undefined): Layout => ({
    ...base,
    family,
    output: output.name,
    classes,
  });
  if (columns === 6 && rows !== cells && rows !== 3 * cells) return found('end-to-end', undefined);
  if (rows === 3 * cells && columns > 5) return found('yolov5', columns - 5);
  if (rows === cells && columns > 5 && (labelCount === undefined || labelCount === columns - 5)) {
    return found('yolox', columns - 5);
  }
  if (columns === cells && typeof rows === 'number' && rows > 4) return found('yolov8', rows - 4);
  throw unknownLayout(inputs, outputs);
}

function unknownLayout(inputs: readonly TensorShape[], outputs: readonly TensorShape[]): FaascamError {
  const show = (tensors: readonly TensorShape[]): string =>
    tensors.map(({ name, type, shape }) => `${name} ${type}[${shape.join(',')}]`).join(' and ');
  return new FaascamError(
    'model-layout',
    `The model's layout is unknown: it takes ${show(inputs)} and gives ${show(outputs)}. Known are YOLOX [1,grid,5+C], ` +
      'YOLOv5/v7 [1,3 x grid,5+C], YOLOv8/9/11/12 [1,4+C,grid], end-to-end YOLO [1,N,6] and DETR (labels, boxes, scores), ' +
      'each with a float32 input [1,3,height,width].',
  );
}
