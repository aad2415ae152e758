import sharp from 'sharp';
import { MalformedInputError, messageOf } from '@faascam/core/errors';

/** Brightness of a picture on a small grid, row by row, 0..255. */
export interface Luma {
  width: number;
  height: number;
  pixels: Uint8Array;
}

/** The grid's width: a cell is 8 pixels of a 1280 wide frame, still smaller than a far person. */
const GRID_WIDTH = 160;
const MAX_PIXELS = 64_000_000;
/** A picture so high and narrow is no camera's. */
const MAX_CELLS = 4 * GRID_WIDTH * GRID_WIDTH;

/**
 * Decodes a JPEG straight to the grid: the decoder shrinks on load, of any colours, as the picture is stored (what it
 * says of which side is up is left to those who show it). Throws `MalformedInputError` when it cannot be decoded, breaks
 * off, is larger than 64 million pixels, or is no shape of a camera's.
 */
export async function lumaOf(jpeg: Buffer): Promise<Luma> {
  if (jpeg.length === 0) throw new MalformedInputError('The frame is empty.');
  try {
    const { data, info } = await sharp(jpeg, {
      limitInputPixels: MAX_PIXELS,
      failOn: 'error',
      sequentialRead: true,
      ignoreIcc: true,
    })
      .toColourspace('b-w')
      .removeAlpha()
      .resize({ width: GRID_WIDTH, withoutEnlargement: true, kernel: 'linear' })
      .raw()
      .toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    if (channels !== 1) throw new Error(`it has ${channels} colours`);
    if (width * height > MAX_CELLS) throw new Error(`it is ${height} pixels high for ${width} of width`);
    return { width, height, pixels: data };
  } catch (cause) {
    throw new MalformedInputError(`The frame cannot be decoded: ${messageOf(cause).split('\n')[0] ?? ''}`, {
      cause,
    });
  }
}
