import type { Box } from '@faascam/core/box';
import type { DetectedObject } from '@faascam/core/messages';
import sharp from 'sharp';

/** Larger pieces are made as small as this before they are judged: noise and the codec's blocks are no sharpness. */
const LONGEST_SIDE = 192;
/** Smaller ones, in pixels, say nothing. */
const SHORTEST_SIDE = 8;
/** A picture worth less than this share of the best one's objects is not taken for being sharper. */
const WORTH_SHARE = 0.8;
/** And one must be sharper by this much than one that shows its objects better. */
const CLEARLY_SHARPER = 1.15;

/**
 * How sharp the objects in a picture are, the larger ones counting for more: the variance of the Laplacian of their
 * brightness (Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", ICPR 2000), in squared grey levels.
 * Without objects that of the whole picture.
 */
export async function sharpnessOf(picture: string, objects: readonly DetectedObject[]): Promise<number> {
  const { width, height } = await sharp(picture).metadata();
  let [sum, weights] = [0, 0];
  for (const box of objects.length > 0 ? objects.map((each) => each.box) : [[0, 0, 1, 1] as const]) {
    const piece = pieceOf(box, width, height);
    if (piece.width < SHORTEST_SIDE || piece.height < SHORTEST_SIDE) continue;
    const weight = piece.width * piece.height;
    const { data, info } = await sharp(picture)
      .extract(piece)
      .resize(LONGEST_SIDE, LONGEST_SIDE, { fit: 'inside', withoutEnlargement: true })
      .greyscale()
      .raw()
      .toBuffer({ resolveWithObject: true });
    sum += weight * laplacianVariance(data, info.width, info.height, info.channels);
    weights += weight;
  }
  return weights > 0 ? sum / weights : 0;
}

/** How much of its objects a picture shows: the clearer and larger, the more. */
export function worthOf(objects: readonly DetectedObject[]): number {
  return objects.reduce((sum, { score, box }) => sum + score * Math.sqrt(box[2] * box[3]), 0);
}

/** Which of the pictures to take, which come best first: the sharpest of those that show their objects about as well. */
export function chosenOf(pictures: readonly { worth: number; sharpness: number }[]): number {
  const most = Math.max(...pictures.map(({ worth }) => worth));
  let chosen = 0;
  for (const [index, { worth, sharpness }] of pictures.entries()) {
    if (worth < WORTH_SHARE * most) continue;
    if (sharpness > CLEARLY_SHARPER * (pictures[chosen]?.sharpness ?? 0)) chosen = index;
  }
  return chosen;
}

function pieceOf([x, y, across, down]: Readonly<Box>, width: number, height: number) {
  const left = Math.min(width - 1, Math.floor(x * width));
  const top = Math.min(height - 1, Math.floor(y * height));
  return {
    left,
    top,
    width: Math.max(1, Math.min(width - left, Math.round(across * width))),
    height: Math.max(1, Math.min(height - top, Math.round(down * height))),
  };
}

function laplacianVariance(pixels: Uint8Array, width: number, height: number, channels: number): number {
  const at = (x: number, y: number): number => pixels[(y * width + x) * channels] ?? 0;
  let [sum, squares, count] = [0, 0, 0];
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      const value = at(x - 1, y) + at(x + 1, y) + at(x, y - 1) + at(x, y + 1) - 4 * at(x, y);
      sum += value;
      squares += value * value;
      count += 1;
    }
  }
  return count === 0 ? 0 : squares / count - (sum / count) ** 2;
}
