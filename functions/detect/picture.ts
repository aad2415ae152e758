import sharp from 'sharp';
import { clampBox, type Box } from '@faascam/core/box';
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
    const image = sharp(encoded, reading);
    if (mayBeTurned(encoded)) image.autoOrient();
    const { data, info } = await image
      .toColourspace('srgb')
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw new Error(`it has ${info.channels} colours`);
    return { rgb: data, width: info.width, height: info.height };
  } catch (cause) {
    throw undecodable(cause);
  }
}

/** Boxes of a picture as it is stored, turned upright with it as its EXIF orientation says. Throws `MalformedInputError`. */
export async function uprightBoxes(encoded: Buffer, boxes: readonly Box[]): Promise<Box[]> {
  if (boxes.length === 0 || !mayBeTurned(encoded)) return [...boxes];
  try {
    const { orientation = 1 } = await sharp(encoded, reading).metadata();
    return boxes.map((box) => turned(box, orientation));
  } catch (cause) {
    throw undecodable(cause);
  }
}

/** EXIF stands in one of the first segments, and a segment has 64 kB at most. */
const LONGEST_HEAD = 131_072;

/** Whether a picture says which side is up. Cameras' frames do not, and are spared the question. */
function mayBeTurned(encoded: Buffer): boolean {
  const head = encoded.subarray(0, LONGEST_HEAD);
  return head.includes('Exif') || head.includes('eXIf') || head.includes('EXIF');
}

function turned([x, y, width, height]: Box, orientation: number): Box {
  const right = 1 - x - width;
  const below = 1 - y - height;
  const upright: Record<number, Box> = {
    2: [right, y, width, height],
    3: [right, below, width, height],
    4: [x, below, width, height],
    5: [y, x, height, width],
    6: [below, x, height, width],
    7: [below, right, height, width],
    8: [y, right, height, width],
  };
  return clampBox(upright[orientation] ?? [x, y, width, height]);
}

function undecodable(cause: unknown): MalformedInputError {
  const [reason = ''] = messageOf(cause).split('\n');
  return new MalformedInputError(`The picture cannot be decoded: ${reason}`, { cause });
}
