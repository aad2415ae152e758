import { systemClock } from '@faascam/core/clock';
import type { CameraProfile } from '@faascam/core/camera-profile';
import { CameraProfiles, motionSettingsFor } from '@faascam/core/camera-profiles';
import { CameraStates } from '@faascam/core/camera-state';
import { frameHeaderOf, messageHeadersOf, type FrameHeader } from '@faascam/core/frame';
import { functionMessaging } from '@faascam/core/function-messaging';
import { bodyBytes, type FunctionHandler } from '@faascam/core/function';
import { createLogger } from '@faascam/core/log';
import type { MotionHeader } from '@faascam/core/messages';
import { motionSettings, settingsFromEnv, type MotionSettings } from '@faascam/core/settings';
import { buckets, subjects } from '@faascam/core/subjects';
import { withTraceOf } from '@faascam/core/trace-context';
import { ActivityLog } from './activity-log.ts';
import { beginBackground, observe, type Background, type MotionOptions } from './background.ts';
import { latenessOf } from './lateness.ts';
import { lumaOf, type Luma } from './luma.ts';
import { decodeBackground, encodeBackground } from './state.ts';
import { warmUp } from './warm-up.ts';

const messaging = functionMessaging('motion');
const log = createLogger('motion');
let settings: MotionSettings | undefined;
const states = new CameraStates(messaging, buckets.motion, 'memory');
const activity = new ActivityLog(messaging, systemClock, log);
const profiles = new CameraProfiles(messaging, 'motion');
/** Options by the profile that they are for. */
const optionsOf = new WeakMap<CameraProfile, MotionOptions>();
/** The backgrounds of bytes that this replica has written: they need not be read again. */
const held = new WeakMap<Uint8Array, Background>();
/** How often each camera's background was begun anew, and why. */
const begunAnew = new Map<string, number>();

/** `frames.<camera>` in, `motion.<camera>` out, with the picture only where a look at it may tell something. */
const handler: FunctionHandler = async (event, context) => {
  const frame = frameHeaderOf(event);
  const picture = bodyBytes(event);
  const motion =
    frame.kind === 'lost'
      ? await noteLost(frame)
      : await motionIn(frame, await lumaOf(picture), optionsFor(await profiles.of(frame.camera)));
  if (motion === 'late') return context.status(200).succeed('late');
  if (motion.kind === 'moving') activity.note(frame.camera, frame.capturedAtUs, motion.score);
  const { js } = await messaging.get();
  const look = motion.kind === 'moving' || motion.kind === 'settling';
  await js.publish(subjects.motion(frame.camera), look ? picture : undefined, {
    headers: withTraceOf(event, messageHeadersOf(frame, motion)),
    msgID: `motion-${frame.camera}-${frame.capturedAtUs}-${frame.kind}`,
  });
  return context.status(200).succeed('');
};
export default handler;

function optionsFor(profile: CameraProfile): MotionOptions {
  settings ??= settingsFromEnv(motionSettings, 'FAASCAM_MOTION');
  const { masks } = profile;
  const options = optionsOf.get(profile) ?? { ...motionSettingsFor(settings, profile), masks };
  optionsOf.set(profile, options);
  return options;
}

/** The camera went away. What was learned of it is kept: mostly it comes back to the same view. */
async function noteLost({ camera, seq }: FrameHeader): Promise<MotionHeader> {
  return await states.update<MotionHeader>(camera, (bytes) => {
    const result = { v: 1, kind: 'lost', score: 0, boxes: [] } satisfies MotionHeader;
    const before = bytes === undefined ? undefined : (held.get(bytes) ?? decodeBackground(bytes));
    if (before === undefined) return { result };
    const after = { ...before, lostSeq: seq };
    const state = encodeBackground(after);
    held.set(state, after);
    return { state, result };
  });
}

/** What moves in a frame; `late` when a newer frame of the camera was seen already. */
async function motionIn(
  { camera, capturedAtUs, seq }: FrameHeader,
  luma: Luma,
  options: MotionOptions,
): Promise<MotionHeader | 'late'> {
  return await states.update<MotionHeader | 'late'>(camera, (bytes) => {
    const before = bytes === undefined ? undefined : (held.get(bytes) ?? decodeBackground(bytes));
    const lateness = before === undefined ? 'next' : latenessOf({ capturedAtUs, seq }, before);
    if (lateness === 'late') return { result: 'late' };
    if (before !== undefined && lateness === 'again') return { result: before.said };
    if (bytes !== undefined && before === undefined) {
      tellBegunAnew(camera, 'what was stored of it is damaged or of another version');
    } else if (lateness === 'clock set back') {
      tellBegunAnew(camera, 'its clock was set back');
    }
    const after =
      before === undefined || lateness === 'clock set back'
        ? beginBackground(luma, capturedAtUs)
        : { ...observe(before, luma, capturedAtUs, options).background, lostSeq: lostBefore(before, seq) };
    const state = encodeBackground(after);
    held.set(state, after);
    return { state, result: after.said };
  });
}

/** The word that the camera is lost holds for the frames after it, up to the first that is looked at. */
function lostBefore({ lostSeq }: Background, seq: number): number | undefined {
  return lostSeq === undefined || seq > lostSeq ? undefined : lostSeq;
}

function tellBegunAnew(camera: string, why: string): void {
  const count = (begunAnew.get(camera) ?? 0) + 1;
  begunAnew.set(camera, count);
  log.warn({ camera, count }, `The background of camera ${camera} is begun anew: ${why}`);
}

export async function ready(): Promise<void> {
  settings ??= settingsFromEnv(motionSettings, 'FAASCAM_MOTION');
  await warmUp(settings);
  await states.ready();
}

export async function close(): Promise<void> {
  await activity.close();
  await messaging.close();
}
