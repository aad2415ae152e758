import { FaascamError } from '@faascam/core/errors';
import { centresAreInPixels, stridesOf } from './grid.ts';
import type { Placing } from './letterbox.ts';
import type { Pixels } from './pixels.ts';

/** What a model takes and gives, as the runtime reports it. A dimension that is a string is dynamic. */
export interface TensorShape {
  name: string;
  type: string;
  shape: readonly (number | string)[];
}

/** An output as it was in a run: its real size, and its numbers where they are floats. */
export interface SeenOutput {
  name: string;
  type: string;
  dims: readonly number[];
  values: Float32Array | undefined;
}

/** The input that takes the picture. */
export interface PictureInput {
  name: string;
  type: 'float32' | 'float16' | 'uint8';
  /** [1, height, width, 3] instead of [1, 3, height, width]. */
  channelsLast: boolean;
  width: number;
  height: number;
  /** Input for the picture's size as [1, 2] (width, height), which DETR exports have that scale boxes themselves. */
  sizeInput?: { name: string; type: 'int64' | 'int32' | 'float32' };
}

/**
 * How pictures go in and detections come out:
 * - `yolox`: [1, grid, 5+C], BGR 0..255, letterbox to the top left (Ge et al., "YOLOX", arXiv:2107.08430)
 * - `yolov5`: [1, 3 x grid, 5+C] in pixels with objectness (YOLOv5, v7); YOLOv6 with one box a cell
 * - `yolov8`: [1, 4+C, grid] or [1, grid, 4+C] in pixels without objectness (YOLOv8, 9, 11, 12)
 * - `end-to-end`: [1, N, 6] as x1, y1, x2, y2, score, class (YOLOv10, 26), [N, 7] of YOLOv7
 * - `detr`: labels, boxes and scores (D-FINE, DEIM, RT-DETR), or a logit a class and a box a query (Carion et al.,
 *   "End-to-End Object Detection with Transformers", arXiv:2005.12872)
 */
export type Family = 'yolox' | 'yolov5' | 'yolov8' | 'end-to-end' | 'detr';

/** Rows of a box and its scores. Element `column` of row `row` is at `row * rowStep + column * columnStep`. */
export interface RowsAnswer {
  kind: 'rows';
  output: string;
  rows: number;
  rowStep: number;
  columnStep: number;
  /** `cells`: offsets and logarithms of sizes in strides; `pixels` and `unit`: centre and size. */
  boxes: 'cells' | 'pixels' | 'unit';
  strides: readonly number[];
  objectness: boolean;
  /** Scores are logits. */
  logits: boolean;
  classes: number;
}

/** Rows of finished detections. `batched`: batch, x1, y1, x2, y2, class, score; else x1, y1, x2, y2, score, class. */
export interface FinishedAnswer {
  kind: 'finished';
  output: string;
  columns: number;
  batched: boolean;
}

export interface LabelledAnswer {
  kind: 'labelled';
  labels: string;
  boxes: string;
  scores: string;
}

/** A box (centre and size as fractions) and a number a class for each query. */
export interface QueriesAnswer {
  kind: 'queries';
  boxes: string;
  scores: string;
  queries: number;
  columns: number;
  /** Classes that count: without "no object", where a softmax has one. */
  classes: number;
  activation: 'none' | 'sigmoid' | 'softmax';
}

export type Answer = RowsAnswer | FinishedAnswer | LabelledAnswer | QueriesAnswer;

export interface Layout extends PictureInput {
  family: Family;
  pixels: Pixels;
  placing: Placing;
  answer: Answer;
  /** Number of classes, where the shape tells it. */
  classes: number | undefined;
}

/** What an exporter wrote into the model that its layout depends on. */
export interface LayoutHints {
  /** How many classes it has names for. */
  labelCount?: number | undefined;
  /** `detect`, `segment`, `pose` and others. */
  task?: string | undefined;
  /** For dynamic sizes: [width, height]. */
  inputSize?: readonly [number, number] | undefined;
}

/** What a model with a size of its own choice gets when nobody says anything. */
const USUAL_SIZE = 640;

/** The input that takes the picture. Throws `FaascamError` `model-layout`. */
export function pictureInputOf(inputs: readonly TensorShape[], hints: LayoutHints): PictureInput {
  const picture = inputs.find(({ shape }) => shape.length === 4);
  const others = inputs.filter((input) => input !== picture);
  const [size] = others;
  const type = (['float32', 'float16', 'uint8'] as const).find((known) => known === picture?.type);
  const sizeType = (['int64', 'int32', 'float32'] as const).find((known) => known === size?.type);
  if (picture === undefined || type === undefined || others.length > 1) throw unknownLayout(inputs, []);
  const channelsLast = picture.shape[3] === 3 && picture.shape[1] !== 3;
  const [batch, ...rest] = picture.shape;
  const [height, width, channels] = channelsLast ? rest : [rest[1], rest[2], rest[0]];
  if ((typeof batch === 'number' && batch !== 1) || (typeof channels === 'number' && channels !== 3)) {
    throw unknownLayout(inputs, []);
  }
  const input: PictureInput = {
    name: picture.name,
    type,
    channelsLast,
    width: typeof width === 'number' ? width : (hints.inputSize?.[0] ?? USUAL_SIZE),
    height: typeof height === 'number' ? height : (hints.inputSize?.[1] ?? USUAL_SIZE),
  };
  if (size === undefined) return input;
  if (sizeType === undefined || size.shape.length !== 2 || size.shape[1] !== 2) {
    throw unknownLayout(inputs, []);
  }
  return { ...input, sizeInput: { name: size.name, type: sizeType } };
}

/**
 * Tells a model's layout by its shapes, by the numbers of a first run and by what its exporter wrote into it, never by its
 * name. Throws `FaascamError` `model-layout` with what was seen and what is known.
 */
export function layoutOf(
  input: PictureInput,
  inputs: readonly TensorShape[],
  outputs: readonly SeenOutput[],
  hints: LayoutHints,
): Layout {
  const layout =
    labelledLayout(input, outputs) ??
    (input.sizeInput === undefined
      ? (queriesLayout(input, outputs) ?? tableLayout(input, outputs, hints))
      : undefined);
  if (layout === undefined || hints.task === 'obb') throw unknownLayout(inputs, outputs);
  return layout;
}

const yoloIn = { pixels: 'rgb', placing: 'centre' } as const;
const detrIn = { family: 'detr', pixels: 'rgb', placing: 'stretch' } as const;

function labelledLayout(input: PictureInput, outputs: readonly SeenOutput[]): Layout | undefined {
  if (input.sizeInput === undefined) return undefined;
  const boxes = outputs.find(({ dims }) => dims.length === 3 && dims[2] === 4);
  const flat = outputs.filter(({ dims }) => dims.length === 2);
  const labels = flat.find(({ type }) => type === 'int64' || type === 'int32');
  const scores = flat.find(({ values }) => values !== undefined);
  if (boxes?.values === undefined || labels === undefined || scores === undefined) return undefined;
  const answer = { kind: 'labelled', labels: labels.name, boxes: boxes.name, scores: scores.name } as const;
  return { ...input, ...detrIn, answer, classes: undefined };
}

function queriesLayout(input: PictureInput, outputs: readonly SeenOutput[]): Layout | undefined {
  const tables = outputs.filter(({ dims, values }) => dims.length === 3 && values !== undefined);
  // Four classes have four columns as well, but their numbers are no fractions.
  const boxes = tables.find(({ dims, values }) => dims[2] === 4 && values !== undefined && isUnit(values));
  const scores = tables.find((table) => table !== boxes && table.dims[1] === boxes?.dims[1]);
  const [, queries, columns] = scores?.dims ?? [];
  if (tables.length !== 2 || boxes === undefined || scores?.values === undefined) return undefined;
  if (queries === undefined || columns === undefined) return undefined;
  const softmax = lastColumnWins(scores.values, columns);
  const answer: QueriesAnswer = {
    kind: 'queries',
    boxes: boxes.name,
    scores: scores.name,
    queries,
    columns,
    classes: softmax ? columns - 1 : columns,
    activation: softmax ? 'softmax' : isUnit(scores.values) ? 'none' : 'sigmoid',
  };
  // The first DETR and those that call their boxes `dets` (RF-DETR) were trained on pictures of zero mean.
  const pixels = softmax || boxes.name === 'dets' ? 'imagenet' : 'rgb';
  return { ...input, ...detrIn, pixels, answer, classes: answer.classes };
}

function tableLayout(
  input: PictureInput,
  outputs: readonly SeenOutput[],
  hints: LayoutHints,
): Layout | undefined {
  const tables = outputs.filter(({ dims }) => dims.length === 3 || (dims.length === 2 && dims[1] === 7));
  const [table] = tables;
  if (table?.values === undefined || tables.length !== 1) return undefined;
  const { name: output, dims, values } = table;
  if (dims.length === 2) {
    const answer = { kind: 'finished', output, columns: 7, batched: true } as const;
    return { ...input, ...yoloIn, family: 'end-to-end', answer, classes: undefined };
  }
  const [batch, rows = 0, columns = 0] = dims;
  if (batch !== 1) return undefined;
  const more = hints.task === 'segment' || hints.task === 'pose' ? hints.labelCount : undefined;
  const seen = { output, rows, columns, values };
  return (
    channelsFirst(input, seen, more) ??
    anchored(input, seen) ??
    gridRows(input, seen, hints, more) ??
    finished(input, seen, hints)
  );
}

interface Table {
  output: string;
  rows: number;
  columns: number;
  values: Float32Array;
}

function rowMajor({ output, rows, columns }: Table): Pick<RowsAnswer, 'kind' | 'output' | 'rows'> & Steps {
  return { kind: 'rows', output, rows, rowStep: columns, columnStep: 1 };
}
type Steps = Pick<RowsAnswer, 'rowStep' | 'columnStep'>;

/** [1, 4+C, grid]. `classes`: how many of the columns are scores; the others tell of masks or key points. */
function channelsFirst(input: PictureInput, table: Table, classes: number | undefined): Layout | undefined {
  const { output, rows: columns, columns: rows } = table;
  const strides = stridesOf(rows, input, 1);
  if (strides === undefined || columns < 5 || columns >= rows) return undefined;
  const answer: RowsAnswer = {
    ...{ kind: 'rows', output, rows, rowStep: 1, columnStep: rows },
    ...{ boxes: 'pixels', strides, objectness: false, classes: classes ?? columns - 4 },
    logits: false,
  };
  const logits = scoresAreLogits(table.values, answer);
  return {
    ...{ ...input, ...yoloIn, family: 'yolov8', answer: { ...answer, logits } },
    classes: answer.classes,
  };
}

/** [1, 3 x grid, 5+C]. */
function anchored(input: PictureInput, table: Table): Layout | undefined {
  const { rows, columns, values } = table;
  const strides = stridesOf(rows, input, 3);
  if (strides === undefined || columns < 6) return undefined;
  const boxes = { boxes: 'pixels', strides, objectness: true, logits: false } as const;
  const answer: RowsAnswer = { ...rowMajor(table), ...boxes, classes: columns - 5 };
  // Not decoded: without the anchors, which are not in the file, nobody can.
  if (scoresAreLogits(values, answer)) return undefined;
  return { ...input, ...yoloIn, family: 'yolov5', answer, classes: answer.classes };
}

/** [1, grid, 5+C] or [1, grid, 4+C]: how many names there are, or how many COCO has, says which. */
function gridRows(
  input: PictureInput,
  table: Table,
  { labelCount = 80 }: LayoutHints,
  more: number | undefined,
): Layout | undefined {
  const { rows, columns, values } = table;
  const strides = stridesOf(rows, input, 1);
  if (strides === undefined || columns < 5) return undefined;
  const objectness = columns > 5 && columns - 4 !== labelCount && more === undefined;
  const classes = more ?? columns - (objectness ? 5 : 4);
  const base: RowsAnswer = {
    ...{ ...rowMajor(table), boxes: 'pixels', strides, objectness, logits: false, classes },
  };
  const answer = { ...base, logits: scoresAreLogits(values, base) };
  if (!objectness) return { ...input, ...yoloIn, family: 'yolov8', answer, classes };
  const grid = { strides, width: input.width, height: input.height };
  if (!centresAreInPixels(grid, (row, column) => values[row * columns + column] ?? 0)) {
    const raw: RowsAnswer = { ...answer, boxes: 'cells' };
    return { ...input, pixels: 'bgr-bytes', placing: 'top-left', family: 'yolox', answer: raw, classes };
  }
  // YOLOv6 has an objectness for the form's sake.
  if (eachRow(answer, (at) => values[at + 4] === 1)) {
    return { ...input, ...yoloIn, family: 'yolov5', answer, classes };
  }
  return { ...input, pixels: 'bgr-bytes', placing: 'top-left', family: 'yolox', answer, classes };
}

/** [1, N, 6], or [1, N, 4+C] of a DETR in one piece. */
function finished(
  input: PictureInput,
  table: Table,
  { labelCount = 80, task }: LayoutHints,
): Layout | undefined {
  const { output, rows, columns, values } = table;
  const answer: RowsAnswer = {
    ...{ ...rowMajor(table), boxes: 'unit', strides: [], objectness: false, logits: false },
    classes: columns - 4,
  };
  const unit = eachRow(answer, (at) => isUnit(values.subarray(at, at + 4)));
  if (unit && columns - 4 === labelCount) {
    const logits = scoresAreLogits(values, answer);
    return { ...input, ...detrIn, answer: { ...answer, logits }, classes: answer.classes };
  }
  if (columns !== 6 && !(columns > 6 && (task === 'segment' || task === 'pose'))) return undefined;
  if (rows > 2000) return undefined;
  const ready = { kind: 'finished', output, columns, batched: false } as const;
  return { ...input, ...yoloIn, family: 'end-to-end', answer: ready, classes: undefined };
}

function eachRow({ rows, rowStep }: RowsAnswer, holds: (at: number) => boolean): boolean {
  for (let row = 0; row < rows; row++) if (!holds(row * rowStep)) return false;
  return true;
}

/** A probability lies in 0..1; a little more is a matter of rounding and of 8-bit weights. */
function scoresAreLogits(values: Float32Array, answer: RowsAnswer): boolean {
  const last = 4 + (answer.objectness ? 1 : 0) + answer.classes;
  return !eachRow(answer, (at) => {
    for (let column = 4; column < last; column++) {
      const value = values[at + column * answer.columnStep] ?? 0;
      if (value < -0.05 || value > 1.05) return false;
    }
    return true;
  });
}

function isUnit(values: Float32Array): boolean {
  return values.every((value) => value >= -0.5 && value <= 1.5);
}

/** Whether most queries say that their last class is likeliest by far: "no object", over which a softmax is meant. */
function lastColumnWins(values: Float32Array, columns: number): boolean {
  let won = 0;
  const rows = values.length / columns;
  for (let row = 0; row < rows; row++) {
    const scores = values.subarray(row * columns, (row + 1) * columns);
    const last = scores[columns - 1] ?? 0;
    if (last > 0 && scores.subarray(0, -1).every((score) => score < last)) won++;
  }
  return columns > 1 && won > rows / 2;
}

export function unknownLayout(
  inputs: readonly TensorShape[],
  outputs: readonly (SeenOutput | TensorShape)[],
): FaascamError {
  const show = (tensors: readonly (SeenOutput | TensorShape)[]): string =>
    tensors
      .map(
        (tensor) =>
          `${tensor.name} ${tensor.type}[${('dims' in tensor ? tensor.dims : tensor.shape).join(',')}]`,
      )
      .join(' and ') || 'nothing';
  const gives = outputs.length > 0 ? ` and gives ${show(outputs)}` : '';
  return new FaascamError(
    'model-layout',
    `The model's layout is unknown: it takes ${show(inputs)}${gives}. Known are YOLOX [1,grid,5+C], ` +
      'YOLOv5/v7 [1,3 x grid,5+C], YOLOv8/9/11/12 [1,4+C,grid], end-to-end YOLO [1,N,6] or [N,7], and DETR (labels, boxes and ' +
      'scores for orig_target_sizes, or a box and logits a query), each for one picture [1,3,height,width] of float32, ' +
      'float16 or uint8: export it as one of these (docs/detectors.md).',
  );
}
