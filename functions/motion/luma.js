import sharp from 'sharp';
import { MalformedInputError, messageOf } from '@faascam/core/errors';
/** The grid's width: a cell is 8 pixels of a 1280 wide frame, still smaller than a far person. */
const GRID_WIDTH = 160;
const MAX_PIXELS = 64_000_000;
/** Decodes a JPEG straight to the grid (the decoder shrinks on load). Throws `MalformedInputError`. */
export async function lumaOf(jpeg) {
  try {
    const image = sharp(jpeg, { limitInputPixels: MAX_PIXELS, failOn: 'error' });
    const size = await image.metadata();
    const width = Math.min(GRID_WIDTH, size.width);
    const height = Math.max(1, Math.round((width * size.height) / size.width));
    const pixels = await image
      .toColourspace('b-w')
      .removeAlpha()
      .resize(width, height, { fit: 'fill', kernel: 'linear' })
      .raw()
      .toBuffer();
    return { width, height, pixels };
  } catch (cause) {
    throw new MalformedInputError(`The frame cannot be decoded: ${messageOf(cause).split('\n')[0] ?? ''}`, {
      cause,
    });
  }
}
//# sourceMappingURL=luma.js.map
