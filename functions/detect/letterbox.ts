import type { Box } from '@faascam/core/box';
import { clampBox } from '@faascam/core/box';
import type { Family } from './layout.ts';

/** How a picture lies in a model's input, all in input pixels. */
export interface Placement {
  /** Size of the scaled picture. */
  width: number;
  height: number;
  /** Where its top left corner lies. */
  left: number;
  top: number;
}

/**
 * Where a picture goes in a model's input: YOLOX puts it at the top left, other YOLOs in the middle, both keeping
 * its ratio; DETR models stretch it over the whole input.
 */
export function placementOf(
  picture: { width: number; height: number },
  input: { width: number; height: number },
  family: Family,
): Placement {
  if (family === 'detr') return { width: input.width, height: input.height, left: 0, top: 0 };
  const scale = Math.min(input.width / picture.width, input.height / picture.height);
  const fit = family === 'yolox' ? Math.floor : Math.round;
  const width = Math.max(1, fit(picture.width * scale));
  const height = Math.max(1, fit(picture.height * scale));
  if (family === 'yolox') return { width, height, left: 0, top: 0 };
  return {
    width,
    height,
    left: Math.floor((input.width - width) / 2),
    top: Math.floor((input.height - height) / 2),
  };
}

/** A box given by its corners in input pixels, as fractions of the picture. */
export function toFractions(
  placement: Placement,
  left: number,
  top: number,
  right: number,
  bottom: number,
): Box {
  return clampBox([
    (left - placement.left) / placement.width,
    (top - placement.top) / placement.height,
    (right - left) / placement.width,
    (bottom - top) / placement.height,
  ]);
}
