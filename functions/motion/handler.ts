import { CameraStates } from '@faascam/core/camera-state';
import { frameHeaderOf, messageHeadersOf } from '@faascam/core/frame';
import { functionMessaging } from '@faascam/core/function-messaging';
import { bodyBytes, type FunctionHandler } from '@faascam/core/function';
import type { MotionHeader } from '@faascam/core/messages';
import { motionSettings, settingsFromEnv, type MotionSettings } from '@faascam/core/settings';
import { buckets, subjects } from '@faascam/core/subjects';
import { beginBackground, observe } from './background.ts';
import { lumaOf, type Luma } from './luma.ts';
import { decodeBackground, encodeBackground } from './state.ts';

const messaging = functionMessaging('faascam motion');
let settings: MotionSettings | undefined;
const states = new CameraStates(messaging, buckets.motion, 'memory');

/** `frames.<camera>` in, `motion.<camera>` out, with the picture only where a look at it may tell something. */
const handler: FunctionHandler = async (event, context) => {
  const frame = frameHeaderOf(event);
  const picture = bodyBytes(event);
  settings ??= settingsFromEnv(motionSettings, 'FAASCAM_MOTION');
  const motion =
    frame.kind === 'lost'
      ? ({ v: 1, kind: 'lost', score: 0, boxes: [] } satisfies MotionHeader)
      : await motionIn(frame.camera, await lumaOf(picture), frame.capturedAtUs, settings);
  if (motion === 'late') return context.status(200).succeed('late');
  const { js } = await messaging.get();
  const look = motion.kind === 'moving' || motion.kind === 'settling';
  await js.publish(subjects.motion(frame.camera), look ? picture : undefined, {
    headers: messageHeadersOf(frame, motion),
    msgID: `motion-${frame.camera}-${frame.capturedAtUs}-${frame.kind}`,
  });
  return context.status(200).succeed('');
};
export default handler;

/** What moves in a frame; `late` when a newer frame of the camera was seen already. */
async function motionIn(
  camera: string,
  luma: Luma,
  capturedAtUs: number,
  with_: MotionSettings,
): Promise<MotionHeader | 'late'> {
  return await states.update<MotionHeader | 'late'>(camera, (bytes) => {
    const before = bytes === undefined ? undefined : decodeBackground(bytes);
    if (before !== undefined && capturedAtUs < before.lastUs) return { result: 'late' };
    if (before !== undefined && capturedAtUs === before.lastUs) return { result: before.said };
    const after =
      before === undefined
        ? beginBackground(luma, capturedAtUs)
        : observe(before, luma, capturedAtUs, with_).background;
    return { state: encodeBackground(after), result: after.said };
  });
}

export async function ready(): Promise<void> {
  settings ??= settingsFromEnv(motionSettings, 'FAASCAM_MOTION');
  await states.ready();
}

export async function close(): Promise<void> {
  await messaging.close();
}
