import type { DetectedObject } from '@faascam/core/messages';
import sharp from 'sharp';
import { overlaySvg } from './overlay.ts';

/** Fine print and number plates survive; a 1080p snapshot is about 300 kB. */
const QUALITY = 85;

export interface SnapshotFiles {
  /** With its objects framed. */
  framed: string;
  /** The picture alone. */
  clean: string;
}

/** Writes a picture as JPEG, full size, with its objects framed and without. Gives the size in pixels. */
export async function renderSnapshot(
  picture: string,
  objects: DetectedObject[],
  demo: boolean,
  output: SnapshotFiles,
): Promise<{ width: number; height: number }> {
  const { width, height } = await sharp(picture).metadata();
  const overlay = Buffer.from(overlaySvg({ width, height }, objects, demo));
  await sharp(picture).flatten().jpeg({ quality: QUALITY }).toFile(output.clean);
  await sharp(picture)
    .flatten()
    .composite([{ input: overlay }])
    .jpeg({ quality: QUALITY })
    .toFile(output.framed);
  return { width, height };
}
