import type { Box } from '@faascam/core/box';
import { strides, type Layout } from './layout.ts';
import { toFractions, type Placement } from './letterbox.ts';

/** A possible object, before suppression of doubles. */
export interface Candidate {
  classId: number;
  score: number;
  box: Box;
}

export interface Decoding {
  layout: Layout;
  placement: Placement;
  /** The lowest score that a class must reach. */
  minScoreOf: (classId: number) => number;
  /** The lowest of all of these: rows below it are passed over quickly. */
  minScore: number;
}

/** YOLOX rows: offsets in cells, logarithms of sizes in strides, objectness, class scores. */
export function decodeYolox(output: Float32Array, decoding: Decoding): Candidate[] {
  const { layout } = decoding;
  const columns = 5 + (layout.classes ?? 0);
  const found: Candidate[] = [];
  let row = 0;
  for (const stride of strides) {
    const across = Math.floor(layout.width / stride);
    const down = Math.floor(layout.height / stride);
    for (let y = 0; y < down; y++) {
      for (let x = 0; x < across; x++, row++) {
        const at = row * columns;
        const objectness = output[at + 4] ?? 0;
        if (objectness < decoding.minScore) continue;
        const best = bestClass(output, at + 5, columns - 5, 1, objectness, decoding);
        if (best === undefined) continue;
        const width = Math.exp(output[at + 2] ?? 0) * stride;
        const height = Math.exp(output[at + 3] ?? 0) * stride;
        const centreX = ((output[at] ?? 0) + x) * stride;
        const centreY = ((output[at + 1] ?? 0) + y) * stride;
        found.push({ ...best, box: aroundCentre(decoding.placement, centreX, centreY, width, height) });
      }
    }
  }
  return found;
}

/** YOLOv5 and v7 rows: centre and size in pixels, objectness, class scores. */
export function decodeYolov5(output: Float32Array, decoding: Decoding): Candidate[] {
  const columns = 5 + (decoding.layout.classes ?? 0);
  const found: Candidate[] = [];
  for (let at = 0; at + columns <= output.length; at += columns) {
    const objectness = output[at + 4] ?? 0;
    if (objectness < decoding.minScore) continue;
    const best = bestClass(output, at + 5, columns - 5, 1, objectness, decoding);
    if (best === undefined) continue;
    found.push({
      ...best,
      box: aroundCentre(
        decoding.placement,
        output[at] ?? 0,
        output[at + 1] ?? 0,
        output[at + 2] ?? 0,
        output[at + 3] ?? 0,
      ),
    });
  }
  return found;
}

/** YOLOv8 to v12: one row a quantity (centre, size, then class scores), one column a cell. */
export function decodeYolov8(output: Float32Array, decoding: Decoding): Candidate[] {
  const classes = decoding.layout.classes ?? 0;
  const cells = output.length / (4 + classes);
  const found: Candidate[] = [];
  for (let cell = 0; cell < cells; cell++) {
    const best = bestClass(output, 4 * cells + cell, classes, cells, 1, decoding);
    if (best === undefined) continue;
    found.push({
      ...best,
      box: aroundCentre(
        decoding.placement,
        output[cell] ?? 0,
        output[cells + cell] ?? 0,
        output[2 * cells + cell] ?? 0,
        output[3 * cells + cell] ?? 0,
      ),
    });
  }
  return found;
}

/** End-to-end rows: corners in pixels, score, class; doubles are already gone. */
export function decodeEndToEnd(output: Float32Array, decoding: Decoding): Candidate[] {
  const found: Candidate[] = [];
  for (let at = 0; at + 6 <= output.length; at += 6) {
    const score = output[at + 4] ?? 0;
    const classId = Math.round(output[at + 5] ?? 0);
    if (score < decoding.minScoreOf(classId)) continue;
    const box = toFractions(
      decoding.placement,
      output[at] ?? 0,
      output[at + 1] ?? 0,
      output[at + 2] ?? 0,
      output[at + 3] ?? 0,
    );
    found.push({ classId, score: Math.min(1, score), box });
  }
  return found;
}

/** DETR outputs for `orig_target_sizes` = the input's own size: corners in input pixels. */
export function decodeDetr(
  labels: ArrayLike<bigint | number>,
  boxes: Float32Array,
  scores: Float32Array,
  decoding: Decoding,
): Candidate[] {
  const found: Candidate[] = [];
  for (let row = 0; row < scores.length; row++) {
    const score = scores[row] ?? 0;
    const classId = Number(labels[row] ?? 0);
    if (score < decoding.minScoreOf(classId)) continue;
    const at = row * 4;
    const box = toFractions(
      decoding.placement,
      boxes[at] ?? 0,
      boxes[at + 1] ?? 0,
      boxes[at + 2] ?? 0,
      boxes[at + 3] ?? 0,
    );
    found.push({ classId, score: Math.min(1, score), box });
  }
  return found;
}

function bestClass(
  output: Float32Array,
  first: number,
  classes: number,
  step: number,
  factor: number,
  decoding: Decoding,
): { classId: number; score: number } | undefined {
  let classId = 0;
  let highest = 0;
  for (let index = 0, at = first; index < classes; index++, at += step) {
    const value = output[at] ?? 0;
    if (value > highest) {
      highest = value;
      classId = index;
    }
  }
  const score = Math.min(1, highest * factor);
  return score < decoding.minScore || score < decoding.minScoreOf(classId) ? undefined : { classId, score };
}

function aroundCentre(placement: Placement, x: number, y: number, width: number, height: number): Box {
  return toFractions(placement, x - width / 2, y - height / 2, x + width / 2, y + height / 2);
}
