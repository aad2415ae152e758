import { join } from 'node:path';
import { frameHeaderOf, motionHeaderOf, type FrameHeader } from '@faascam/core/frame';
import { functionMessaging } from '@faascam/core/function-messaging';
import { bodyBytes, type FunctionHandler } from '@faascam/core/function';
import { createLogger } from '@faascam/core/log';
import type { DetectionsMessage, MotionHeader } from '@faascam/core/messages';
import { detectSettings, settingsFromEnv, type DetectSettings } from '@faascam/core/settings';
import { streams, subjects } from '@faascam/core/subjects';
import { withTraceOf } from '@faascam/core/trace-context';
import { loadDetector, type Detector, type Seen } from './detector.ts';
import { uprightBoxes } from './picture.ts';
import { hintsOf, recollectionFrom, remember, type Recollection } from './recollection.ts';
import { planLook } from './regions.ts';
import { resolveModel } from './registry.ts';

const messaging = functionMessaging('detect');
let loading: Promise<Loaded> | undefined;

interface Loaded {
  detector: Detector;
  settings: DetectSettings;
}

/** One detector a process, loaded at first use; a failed attempt is made again at the next use. */
function detector(): Promise<Loaded> {
  loading ??= load().catch((error: unknown) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

async function load(): Promise<Loaded> {
  const settings = settingsFromEnv(detectSettings, 'FAASCAM_DETECT');
  const directory = settings.modelDirectory || join(process.env['FAASCAM_DATA'] ?? '.', 'models');
  const loaded = await loadDetector(await resolveModel(settings.model, directory), settings);
  if (loaded.fallback !== undefined) {
    const { provider, fallback } = loaded;
    createLogger('detect').warn(`The model runs on ${provider}, since nothing better works (${fallback})`);
  }
  return { detector: loaded, settings };
}

/** `motion.<camera>` in, `detections.<camera>` out. Frames without a picture pass without a look. */
const handler: FunctionHandler = async (event, context) => {
  const frame = frameHeaderOf(event);
  const picture = bodyBytes(event);
  const loaded = await detector();
  const motion = await upright(motionHeaderOf(event), picture);
  const before = await lastLook(frame, loaded.settings);
  const seen = picture.length > 0 ? await lookAt(picture, frame, motion, before, loaded) : undefined;
  const message = {
    ...detectionsOf(frame, motion, loaded.detector, seen),
    ...lookFieldOf(frame, motion, before, seen, loaded.settings),
  };
  const { js } = await messaging.get();
  await js.publish(subjects.detections(frame.camera), JSON.stringify(message), {
    headers: withTraceOf(event),
    msgID: `detections-${frame.camera}-${frame.capturedAtUs}-${frame.kind}`,
  });
  return context.status(200).succeed('');
};
export default handler;

async function upright(motion: MotionHeader, picture: Buffer): Promise<MotionHeader> {
  return { ...motion, boxes: await uprightBoxes(picture, motion.boxes) };
}

/** What the camera's last message says for this frame; nothing is asked where the whole frame is always looked at. */
async function lastLook(frame: FrameHeader, { regions }: DetectSettings): Promise<Recollection | undefined> {
  if (regions.most === 0 || frame.kind === 'lost') return undefined;
  const { jsm } = await messaging.get();
  const last = await jsm.streams.getMessage(streams.detections, {
    last_by_subj: subjects.detections(frame.camera),
  });
  return recollectionFrom(last?.data, frame.capturedAtUs);
}

async function lookAt(
  encoded: Buffer,
  { capturedAtUs, seq }: FrameHeader,
  motion: MotionHeader,
  before: Recollection | undefined,
  { detector: loaded, settings: { regions } }: Loaded,
): Promise<Seen> {
  const hints = hintsOf(before, capturedAtUs, regions.wholeEveryMs);
  return await loaded.look(encoded, (picture) =>
    planLook({ picture, input: loaded.layout, movers: motion.boxes, ...hints, turn: seq }, regions.most),
  );
}

/** What the next frame of the camera is told. A frame without a picture hands on what it was told itself. */
function lookFieldOf(
  { kind, capturedAtUs }: FrameHeader,
  motion: MotionHeader,
  before: Recollection | undefined,
  seen: Seen | undefined,
  { regions }: DetectSettings,
): { look?: Recollection } {
  if (regions.most === 0 || kind === 'lost') return {};
  if (seen === undefined) return before === undefined ? {} : { look: before };
  const { objects } = seen;
  const frame = { capturedAtUs, movers: motion.boxes };
  return { look: remember(before, frame, { objects, whole: seen.look.whole }) };
}

function detectionsOf(
  frame: FrameHeader,
  motion: MotionHeader,
  { model }: Detector,
  seen: Seen | undefined,
): DetectionsMessage {
  return {
    v: 1,
    camera: frame.camera,
    capturedAtUs: frame.capturedAtUs,
    seq: frame.seq,
    motion: motion.kind,
    motionBoxes: motion.boxes,
    inferred: seen !== undefined,
    objects: seen?.objects ?? [],
    ...(seen === undefined ? {} : { low: seen.low, picture: { width: seen.width, height: seen.height } }),
    model: { name: model.name, sha256: model.sha256, demo: model.demo },
  };
}

export async function ready(): Promise<void> {
  await detector();
  await messaging.get();
}

export async function close(): Promise<void> {
  await messaging.close();
  await (await loading)?.detector.close();
}
