import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { DetectedObject } from '@faascam/core/messages';
import { FaascamError, messageOf } from '@faascam/core/errors';
import type { DetectSettings } from '@faascam/core/settings';
import { coco80 } from './coco.ts';
import {
  decodeDetr,
  decodeEndToEnd,
  decodeYolov5,
  decodeYolov8,
  decodeYolox,
  type Candidate,
  type Decoding,
} from './decode.ts';
import { layoutOf, type Layout, type TensorShape } from './layout.ts';
import { modelInputOf } from './picture.ts';
import type { ResolvedModel } from './registry.ts';
import { suppress } from './suppression.ts';

export interface Detector {
  readonly model: ResolvedModel;
  readonly layout: Layout;
  readonly labels: readonly string[];
  /** Objects in an encoded picture, best first. Throws `MalformedInputError` when it cannot be decoded. */
  detect(encoded: Buffer): Promise<DetectedObject[]>;
  close(): Promise<void>;
}

/**
 * Loads a model and runs it once, so that the first picture is no slower than the others.
 * Throws `FaascamError` `model-unreadable` or `model-layout`.
 */
export async function loadDetector(model: ResolvedModel, settings: DetectSettings): Promise<Detector> {
  let session: InferenceSession;
  try {
    session = await InferenceSession.create(model.path, {
      executionProviders: ['cpu'],
      logSeverityLevel: 3,
      ...(settings.threads > 0 ? { intraOpNumThreads: settings.threads } : {}),
    });
  } catch (cause) {
    throw new FaascamError(
      'model-unreadable',
      `${model.path} is no ONNX model that onnxruntime can load (${withoutSource(cause)}): choose another file, or pull the model again.`,
      { cause },
    );
  }
  const layout = layoutOf(
    session.inputMetadata.flatMap(tensorShape),
    session.outputMetadata.flatMap(tensorShape),
    model.labels?.length,
  );
  const labels = model.labels ?? coco80;
  const labelOf = (classId: number): string => labels[classId] ?? `class ${classId}`;
  const minScoreOf = (classId: number): number => settings.minScores[labelOf(classId)] ?? settings.minScore;
  const minScore = Math.min(settings.minScore, ...Object.values(settings.minScores));
  // One picture at a time goes through the session, so its input can be used again.
  let input: Float32Array | undefined;
  let turn: Promise<unknown> = Promise.resolve();

  const infer = async (tensor: Float32Array, decoding: Decoding): Promise<Candidate[]> => {
    const feeds: Record<string, Tensor> = {
      [layout.input]: new Tensor('float32', tensor, [1, 3, layout.height, layout.width]),
    };
    if (layout.family === 'detr') {
      feeds['orig_target_sizes'] = new Tensor(
        'int64',
        BigInt64Array.of(BigInt(layout.width), BigInt(layout.height)),
        [1, 2],
      );
    }
    return candidatesOf(await session.run(feeds), decoding);
  };

  await infer(new Float32Array(3 * layout.width * layout.height), {
    layout,
    placement: { width: layout.width, height: layout.height, left: 0, top: 0 },
    minScoreOf: () => 1,
    minScore: 1,
  });

  const detectNow = async (encoded: Buffer): Promise<DetectedObject[]> => {
    const picture = await modelInputOf(encoded, layout, input);
    input = picture.tensor;
    const decoding = { layout, placement: picture.placement, minScoreOf, minScore };
    const candidates = await infer(picture.tensor, decoding);
    const doubleFree = layout.family === 'end-to-end' || layout.family === 'detr';
    const kept = suppress(candidates, doubleFree ? 1 : settings.nmsIou);
    return kept.map(({ classId, score, box }) => ({ label: labelOf(classId), score, box }));
  };

  return {
    model,
    layout,
    labels,
    detect: (encoded) => {
      const result = turn.then(() => detectNow(encoded));
      turn = result.catch(() => undefined);
      return result;
    },
    close: () => session.release(),
  };
}

/** The runtime's words without the place in its own source where they were said. */
function withoutSource(error: unknown): string {
  const [line = ''] = messageOf(error).split('\n');
  return line.replace(/^.*\) /, '').replace(/\.$/, '');
}

function tensorShape(metadata: InferenceSession.ValueMetadata): TensorShape[] {
  return metadata.isTensor ? [{ name: metadata.name, type: metadata.type, shape: metadata.shape }] : [];
}

function candidatesOf(outputs: InferenceSession.ReturnType, decoding: Decoding): Candidate[] {
  const { family, output } = decoding.layout;
  if (family === 'detr') {
    const labels = outputs['labels']?.data;
    const classIds =
      labels instanceof BigInt64Array || labels instanceof Int32Array ? labels : new Int32Array();
    return decodeDetr(classIds, floats(outputs['boxes']), floats(outputs['scores']), decoding);
  }
  const values = floats(outputs[output]);
  switch (family) {
    case 'yolox':
      return decodeYolox(values, decoding);
    case 'yolov5':
      return decodeYolov5(values, decoding);
    case 'yolov8':
      return decodeYolov8(values, decoding);
    case 'end-to-end':
      return decodeEndToEnd(values, decoding);
  }
}

function floats(tensor: { data: unknown } | undefined): Float32Array {
  if (tensor?.data instanceof Float32Array) return tensor.data;
  throw new FaascamError(
    'model-layout',
    'The model answers with something other than 32-bit floats: export it with float32 outputs.',
  );
}
