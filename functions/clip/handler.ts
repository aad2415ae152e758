import { systemClock } from '@faascam/core/clock';
import { MalformedInputError } from '@faascam/core/errors';
import { functionMessaging } from '@faascam/core/function-messaging';
import { bodyBytes, type FunctionHandler } from '@faascam/core/function';
import { createLogger } from '@faascam/core/log';
import { clipReady, type ClipReady, type Manifest } from '@faascam/core/clip-messages';
import { parseMessage } from '@faascam/core/messages';
import { requireProgram } from '@faascam/core/programs';
import { settingsFromEnv } from '@faascam/core/settings';
import { storeSettings } from '@faascam/core/store-settings';
import { openStore, type ObjectStore } from '@faascam/core/store';
import { subjects } from '@faascam/core/subjects';
import { removeLeftovers, runClipJob } from './clip-job.ts';
import { storedOf } from './receipt.ts';

/** Environment: FAASCAM_STORE (the clip store, YAML), FAASCAM_DATA (folder of the default store), NATS_URL. */
const clipStore = storeSettings.prefault({ kind: 'directory' });

const log = createLogger('clip');
const messaging = functionMessaging('faascam clip');
let store: Promise<ObjectStore> | undefined;
let closing = new AbortController();

/** Events at work, by id: a repeated call for one joins the first. */
const jobs = new Map<string, Promise<Result>>();
/** The last job begun. One runs at a time: ffmpeg takes all of the processor as it is, and disk space adds up. */
let queue: Promise<unknown> = Promise.resolve();

interface Result {
  manifest: Manifest;
  outcome: 'stored' | 'already-stored';
}

/**
 * `clips.ready.<camera>` in; clip, snapshot and receipt into the store, and `clips.stored.<camera>` out. An event
 * that is stored already is announced again: the agent repeats itself because it has not heard. So the announcement
 * carries no message id, by which NATS would drop it as a duplicate; whoever hears it may hear it twice.
 */
const handler: FunctionHandler = async (event, context) => {
  const ready = parseMessage(clipReady, bodyBytes(event), 'The clips.ready message');
  requireConsistent(ready);
  const { js } = await messaging.get();
  const { manifest, outcome } = await jobFor(ready);
  await js.publish(subjects.clipsStored(ready.camera), JSON.stringify(storedOf(manifest)));
  return context
    .status(200)
    .headers({ 'Content-Type': 'application/json' })
    .succeed(JSON.stringify({ eventId: ready.eventId, outcome, complete: manifest.complete }));
};
export default handler;

/** Throws `MalformedInputError` for a message whose parts do not belong together. */
function requireConsistent({ eventId, camera, event, fromUs, toUs }: ClipReady): void {
  const faults = [
    (event.id !== eventId || event.camera !== camera) && 'the event in it is another one',
    !eventId.startsWith(`${camera}-`) && 'its event is of another camera',
    fromUs >= toUs && 'its window is empty',
  ];
  const fault = faults.find((candidate) => candidate !== false);
  if (fault !== undefined)
    throw new MalformedInputError(`The clips.ready message of ${eventId} is wrong: ${fault}.`);
}

function jobFor(ready: ClipReady): Promise<Result> {
  const running = jobs.get(ready.eventId);
  if (running !== undefined) return running;
  const job = queue.then(async () => {
    const startedUs = systemClock.nowUs();
    const { nc } = await messaging.get();
    const parts = { nc, store: await openedStore(), clock: systemClock, log };
    const result = await runClipJob(ready, parts, closing.signal);
    const { outcome, manifest } = result;
    const tookMs = Math.round((systemClock.nowUs() - startedUs) / 1000);
    log.info(
      { event: ready.eventId, complete: manifest.complete, sizeBytes: manifest.clip?.sizeBytes ?? 0, tookMs },
      outcome,
    );
    return result;
  });
  // The next in line does not care how this one ends; its own callers do.
  queue = job.catch(() => undefined);
  jobs.set(ready.eventId, job);
  const forget = (): void => {
    jobs.delete(ready.eventId);
  };
  job.then(forget, forget);
  return job;
}

function openedStore(): Promise<ObjectStore> {
  store ??= openStore(
    settingsFromEnv(clipStore, 'FAASCAM_STORE'),
    process.env['FAASCAM_DATA'] ?? 'faascam-data',
  ).catch((error: unknown) => {
    store = undefined;
    throw error;
  });
  return store;
}

export async function ready(): Promise<void> {
  await requireProgram('ffmpeg');
  await requireProgram('ffprobe');
  await removeLeftovers();
  await (await openedStore()).check();
  await messaging.get();
}

export async function close(): Promise<void> {
  // Callers have been answered or have given up; what still runs for the latter begins anew elsewhere.
  closing.abort(new Error('the clip function is closing'));
  await queue;
  closing = new AbortController();
  const opened = store;
  store = undefined;
  await (await opened?.catch(() => undefined))?.close();
  await messaging.close();
}
