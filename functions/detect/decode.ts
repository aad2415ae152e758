import { eachCell } from './grid.ts';
import type { FinishedAnswer, QueriesAnswer, RowsAnswer } from './layout.ts';

/** A possible object: its corners in pixels, not clipped. */
export interface Candidate {
  classId: number;
  score: number;
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** What an answer is read against. */
export interface Reading {
  /** The model's input in pixels. */
  width: number;
  height: number;
  /** The lowest score that a class must reach. */
  minScoreOf: (classId: number) => number;
}

/**
 * A row for each box. A row is an object of every class whose score it reaches: a truck that may be a car is told as both,
 * as detectors are evaluated.
 */
export function decodeRows(values: Float32Array, answer: RowsAnswer, reading: Reading): Candidate[] {
  const { rows, rowStep, columnStep, classes, objectness, logits } = answer;
  const found: Candidate[] = [];
  const boxOf = boxReader(values, answer, reading);
  const first = objectness ? 5 : 4;
  const least = leastScores(classes, reading);
  const lowest = Math.min(...least);
  const add = (row: number, classId: number, score: number): void => {
    found.push({ classId, score: Math.min(1, score), ...boxOf(row) });
  };
  if (columnStep === 1) {
    for (let row = 0; row < rows; row++) {
      const at = row * rowStep;
      const factor = objectness ? probability(values[at + 4] ?? 0, logits) : 1;
      if (factor < lowest) continue;
      for (let classId = 0; classId < classes; classId++) {
        const score = factor * probability(values[at + first + classId] ?? 0, logits);
        if (score >= (least[classId] ?? 1)) add(row, classId, score);
      }
    }
    return found;
  }
  // Class by class, in the order of memory.
  for (let classId = 0; classId < classes; classId++) {
    const begin = (first + classId) * columnStep;
    const enough = least[classId] ?? 1;
    const threshold = logits ? Math.log(enough / (1 - enough)) : enough;
    for (let row = 0; row < rows; row++) {
      const value = values[begin + row] ?? 0;
      if (value >= threshold) add(row, classId, probability(value, logits));
    }
  }
  return found;
}

function leastScores(classes: number, { minScoreOf }: Reading): Float64Array {
  return Float64Array.from({ length: classes }, (_, classId) => minScoreOf(classId));
}

function probability(value: number, logit: boolean): number {
  return logit ? 1 / (1 + Math.exp(-value)) : value;
}

type Corners = Omit<Candidate, 'classId' | 'score'>;

function boxReader(values: Float32Array, answer: RowsAnswer, reading: Reading): (row: number) => Corners {
  const { rowStep, columnStep, boxes, strides } = answer;
  const at = (row: number, column: number): number => values[row * rowStep + column * columnStep] ?? 0;
  if (boxes === 'cells') {
    const cells = cellsOf(strides, reading.width, reading.height);
    return (row) => {
      const x = cells[3 * row] ?? 0;
      const y = cells[3 * row + 1] ?? 0;
      const stride = cells[3 * row + 2] ?? 0;
      return around(
        (at(row, 0) + x) * stride,
        (at(row, 1) + y) * stride,
        Math.exp(at(row, 2)) * stride,
        Math.exp(at(row, 3)) * stride,
      );
    };
  }
  const [across, down] = boxes === 'unit' ? [reading.width, reading.height] : [1, 1];
  return (row) => around(at(row, 0) * across, at(row, 1) * down, at(row, 2) * across, at(row, 3) * down);
}

let lastCells: { key: string; cells: Uint16Array } | undefined;

/** Column, row and stride of each cell; those of the last model are kept. */
function cellsOf(strides: readonly number[], width: number, height: number): Uint16Array {
  const key = `${strides.join(',')} ${width} ${height}`;
  if (lastCells?.key === key) return lastCells.cells;
  const values: number[] = [];
  eachCell({ strides, width, height }, (_row, x, y, stride) => values.push(x, y, stride));
  lastCells = { key, cells: Uint16Array.from(values) };
  return lastCells.cells;
}

function around(x: number, y: number, width: number, height: number): Corners {
  return { left: x - width / 2, top: y - height / 2, right: x + width / 2, bottom: y + height / 2 };
}

/** Rows that are detections already; doubles are gone. */
export function decodeFinished(
  values: Float32Array,
  { columns, batched }: FinishedAnswer,
  { minScoreOf }: Reading,
): Candidate[] {
  const found: Candidate[] = [];
  const box = batched ? 1 : 0;
  for (let at = 0; at + columns <= values.length; at += columns) {
    const score = values[at + (batched ? 6 : 4)] ?? 0;
    const classId = Math.round(values[at + 5] ?? 0);
    if (!(score >= minScoreOf(classId))) continue;
    const [left = 0, top = 0, right = 0, bottom = 0] = values.subarray(at + box, at + box + 4);
    found.push({ classId, score: Math.min(1, score), left, top, right, bottom });
  }
  return found;
}

/** Class numbers, corners in pixels of the input, and scores, each an output of its own. */
export function decodeLabelled(
  labels: ArrayLike<bigint | number>,
  boxes: Float32Array,
  scores: Float32Array,
  { minScoreOf }: Reading,
): Candidate[] {
  const found: Candidate[] = [];
  for (let row = 0; row < scores.length; row++) {
    const score = scores[row] ?? 0;
    const classId = Number(labels[row] ?? 0);
    if (!(score >= minScoreOf(classId))) continue;
    const [left = 0, top = 0, right = 0, bottom = 0] = boxes.subarray(row * 4, row * 4 + 4);
    found.push({ classId, score: Math.min(1, score), left, top, right, bottom });
  }
  return found;
}

/** A box and a number a class for each query. */
export function decodeQueries(
  scores: Float32Array,
  boxes: Float32Array,
  { queries, columns, classes, activation }: QueriesAnswer,
  reading: Reading,
): Candidate[] {
  const found: Candidate[] = [];
  const { width, height } = reading;
  for (let query = 0; query < queries; query++) {
    const row = scores.subarray(query * columns, (query + 1) * columns);
    const sum = activation === 'softmax' ? row.reduce((total, value) => total + Math.exp(value), 0) : 1;
    const [x = 0, y = 0, across = 0, down = 0] = boxes.subarray(query * 4, query * 4 + 4);
    for (let classId = 0; classId < classes; classId++) {
      const value = row[classId] ?? 0;
      const score =
        activation === 'softmax' ? Math.exp(value) / sum : probability(value, activation === 'sigmoid');
      if (score < reading.minScoreOf(classId)) continue;
      const corners = around(x * width, y * height, across * width, down * height);
      found.push({ classId, score: Math.min(1, score), ...corners });
    }
  }
  return found;
}
