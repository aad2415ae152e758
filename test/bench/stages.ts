import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import sharp from 'sharp';
import { motionSettings, detectSettings } from '@faascam/core/settings';
import { decodeYolox } from '@faascam/detect/decode';
import { loadDetector } from '@faascam/detect/detector';
import { resolveModel } from '@faascam/detect/registry';
import { beginBackground, observe } from '@faascam/motion/background';
import { lumaOf } from '@faascam/motion/luma';
import { encodeBackground } from '@faascam/motion/state';
import { median, timeInTurn, type Figure } from './figures.ts';

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
  const model = await resolveModel(name, '.');
  const detector = await loadDetector(model, detectSettings.parse(undefined));
  const session = await InferenceSession.create(model.path, { logSeverityLevel: 3 });
  const { width, height, input, output, family } = detector.layout;
  const tensor = new Tensor('float32', new Float32Array(3 * width * height).fill(114), [1, 3, height, width]);
  const placement = { width, height, left: 0, top: 0 };
  const decoding = { layout: detector.layout, placement, minScore: 0.4, minScoreOf: () => 0.4 };
  const times = await timeInTurn(
    () => detector.detect(jpeg),
    async () => {
      await sharp(jpeg).resize(width, height, { fit: 'inside' }).raw().toBuffer();
      const values = (await session.run({ [input]: tensor }))[output]?.data;
      if (family === 'yolox' && values instanceof Float32Array) decodeYolox(values, decoding);
    },
    RUNS,
  );
  await detector.close();
  await session.release();
  return [
    { name: `detect, a 1280x720 frame, ${model.name}`, value: median(times.a), unit: 'ms' },
    {
      name: 'detect / (decode + resize + bare session.run + decode)',
      value: median(times.a) / median(times.b),
      unit: 'x',
    },
  ];
}
