import { THUMBNAIL } from './change.ts';

/**
 * The thumbnail of a JPEG, for pictures that ffmpeg does not decode; undefined when they cannot be decoded here either.
 * The library is loaded when it is first needed: most cameras never do.
 */
export async function thumbnailOf(jpeg: Uint8Array): Promise<Uint8Array | undefined> {
  const { default: sharp } = await import('sharp');
  try {
    return await sharp(jpeg, { failOn: 'none' })
      .resize({ ...THUMBNAIL, fit: 'fill', fastShrinkOnLoad: true })
      .grayscale()
      .raw()
      .toBuffer();
  } catch {
    return undefined;
  }
}
