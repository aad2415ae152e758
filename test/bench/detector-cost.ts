import { InferenceSession } from 'onnxruntime-node';
import sharp from 'sharp';
import { detectSettings } from '@faascam/core/settings';
import { loadDetector } from '@faascam/detect/detector';
import type { ResolvedModel } from '@faascam/detect/registry';
import { feedsOf, inputArrayOf } from '@faascam/detect/session';
import { median } from './figures.ts';

export interface DetectCost {
  /** A whole look at an encoded picture. */
  detectMs: number;
  /** Processor time of a look over that of the bare work for the same: decoding to the input's size, and the model alone. */
  ratio: number;
}

const WARM_UP_RUNS = 4;

/**
 * What a look costs against the bare work that no one can avoid, both in turn in one process. The bare decoder may shrink
 * while it decodes, which a detector that wants each pixel cannot.
 */
export async function detectCost(jpeg: Buffer, model: ResolvedModel, runs: number): Promise<DetectCost> {
  // Threads that wait for each other burn time, which would be counted as work.
  const detector = await loadDetector(model, detectSettings.parse({ threads: 1 }));
  const session = await InferenceSession.create(model.path, { logSeverityLevel: 3, intraOpNumThreads: 1 });
  const { width, height } = detector.layout;
  const feeds = feedsOf(detector.layout, inputArrayOf(detector.layout));
  const bare = async (): Promise<void> => {
    await sharp(jpeg).resize(width, height, { fit: 'inside' }).raw().toBuffer();
    await session.run(feeds);
  };
  const costs: { look: Cost[]; bare: Cost[] } = { look: [], bare: [] };
  for (let run = -WARM_UP_RUNS; run < runs; run++) {
    const [look, work] = [await costOf(() => detector.detect(jpeg)), await costOf(bare)];
    if (run < 0) continue;
    costs.look.push(look);
    costs.bare.push(work);
  }
  await detector.close();
  await session.release();
  const cpu = (list: Cost[]): number => median(list.map(({ cpuMs }) => cpuMs));
  return {
    detectMs: median(costs.look.map(({ wallMs }) => wallMs)),
    ratio: cpu(costs.look) / cpu(costs.bare),
  };
}

interface Cost {
  wallMs: number;
  cpuMs: number;
}

async function costOf(work: () => Promise<unknown>): Promise<Cost> {
  const begun = performance.now();
  const used = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(used);
  return { wallMs: performance.now() - begun, cpuMs: (user + system) / 1000 };
}
