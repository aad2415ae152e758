import { join } from 'node:path';
import { frameHeaderOf, motionHeaderOf, type FrameHeader } from '@faascam/core/frame';
import { functionMessaging } from '@faascam/core/function-messaging';
import { bodyBytes, type FunctionHandler } from '@faascam/core/function';
import type { DetectedObject, DetectionsMessage, MotionHeader } from '@faascam/core/messages';
import { detectSettings, settingsFromEnv } from '@faascam/core/settings';
import { subjects } from '@faascam/core/subjects';
import { loadDetector, type Detector } from './detector.ts';
import { resolveModel } from './registry.ts';

const messaging = functionMessaging('faascam detect');
let loading: Promise<Detector> | undefined;

/** One detector a process, loaded at first use; a failed attempt is made again at the next use. */
function detector(): Promise<Detector> {
  loading ??= load().catch((error: unknown) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

async function load(): Promise<Detector> {
  const settings = settingsFromEnv(detectSettings, 'FAASCAM_DETECT');
  const directory = settings.modelDirectory || join(process.env['FAASCAM_DATA'] ?? '.', 'models');
  return await loadDetector(await resolveModel(settings.model, directory), settings);
}

/** `motion.<camera>` in, `detections.<camera>` out. Frames without a picture pass without a look. */
const handler: FunctionHandler = async (event, context) => {
  const frame = frameHeaderOf(event);
  const motion = motionHeaderOf(event);
  const picture = bodyBytes(event);
  const loaded = await detector();
  const inferred = picture.length > 0;
  const objects = inferred ? await loaded.detect(picture) : [];
  const { js } = await messaging.get();
  await js.publish(
    subjects.detections(frame.camera),
    JSON.stringify(detectionsOf(frame, motion, loaded, inferred, objects)),
    { msgID: `detections-${frame.camera}-${frame.capturedAtUs}-${frame.kind}` },
  );
  return context.status(200).succeed('');
};
export default handler;

function detectionsOf(
  frame: FrameHeader,
  motion: MotionHeader,
  { model }: Detector,
  inferred: boolean,
  objects: DetectedObject[],
): DetectionsMessage {
  return {
    v: 1,
    camera: frame.camera,
    capturedAtUs: frame.capturedAtUs,
    seq: frame.seq,
    motion: motion.kind,
    motionBoxes: motion.boxes,
    inferred,
    objects,
    model: { name: model.name, sha256: model.sha256, demo: model.demo },
  };
}

export async function ready(): Promise<void> {
  await detector();
  await messaging.get();
}

export async function close(): Promise<void> {
  await messaging.close();
  await (await loading)?.close();
}
