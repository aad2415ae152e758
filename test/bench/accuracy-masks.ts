import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { motionSettings } from '@faascam/core/settings';
import { eachFrame } from '@faascam/local/video-frames';
import { lumaOf, type Luma } from '@faascam/motion/luma';
import { watchLuma } from '@faascam/motion/watch';
import { sharedFolder } from './hard-cases-footage.ts';

export interface Sequence {
  name: string;
  /** The first frame whose truth counts. */
  validFrom: number;
  /** Number of the mask of the first frame. */
  firstMask: number;
  /** Best of OpenCV's background models on it, see the data's README. */
  peer: number;
}

export const sequences: readonly Sequence[] = [
  { name: 'cdnet_highway', validFrom: 469, firstMask: 1, peer: 0.877 },
  { name: 'sbi_HallAndMonitor', validFrom: 0, firstMask: 0, peer: 0.717 },
  { name: 'sbi_CAVIAR1', validFrom: 0, firstMask: 0, peer: 0.803 },
];

/** Truth of a cell: 1 foreground, 0 background, 2 not to be judged. */
export type Truth = Uint8Array;

export interface SequenceFrame {
  luma: Luma;
  truth: Truth | undefined;
  timeUs: number;
}

/** A sequence's frames on the model's grid with their truth. */
export async function sequenceFrames({ name, validFrom, firstMask }: Sequence): Promise<SequenceFrame[]> {
  const folder = await mkdtemp(join(tmpdir(), 'faascam-truth-'));
  try {
    execFileSync('tar', ['-xzf', join(sharedFolder, `groundtruth/${name}.gt.tar.gz`), '-C', folder]);
    const frames: SequenceFrame[] = [];
    await eachFrame(
      join(sharedFolder, `videos/${name}.mp4`),
      async ({ index, timeUs, jpeg }) => {
        const luma = await lumaOf(jpeg);
        const path = join(folder, 'groundtruth', `gt${String(index + firstMask).padStart(6, '0')}.png`);
        const truth = index < validFrom ? undefined : await truthOf(readFileSync(path), luma);
        frames.push({ luma, truth, timeUs });
      },
      new AbortController().signal,
    );
    return frames;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The truth reduced by area: a cell is foreground from half of it on; with boundary or unknown in most of it, unjudged. */
async function truthOf(png: Buffer, grid: Luma): Promise<Truth> {
  const { data, info } = await sharp(png).toColourspace('b-w').raw().toBuffer({ resolveWithObject: true });
  const truth = new Uint8Array(grid.width * grid.height);
  for (let row = 0, at = 0; row < grid.height; row++) {
    const [top, bottom] = [row, row + 1].map((edge) => Math.round((edge * info.height) / grid.height));
    for (let column = 0; column < grid.width; column++, at++) {
      const [left, right] = [column, column + 1].map((edge) => Math.round((edge * info.width) / grid.width));
      let [foreground, judged, all] = [0, 0, 0];
      for (let y = top ?? 0; y < (bottom ?? 0); y++) {
        for (let x = left ?? 0; x < (right ?? 0); x++) {
          const value = data[(y * info.width + x) * info.channels] ?? 0;
          all++;
          if (value === 85 || value === 170) continue;
          judged++;
          if (value === 255) foreground++;
        }
      }
      truth[at] = judged * 2 < all || all === 0 ? 2 : foreground * 2 >= judged ? 1 : 0;
    }
  }
  return truth;
}

/** Precision, recall and their harmonic mean over all cells of all judged frames; nothing is left out as warm-up. */
export function maskScore(frames: readonly SequenceFrame[]): {
  precision: number;
  recall: number;
  f: number;
} {
  const watch = watchLuma(motionSettings.parse(undefined));
  let [hit, wrong, missed] = [0, 0, 0];
  for (const { luma, truth, timeUs } of frames) {
    const { mask } = watch(luma, 1_000_000 + timeUs);
    truth?.forEach((is, at) => {
      if (is === 2) return;
      if (mask[at] === 1 && is === 1) hit++;
      else if (mask[at] === 1) wrong++;
      else if (is === 1) missed++;
    });
  }
  return {
    precision: hit / (hit + wrong),
    recall: hit / (hit + missed),
    f: (2 * hit) / (2 * hit + wrong + missed),
  };
}
