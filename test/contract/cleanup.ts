import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import { ACTIVITY_STREAM } from '@faascam/core/activity';
import type { Messaging } from '@faascam/core/messaging';
import type { ObjectStore } from '@faascam/core/store';
import { buckets, streams, subjects } from '@faascam/core/subjects';
import { expected, type Report } from './report.ts';

const OBJECTS = `OBJ_${buckets.segments}`;
/** What tells of an object has the object's name, as base64, at the end of its subject. */
const OBJECT_NAMES = `$O.${buckets.segments}.M.`;

export interface Cleanup {
  report: Report;
  messaging: Messaging;
  /** All that the suite has said was of these. */
  cameras: readonly string[];
  /** Ids of the events whose footage was wanted. */
  events: readonly string[];
  /** Where its clips are; undefined where it cannot be reached from here. */
  store: ObjectStore | undefined;
  /** Of events whose clips are stored. */
  clips: number;
}

/** Takes everything away that the suite has left on the site. */
export async function cleanUp({ report, messaging, cameras, events, store, clips }: Cleanup): Promise<void> {
  await report.check('Nothing of the suite stays in NATS', async () => {
    let removed = 0;
    for (const camera of cameras) await removeConsumer(messaging, camera);
    const places = [
      ...cameras.flatMap(placesOf),
      ...(await hoursOf(messaging, cameras)),
      ...(await footageOf(messaging, cameras, events)),
    ];
    for (const [stream, filter] of places) removed += await purge(messaging, stream, filter);
    for (const [stream, filter] of places)
      expected((await count(messaging, stream, filter)) === 0, `messages on ${filter} of ${stream} are left`);
    return `${removed} messages of ${cameras.join(' and ')} were removed`;
  });
  const [camera = ''] = cameras;
  const sentence = 'Nothing of the suite stays in the store';
  if (store === undefined) {
    if (clips > 0)
      report.skip(
        sentence,
        `FAASCAM_STORE is not set: remove what lies below ${camera}/, or leave ${clips} clips to the retention`,
      );
    return;
  }
  await report.check(sentence, async () => {
    let removed = 0;
    for await (const entry of store.list(`${camera}/`)) {
      if (!('key' in entry)) continue;
      await store.delete(entry.key);
      removed += 1;
    }
    for await (const entry of store.list(`${camera}/`)) expected(false, `${JSON.stringify(entry)} is left`);
    return `${removed} objects were removed`;
  });
}

type Place = [stream: string, filter: string];

/** Streams, and subjects of a camera in them. */
function placesOf(camera: string): Place[] {
  return [
    [streams.frames, subjects.frames(camera)],
    [streams.motion, subjects.motion(camera)],
    [streams.detections, subjects.detections(camera)],
    [streams.events, subjects.events(camera)],
    [streams.clips, `clips.*.${camera}`],
    ['DEADLETTER', `deadletter.*.*.${camera}`],
    ['DEADLETTER', `deadletter.*.*.*.${camera}`],
    ...[buckets.motion, buckets.tracks, buckets.cameras].map((bucket): Place => [
      `KV_${bucket}`,
      `$KV.${bucket}.${camera}`,
    ]),
  ];
}

/** What moved, an hour of a camera to a key: `$KV.activity.<camera>/<hour>`, which no filter can tell apart by its camera. */
async function hoursOf(messaging: Messaging, cameras: readonly string[]): Promise<Place[]> {
  const hours = await subjectsOf(messaging, ACTIVITY_STREAM, `$KV.${buckets.activity}.*`);
  return hours
    .filter((subject) => cameras.some((camera) => subject.startsWith(`$KV.${buckets.activity}.${camera}/`)))
    .map((subject) => [ACTIVITY_STREAM, subject]);
}

/**
 * Footage that was on its way when nobody fetched it: what tells of the objects, whose names begin with their camera, and
 * their chunks, also of an upload that was cut.
 */
async function footageOf(
  messaging: Messaging,
  cameras: readonly string[],
  events: readonly string[],
): Promise<Place[]> {
  const told = await subjectsOf(messaging, OBJECTS, `${OBJECT_NAMES}>`);
  const ours = told.filter((subject) => {
    const name = Buffer.from(subject.slice(OBJECT_NAMES.length), 'base64url').toString();
    return cameras.some((camera) => name.startsWith(`${camera}/`));
  });
  const chunks = events.map((event) => `$O.${buckets.segments}.C.${event}.>`);
  return [...ours, ...chunks].map((filter) => [OBJECTS, filter]);
}

async function removeConsumer({ jsm }: Messaging, camera: string): Promise<void> {
  try {
    await jsm.consumers.delete(streams.clips, `edge-agent-${camera}`);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

async function purge({ jsm }: Messaging, stream: string, filter: string): Promise<number> {
  try {
    const { purged } = await jsm.streams.purge(stream, { filter });
    return purged;
  } catch (error) {
    if (isMissing(error)) return 0;
    throw error;
  }
}

async function count(messaging: Messaging, stream: string, filter: string): Promise<number> {
  return (await subjectsOf(messaging, stream, filter)).length;
}

async function subjectsOf({ jsm }: Messaging, stream: string, filter: string): Promise<string[]> {
  try {
    const { state } = await jsm.streams.info(stream, { subjects_filter: filter });
    return Object.keys(state.subjects ?? {});
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return (
    error instanceof JetStreamApiError &&
    (error.code === JetStreamApiCodes.StreamNotFound || error.code === JetStreamApiCodes.ConsumerNotFound)
  );
}
