import { z } from 'zod';

/** `[x, y, width, height]` as fractions of the frame (0..1), origin top left. */
export const box = z.tuple([
  z.number().min(0).max(1),
  z.number().min(0).max(1),
  z.number().min(0).max(1),
  z.number().min(0).max(1),
]);
export type Box = z.infer<typeof box>;

export function areaOf([, , width, height]: Box): number {
  return width * height;
}

/** Area that two boxes share, as a fraction of the frame. */
export function intersection(a: Box, b: Box): number {
  const width = Math.min(a[0] + a[2], b[0] + b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[1] + a[3], b[1] + b[3]) - Math.max(a[1], b[1]);
  return width > 0 && height > 0 ? width * height : 0;
}

/** Intersection over union, 0..1. Unlike in pixels, fractions keep the ratio as long as both boxes are of one frame. */
export function iou(a: Box, b: Box): number {
  const shared = intersection(a, b);
  const union = areaOf(a) + areaOf(b) - shared;
  return union > 0 ? shared / union : 0;
}

/** The box with its edges moved into the frame. */
export function clampBox([x, y, width, height]: Box): Box {
  const left = Math.min(1, Math.max(0, x));
  const top = Math.min(1, Math.max(0, y));
  const right = Math.min(1, Math.max(left, x + width));
  const bottom = Math.min(1, Math.max(top, y + height));
  return [left, top, right - left, bottom - top];
}
