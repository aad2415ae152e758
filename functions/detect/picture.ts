import sharp from 'sharp';
import { MalformedInputError, messageOf } from '@faascam/core/errors';
import type { Layout } from './layout.ts';
import { placementOf, type Placement } from './letterbox.ts';

/** A declared size beyond this is refused before memory is taken for it. */
const MAX_PIXELS = 64_000_000;
/** The grey that the YOLO families were trained with around the picture. */
const PADDING = 114;

export interface ModelInput {
  /** [1, 3, height, width], in the family's colour order and range. */
  tensor: Float32Array;
  placement: Placement;
  width: number;
  height: number;
}

/**
 * Decodes a picture (JPEG, PNG, ...) into a model's input. `width` and `height` of the answer are the picture's own.
 * Throws `MalformedInputError` when it cannot be decoded.
 */
export async function modelInputOf(
  encoded: Buffer,
  layout: Layout,
  reuse?: Float32Array,
): Promise<ModelInput> {
  try {
    const image = sharp(encoded, { limitInputPixels: MAX_PIXELS, failOn: 'error' });
    const { width, height } = await image.metadata();
    const placement = placementOf({ width, height }, layout, layout.family);
    const pixels = await image
      .toColourspace('srgb')
      .removeAlpha()
      .resize(placement.width, placement.height, { fit: 'fill', kernel: 'linear' })
      .raw()
      .toBuffer();
    const size = 3 * layout.width * layout.height;
    const tensor = reuse?.length === size ? reuse : new Float32Array(size);
    fillTensor(tensor, pixels, placement, layout);
    return { tensor, placement, width, height };
  } catch (cause) {
    throw new MalformedInputError(`The picture cannot be decoded: ${messageOf(cause).split('\n')[0] ?? ''}`, {
      cause,
    });
  }
}

function fillTensor(tensor: Float32Array, rgb: Buffer, placement: Placement, layout: Layout): void {
  const plane = layout.width * layout.height;
  const yolox = layout.family === 'yolox';
  const scale = yolox ? 1 : 1 / 255;
  const [first, third] = yolox ? [2 * plane, 0] : [0, 2 * plane];
  tensor.fill(PADDING * scale);
  let from = 0;
  for (let y = 0; y < placement.height; y++) {
    let to = (placement.top + y) * layout.width + placement.left;
    for (let x = 0; x < placement.width; x++, to++, from += 3) {
      tensor[first + to] = (rgb[from] ?? 0) * scale;
      tensor[plane + to] = (rgb[from + 1] ?? 0) * scale;
      tensor[third + to] = (rgb[from + 2] ?? 0) * scale;
    }
  }
}
