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
    const { data, info } = await image
      .toColourspace('srgb')
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const { width, height } = info;
    const placement = placementOf({ width, height }, layout, layout.family);
    const size = 3 * layout.width * layout.height;
    const tensor = reuse?.length === size ? reuse : new Float32Array(size);
    fillTensor(tensor, { rgb: data, width, height }, placement, layout);
    return { tensor, placement, width, height };
  } catch (cause) {
    throw new MalformedInputError(`The picture cannot be decoded: ${messageOf(cause).split('\n')[0] ?? ''}`, {
      cause,
    });
  }
}

/**
 * Scales the picture into the tensor by bilinear interpolation between pixel centres, without smoothing first: so
 * these models were trained, and a softer picture costs them small objects.
 */
function fillTensor(
  tensor: Float32Array,
  picture: { rgb: Buffer; width: number; height: number },
  placement: Placement,
  layout: Layout,
): void {
  const plane = layout.width * layout.height;
  const yolox = layout.family === 'yolox';
  const range = yolox ? 1 : 1 / 255;
  const [first, third] = yolox ? [2 * plane, 0] : [0, 2 * plane];
  if (placement.width < layout.width || placement.height < layout.height) tensor.fill(PADDING * range);
  const { rgb } = picture;
  const across = samples(picture.width, placement.width);
  const down = samples(picture.height, placement.height);
  for (let y = 0; y < placement.height; y++) {
    const upper = (down.from[y] ?? 0) * picture.width * 3;
    const lower = (down.to[y] ?? 0) * picture.width * 3;
    const weight = down.weight[y] ?? 0;
    let target = (placement.top + y) * layout.width + placement.left;
    for (let x = 0; x < placement.width; x++, target++) {
      const left = (across.from[x] ?? 0) * 3;
      const right = (across.to[x] ?? 0) * 3;
      const share = across.weight[x] ?? 0;
      for (let channel = 0; channel < 3; channel++) {
        const above = rgb[upper + left + channel] ?? 0;
        const below = rgb[lower + left + channel] ?? 0;
        const top = above + ((rgb[upper + right + channel] ?? 0) - above) * share;
        const bottom = below + ((rgb[lower + right + channel] ?? 0) - below) * share;
        const at = channel === 0 ? first : channel === 1 ? plane : third;
        tensor[at + target] = (top + (bottom - top) * weight) * range;
      }
    }
  }
}

/** For each target pixel the two source pixels around its centre, and the second one's weight. */
function samples(source: number, target: number): { from: Int32Array; to: Int32Array; weight: Float32Array } {
  const from = new Int32Array(target);
  const to = new Int32Array(target);
  const weight = new Float32Array(target);
  for (let index = 0; index < target; index++) {
    const centre = ((index + 0.5) * source) / target - 0.5;
    const low = Math.floor(centre);
    from[index] = Math.max(0, low);
    to[index] = Math.min(source - 1, low + 1);
    weight[index] = low < 0 ? 0 : centre - low;
  }
  return { from, to, weight };
}
