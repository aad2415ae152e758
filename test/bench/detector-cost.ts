import { InferenceSession } from 'onnxruntime-node';
import sharp from 'sharp';
import { detectSettings } from '@faascam/core/settings';
import { loadDetector } from '@faascam/detect/detector';
import type { ResolvedModel } from '@faascam/detect/registry';
import { feedsOf, inputArrayOf } from '@faascam/detect/session';
import { median, timeInTurn } from './figures.ts';

export interface DetectCost {
  /** A whole look at an encoded picture. */
  detectMs: number;
  /** The bare work for the same: decoding to the input's size, and the model alone. */
  bareMs: number;
  ratio: number;
}

/**
 * What a look costs against the bare work that no one can avoid, both in turn in one process. The bare decoder may shrink
 * while it decodes, which a detector that wants each pixel cannot.
 */
export async function detectCost(jpeg: Buffer, model: ResolvedModel, runs: number): Promise<DetectCost> {
  const detector = await loadDetector(model, detectSettings.parse(undefined));
  const session = await InferenceSession.create(model.path, { logSeverityLevel: 3 });
  const { width, height } = detector.layout;
  const feeds = feedsOf(detector.layout, inputArrayOf(detector.layout));
  const times = await timeInTurn(
    () => detector.detect(jpeg),
    async () => {
      await sharp(jpeg).resize(width, height, { fit: 'inside' }).raw().toBuffer();
      await session.run(feeds);
    },
    runs,
  );
  await detector.close();
  await session.release();
  const [detectMs, bareMs] = [median(times.a), median(times.b)];
  return { detectMs, bareMs, ratio: detectMs / bareMs };
}
