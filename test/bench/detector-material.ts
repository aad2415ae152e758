import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { detectSettings } from '@faascam/core/settings';
import { loadDetector, type Detector, type Seen } from '@faascam/detect/detector';
import type { PixelBox, Truth, Detection } from './detector-coco.ts';

const box = z.tuple([z.number(), z.number(), z.number(), z.number()]);
const truthFile = z.object({
  images: z.array(z.object({ id: z.number(), width: z.number(), height: z.number(), file_name: z.string() })),
  annotations: z.array(
    z.object({ image_id: z.number(), category_id: z.number(), bbox: box, iscrowd: z.number().default(0) }),
  ),
});
const referenceFile = z.array(
  z.object({ image_id: z.number(), category_id: z.number(), bbox: box, score: z.number() }),
);

export const modelNames = [
  'yolox_nano_416',
  'yolov5n_640',
  'yolov8n_640_int8',
  'yolo26n_640_int8',
  'deimv2_atto_320',
] as const;

export interface CocoImage {
  id: number;
  width: number;
  height: number;
  path: string;
}

export interface CocoSet {
  images: CocoImage[];
  truth: Truth[];
}

/** Pictures with known objects; classes are numbered from 0 as detectors do. */
export function cocoSet(shared: string): CocoSet {
  const folder = join(shared, 'groundtruth/coco_train40');
  const { images, annotations } = truthFile.parse(JSON.parse(readFileSync(join(folder, 'gt.json'), 'utf8')));
  return {
    images: images.map(({ file_name, ...image }) => ({ ...image, path: join(folder, 'images', file_name) })),
    truth: annotations.map(({ image_id, category_id, bbox, iscrowd }) => ({
      ...{ image: image_id, category: category_id, box: bbox, crowd: iscrowd !== 0 },
    })),
  };
}

/** What an independent decoder saw with a model, score at least .05; undefined where nobody ran one. */
export function referenceOf(shared: string, model: string): Detection[] | undefined {
  const path = join(shared, 'groundtruth/coco_train40/ref', `${model}.pyref.json`);
  if (!existsSync(path)) return undefined;
  return referenceFile
    .parse(JSON.parse(readFileSync(path, 'utf8')))
    .map(({ image_id, category_id, bbox, score }) => ({
      ...{ image: image_id, category: category_id, box: bbox, score },
    }));
}

export async function detectorFor(shared: string, model: string, minScore: number): Promise<Detector> {
  const path = join(shared, 'models', `${model}.onnx`);
  const settings = detectSettings.parse({ minScore, lowScore: minScore });
  return await loadDetector({ name: model, path, sha256: '0'.repeat(64), demo: false }, settings);
}

export function detectionsIn(image: number, seen: Seen, labels: readonly string[]): Detection[] {
  return seen.objects.map(({ label, score, box: [x, y, width, height] }) => {
    const pixels: PixelBox = [x * seen.width, y * seen.height, width * seen.width, height * seen.height];
    return { image, category: labels.indexOf(label), box: pixels, score };
  });
}
