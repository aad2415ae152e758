import { CameraStates } from '@faascam/core/camera-state';
import { functionMessaging } from '@faascam/core/function-messaging';
import { bodyBytes, type FunctionHandler } from '@faascam/core/function';
import { detectionsMessage, parseMessage } from '@faascam/core/messages';
import { eventSettings, settingsFromEnv, type EventSettings } from '@faascam/core/settings';
import { buckets, subjects } from '@faascam/core/subjects';
import { advance } from './rules.ts';
import { decodeTracks, encodeTracks, type Outgoing } from './state.ts';

const messaging = functionMessaging('faascam events');
const states = new CameraStates(messaging, buckets.tracks, 'file');
let settings: EventSettings | undefined;

/** `detections.<camera>` in; `events.<camera>` and, when one has ended, `clips.wanted.<camera>` out. */
const handler: FunctionHandler = async (event, context) => {
  const frame = parseMessage(detectionsMessage, bodyBytes(event), 'The detections message');
  const rules = (settings ??= settingsFromEnv(eventSettings, 'FAASCAM_EVENTS'));
  const outgoing = await states.update<Outgoing[]>(frame.camera, (bytes) => {
    const before = bytes === undefined ? undefined : decodeTracks(bytes);
    const after = advance(before, frame, rules);
    if (after === 'late') return { result: [] };
    if (after === before) return { result: after.outgoing };
    return { state: encodeTracks(after), result: after.outgoing };
  });
  if (outgoing.length > 0) {
    const { js } = await messaging.get();
    for (const { kind, message, msgID } of outgoing) {
      const subject = kind === 'event' ? subjects.events(frame.camera) : subjects.clipsWanted(frame.camera);
      await js.publish(subject, JSON.stringify(message), { msgID });
    }
  }
  return context.status(200).succeed('');
};
export default handler;

export async function ready(): Promise<void> {
  settings ??= settingsFromEnv(eventSettings, 'FAASCAM_EVENTS');
  await states.ready();
}

export async function close(): Promise<void> {
  await messaging.close();
}
