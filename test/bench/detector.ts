import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { detectCost } from './detector-cost.ts';
import { farFrames, findFar, heights, roomOf } from './detector-far.ts';
import { cocoSet, detectorFor, modelNames, referenceOf, type CocoSet } from './detector-material.ts';
import { parityOf } from './detector-parity.ts';
import { atMost, type Figure } from './figures.ts';

const shared = new URL('../../../../shared/data/', import.meta.url).pathname;
const COST_RUNS = 30;

/** How well the detector sees, against a reference and with regions, and what a look costs. */
export async function benchDetector(scratch: string): Promise<Figure[]> {
  if (!existsSync(join(shared, 'groundtruth/coco_train40'))) {
    throw new Error('the detectors and pictures that it judges are not beside this checkout');
  }
  const set = cocoSet(shared);
  const figures: Figure[] = [];
  for (const model of modelNames) figures.push(...(await parityFigures(model, set)));
  for (const model of ['yolox_nano_416', 'yolov5n_640']) {
    figures.push(...(await farFigures(model)));
  }
  const jpeg = frameOf(scratch);
  for (const model of modelNames) {
    const path = join(shared, 'models', `${model}.onnx`);
    const cost = await detectCost(
      jpeg,
      { name: model, path, sha256: '0'.repeat(64), demo: false },
      COST_RUNS,
    );
    figures.push({ name: `${model}: a 1280x720 frame`, value: cost.detectMs, unit: 'ms' });
    figures.push(atMost(`${model}: CPU / (decode + resize + bare session.run)`, cost.ratio, 'x', 1.15));
  }
  return figures;
}

async function parityFigures(model: string, set: CocoSet): Promise<Figure[]> {
  const { map, referenceMap, sure, met } = await parityOf(shared, model, set, referenceOf(shared, model));
  const figures: Figure[] = [{ name: `${model}: mAP50-95`, value: round(map), unit: '' }];
  if (referenceMap === undefined || sure === undefined || met === undefined) return figures;
  figures.push(
    atMost(`${model}: mAP, away from the reference's`, round(Math.abs(map - referenceMap)), '', 0.005),
  );
  const name = `${model}: of ${sure} sure detections of the reference`;
  figures.push({ name, value: met, unit: 'met', aim: 'all', met: met === sure });
  return figures;
}

function round(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}

async function farFigures(model: string): Promise<Figure[]> {
  const detector = await detectorFor(shared, model, 0.4);
  const room = roomOf(shared);
  const figures: Figure[] = [];
  try {
    for (const height of heights) {
      const frames = await farFrames(room, height);
      const whole = await findFar(detector, frames, 'whole');
      const regions = await findFar(detector, frames, 'regions');
      const both = await findFar(detector, frames, 'both');
      const about = `${model}: of ${frames.length} persons ${height} pixels high`;
      figures.push(
        { name: `${about}, whole frame`, value: whole.found, unit: 'found' },
        { name: `${about}, regions`, value: regions.found, unit: 'found' },
        { name: `${about}, both`, value: both.found, unit: 'found' },
        { name: '  persons seen where none is, whole frame', value: whole.falsePersons, unit: '' },
        { name: '  likewise, regions', value: regions.falsePersons, unit: '' },
        { name: '  cost of regions / whole frame', value: regions.cpuMs / whole.cpuMs, unit: 'x' },
        { name: '  cost of both / whole frame', value: both.cpuMs / whole.cpuMs, unit: 'x' },
      );
    }
  } finally {
    await detector.close();
  }
  return figures;
}

/** A camera's frame of 1280x720 with people in it. */
function frameOf(scratch: string): Buffer {
  const footage = join(shared, 'videos/one-by-one-person-detection.mp4');
  const path = join(scratch, 'detector-frame.jpg');
  const filter = 'scale=1280:720,noise=alls=2:allf=t';
  const options = [
    '-v',
    'error',
    '-y',
    '-ss',
    '8',
    '-i',
    footage,
    '-vf',
    filter,
    '-frames:v',
    '1',
    '-q:v',
    '5',
  ];
  execFileSync('ffmpeg', [...options, path]);
  return readFileSync(path);
}
