import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { motionSettings } from '@faascam/core/settings';
import { resolveModel } from '@faascam/detect/registry';
import { beginBackground, observe } from '@faascam/motion/background';
import { lumaOf } from '@faascam/motion/luma';
import { encodeBackground } from '@faascam/motion/state';
import { detectCost } from './detector-cost.ts';
import { atMost, median, timeInTurn, type Figure } from './figures.ts';

const RUNS = 60;

/** Cost of a frame in motion and in detect, each against the bare work that no one can avoid. */
export async function benchStages(video: string, model: string, scratch: string): Promise<Figure[]> {
  const frame = join(scratch, 'frame.jpg');
  execFileSync('ffmpeg', [
    '-v',
    'error',
    '-y',
    '-ss',
    '8',
    '-i',
    video,
    '-frames:v',
    '1',
    '-q:v',
    '5',
    frame,
  ]);
  const jpeg = readFileSync(frame);
  return [...(await motionFigures(jpeg)), ...(await detectFigures(jpeg, model))];
}

async function motionFigures(jpeg: Buffer): Promise<Figure[]> {
  const settings = motionSettings.parse(undefined);
  let background = beginBackground(await lumaOf(jpeg), 1);
  let atUs = 1;
  const { width, height } = background;
  const times = await timeInTurn(
    async () => {
      const luma = await lumaOf(jpeg);
      background = observe(background, luma, (atUs += 200_000), settings).background;
      encodeBackground(background);
    },
    () => sharp(jpeg).toColourspace('b-w').resize(width, height, { fit: 'fill' }).raw().toBuffer(),
    RUNS,
  );
  return [
    { name: 'motion, a 1280x720 frame', value: median(times.a), unit: 'ms' },
    { name: 'motion / bare decode to the same size', value: median(times.a) / median(times.b), unit: 'x' },
  ];
}

async function detectFigures(jpeg: Buffer, name: string): Promise<Figure[]> {
  const { detectMs, ratio } = await detectCost(jpeg, await resolveModel(name, '.'), RUNS);
  return [
    { name: `detect, a 1280x720 frame, ${name.replace(/^.*\//, '')}`, value: detectMs, unit: 'ms' },
    atMost('detect / (decode + resize + bare session.run)', ratio, 'x', 1.15),
  ];
}
