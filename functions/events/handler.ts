import type { CameraProfile } from '@faascam/core/camera-profile';
import { CameraProfiles, eventSettingsFor } from '@faascam/core/camera-profiles';
import { CameraStates } from '@faascam/core/camera-state';
import { MalformedInputError } from '@faascam/core/errors';
import { functionMessaging } from '@faascam/core/function-messaging';
import { bodyBytes, headerOf, type FunctionEvent, type FunctionHandler } from '@faascam/core/function';
import { createLogger } from '@faascam/core/log';
import {
  detectionsMessage,
  eventMessage,
  parseMessage,
  type DetectionsMessage,
  type EventMessage,
} from '@faascam/core/messages';
import { eventSettings, settingsFromEnv, type EventSettings } from '@faascam/core/settings';
import { buckets, cameraOf, headers, streams, subjects } from '@faascam/core/subjects';
import { withTraceOf } from '@faascam/core/trace-context';
import { endOfForgotten } from './event.ts';
import { followedIn } from './followed.ts';
import { OddFrames } from './odd-frames.ts';
import { advance, type Step } from './rules.ts';
import { decodeTracks, encodeTracks, type CameraTracks, type Outgoing } from './state.ts';

const messaging = functionMessaging('events');
const states = new CameraStates(messaging, buckets.tracks, 'file');
const profiles = new CameraProfiles(messaging, 'events');
const oddFrames = new OddFrames(createLogger('events'));
let settings: EventSettings | undefined;
/** Settings by the profile that they are for. */
const settingsOf = new WeakMap<CameraProfile, EventSettings>();

/** `detections.<camera>` in; `events.<camera>` and, when one has ended, `clips.wanted.<camera>` out. */
const handler: FunctionHandler = async (event, context) => {
  const frame = parseMessage(detectionsMessage, bodyBytes(event), 'The detections message');
  requireOwnCamera(event, frame);
  const { step, forgotten } = await take(frame, await profiles.of(frame.camera));
  if (step.kind === 'late' || step.kind === 'strange') oddFrames.tell(frame, step.kind);
  if (step.kind === 'advanced') await tell(step.state, frame);
  const outgoing = 'outgoing' in step ? step.outgoing : [];
  await send(frame.camera, [...forgotten, ...outgoing], withTraceOf(event));
  return context.status(200).succeed(step.kind === 'advanced' ? '' : step.kind);
};
export default handler;

/** A message on one camera's subject that is of another would put its objects into the wrong scene. */
function requireOwnCamera(event: FunctionEvent, frame: DetectionsMessage): void {
  const topic = headerOf(event, headers.topic);
  if (topic === undefined || cameraOf(topic) === frame.camera) return;
  throw new MalformedInputError(
    `The detections message on ${topic} is of camera ${frame.camera}: whoever sends it mixes cameras up.`,
  );
}

function rulesFor(profile: CameraProfile): EventSettings {
  settings ??= settingsFromEnv(eventSettings, 'FAASCAM_EVENTS');
  const rules = settingsOf.get(profile) ?? eventSettingsFor(settings, profile);
  settingsOf.set(profile, rules);
  return rules;
}

/** What the camera's tracks and events are after the frame. `forgotten` ends an event that a lost state had open. */
async function take(
  frame: DetectionsMessage,
  profile: CameraProfile,
): Promise<{ step: Step; forgotten: readonly Outgoing[] }> {
  const rules = rulesFor(profile);
  let forgotten: readonly Outgoing[] | undefined;
  for (;;) {
    const step = await states.update<Step | 'no-state'>(frame.camera, (bytes) => {
      const before = bytes === undefined ? 'none' : decodeTracks(bytes, frame.camera);
      if (typeof before === 'string' && forgotten === undefined) {
        if (before === 'damaged') oddFrames.tell(frame, 'state-damaged');
        return { result: 'no-state' };
      }
      const after = advance(typeof before === 'string' ? undefined : before, frame, rules, profile);
      return 'state' in after
        ? { state: encodeTracks(withForgotten(after.state, forgotten)), result: after }
        : { result: after };
    });
    if (step !== 'no-state') return { step, forgotten: forgotten ?? [] };
    const told = await lastTold(frame.camera);
    forgotten = told === undefined || told.phase === 'end' ? [] : endOfForgotten(told, rules);
  }
}

/** The frame's messages with those of the forgotten event before them, should the frame come again. */
function withForgotten(state: CameraTracks, forgotten: readonly Outgoing[] = []): CameraTracks {
  return forgotten.length === 0 ? state : { ...state, outgoing: [...forgotten, ...state.outgoing] };
}

/** What was last told of the camera's events; undefined when there was nothing, or nothing that can be read. */
async function lastTold(camera: string): Promise<EventMessage | undefined> {
  const { jsm } = await messaging.get();
  const message = await jsm.streams.getMessage(streams.events, { last_by_subj: subjects.events(camera) });
  if (message === null) return undefined;
  try {
    return parseMessage(eventMessage, message.data, 'The last event message');
  } catch (error) {
    if (error instanceof MalformedInputError) return undefined;
    throw error;
  }
}

/** For whoever watches at the moment: nobody waits for it, and where nobody does the server drops it. */
async function tell(state: CameraTracks, frame: DetectionsMessage): Promise<void> {
  const { nc } = await messaging.get();
  nc.publish(subjects.tracks(frame.camera), JSON.stringify(followedIn(state, frame)));
}

async function send(
  camera: string,
  outgoing: readonly Outgoing[],
  headers: ReturnType<typeof withTraceOf>,
): Promise<void> {
  if (outgoing.length === 0) return;
  const { js } = await messaging.get();
  for (const { kind, message, msgID } of outgoing) {
    const subject = kind === 'event' ? subjects.events(camera) : subjects.clipsWanted(camera);
    await js.publish(subject, JSON.stringify(message), { msgID, headers });
  }
}

export async function ready(): Promise<void> {
  settings ??= settingsFromEnv(eventSettings, 'FAASCAM_EVENTS');
  await states.ready();
}

export async function close(): Promise<void> {
  await messaging.close();
}
