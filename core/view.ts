import { z } from 'zod';
import { box, clampBox, type Box } from './box.ts';

/**
 * What a camera's frames show of the picture in its footage: the part `crop`, in fractions of that picture, turned
 * clockwise by `rotate` degrees after cutting.
 */
export const view = z.object({
  rotate: z.union([z.literal(0), z.literal(90), z.literal(180), z.literal(270)]),
  crop: box.optional(),
});
export type View = z.infer<typeof view>;

/** The view of these settings; undefined when frames show the whole picture as it is. */
export function viewOf({
  rotate,
  crop,
}: {
  rotate: View['rotate'];
  crop?: Box | undefined;
}): View | undefined {
  if (rotate === 0 && crop === undefined) return undefined;
  return { rotate, ...(crop === undefined ? {} : { crop }) };
}

/** Where in the footage's picture lies what a frame's box shows. Both in fractions, of the picture and of the frame. */
export function boxInPicture(shown: Box, { rotate, crop }: View): Box {
  const [left, top, width, height] = crop ?? [0, 0, 1, 1];
  const [x, y, w, h] = turnedBack(shown, rotate);
  return clampBox([left + x * width, top + y * height, w * width, h * height]);
}

function turnedBack([x, y, width, height]: Box, rotate: View['rotate']): Box {
  switch (rotate) {
    case 0:
      return [x, y, width, height];
    case 90:
      return [y, 1 - x - width, height, width];
    case 180:
      return [1 - x - width, 1 - y - height, width, height];
    case 270:
      return [1 - y - height, x, height, width];
  }
}
