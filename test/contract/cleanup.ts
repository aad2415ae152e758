import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import type { Messaging } from '@faascam/core/messaging';
import type { ObjectStore } from '@faascam/core/store';
import { buckets, streams, subjects } from '@faascam/core/subjects';
import { expected, type Report } from './report.ts';

export interface Cleanup {
  report: Report;
  messaging: Messaging;
  /** All that the suite has said was of these. */
  cameras: readonly string[];
  /** Where its clips are; undefined where it cannot be reached from here. */
  store: ObjectStore | undefined;
  /** Of events whose clips are stored. */
  clips: number;
}

/** Takes everything away that the suite has left on the site. */
export async function cleanUp({ report, messaging, cameras, store, clips }: Cleanup): Promise<void> {
  await report.check('Nothing of the suite stays in NATS', async () => {
    let removed = 0;
    for (const camera of cameras) {
      await removeConsumer(messaging, camera);
      for (const [stream, filter] of placesOf(camera)) removed += await purge(messaging, stream, filter);
    }
    for (const camera of cameras)
      for (const [stream, filter] of placesOf(camera))
        expected(
          (await count(messaging, stream, filter)) === 0,
          `messages on ${filter} of ${stream} are left`,
        );
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

/** Streams, and subjects of a camera in them. */
function placesOf(camera: string): [stream: string, filter: string][] {
  return [
    [streams.frames, subjects.frames(camera)],
    [streams.motion, subjects.motion(camera)],
    [streams.detections, subjects.detections(camera)],
    [streams.events, subjects.events(camera)],
    [streams.clips, `clips.*.${camera}`],
    ['DEADLETTER', `deadletter.*.*.${camera}`],
    ['DEADLETTER', `deadletter.*.*.*.${camera}`],
    ...[buckets.motion, buckets.tracks, buckets.cameras].map((bucket): [string, string] => [
      `KV_${bucket}`,
      `$KV.${bucket}.${camera}`,
    ]),
  ];
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

async function count({ jsm }: Messaging, stream: string, filter: string): Promise<number> {
  try {
    const { state } = await jsm.streams.info(stream, { subjects_filter: filter });
    return Object.keys(state.subjects ?? {}).length;
  } catch (error) {
    if (isMissing(error)) return 0;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return (
    error instanceof JetStreamApiError &&
    (error.code === JetStreamApiCodes.StreamNotFound || error.code === JetStreamApiCodes.ConsumerNotFound)
  );
}
