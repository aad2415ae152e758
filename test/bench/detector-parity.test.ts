import { describe, expect, it } from 'vitest';
import { sharedData } from '@faascam/test-servers/shared-data';
import { join } from 'node:path';
import { cocoSet, referenceOf } from './detector-material.ts';
import { parityOf } from './detector-parity.ts';

const truth = sharedData('groundtruth/coco_train40/gt.json');

/** Enough for a wrong scale, colour, place or suppression to show: script/bench detector judges all of them. */
const FEW = 4;

describe.runIf(truth !== undefined)('a detector', () => {
  const shared = join(truth ?? '', '../../..');

  it.each(['yolox_nano_416', 'yolov5n_640', 'yolov8n_640_int8', 'yolo26n_640_int8'])(
    'sees with %s what an independent decoder sees',
    async (model) => {
      if (sharedData(`models/${model}.onnx`) === undefined) return;
      const set = cocoSet(shared);
      const images = set.images.slice(0, FEW);
      const here = ({ image }: { image: number }): boolean => images.some(({ id }) => id === image);
      const few = { images, truth: set.truth.filter(here) };
      const parity = await parityOf(shared, model, few, referenceOf(shared, model)?.filter(here));
      expect(parity.sure).toBeGreaterThan(5);
      expect(parity.met).toBe(parity.sure);
      // In so few pictures one box that reaches one threshold more or less is a hundredth.
      expect(parity.map).toBeGreaterThan((parity.referenceMap ?? 1) - 0.02);
    },
  );
});
