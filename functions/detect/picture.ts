import sharp from 'sharp';
import { MalformedInputError, messageOf } from '@faascam/core/errors';
import type { Picture } from './resample.ts';

/** A declared size beyond this is refused before memory is taken for it. */
const MAX_PIXELS = 64_000_000;
/** Colour profiles are not applied: the pictures that detectors were trained on were read without them. */
const reading = { limitInputPixels: MAX_PIXELS, failOn: 'error', ignoreIcc: true } as const;

/**
 * Decodes a picture (JPEG, PNG, WebP, ...) of any colours into upright red, green and blue.
 * Throws `MalformedInputError` when it is none, is cut off, or is larger than 64 million pixels.
 */
export async function decodePicture(encoded: Buffer): Promise<Picture> {
  if (encoded.length === 0) throw new MalformedInputError('The picture is empty.');
  try {
    const { data, info } = await sharp(encoded, reading)
      .autoOrient()
      .toColourspace('srgb')
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw new Error(`it has ${info.channels} colours`);
    return { rgb: data, width: info.width, height: info.height };
  } catch (cause) {
    const [reason = ''] = messageOf(cause).split('\n');
    throw new MalformedInputError(`The picture cannot be decoded: ${reason}`, { cause });
  }
}
