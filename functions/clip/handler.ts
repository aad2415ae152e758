import { systemClock } from '@faascam/core/clock';
import { isWithoutAgent, type ClipStored } from '@faascam/core/clip-messages';
import { clipSettings } from '@faascam/core/clip-settings';
import { FaascamError } from '@faascam/core/errors';
import { functionMessaging } from '@faascam/core/function-messaging';
import { bodyBytes, type FunctionContext, type FunctionHandler } from '@faascam/core/function';
import { createLogger } from '@faascam/core/log';
import { requireProgram } from '@faascam/core/programs';
import { sweeperFromEnv } from '@faascam/core/retention-sweeper';
import { settingsFromEnv } from '@faascam/core/settings';
import { storeSettingsFromEnv } from '@faascam/core/store-from-env';
import { openStore, type ObjectStore } from '@faascam/core/store';
import { subjects } from '@faascam/core/subjects';
import { callLimitMs } from './call-limit.ts';
import { runClipJob, type JobResult } from './clip-job.ts';
import { findReceipt } from './clip-store.ts';
import { keepHouse } from './housekeeping.ts';
import { JobQueue } from './job-queue.ts';
import { offerOf, type Offer } from './offer.ts';
import { Progress } from './progress.ts';
import { removedOf, storedOf } from './receipt.ts';
import { SegmentPatience } from './segment-patience.ts';
import { removeLeftovers } from './temporary-folder.ts';
import { UntakenRequests } from './untaken.ts';

/**
 * Environment: FAASCAM_STORE (the clip store, YAML) or S3_*, FAASCAM_CLIP (what is made beside a clip, YAML),
 * FAASCAM_DATA (folder of the default store), FAASCAM_RETENTION (YAML; with it, old events are removed now and then), NATS_URL,
 * exec_timeout (of-watchdog's).
 */
const log = createLogger('clip');
const messaging = functionMessaging('clip');
let store: Promise<ObjectStore> | undefined;
let closing = new AbortController();
let sweeper: ReturnType<typeof sweeperFromEnv>;
/** Ends with `closing`. */
let housekeeping: Promise<void> | undefined;

const CALL_MS = callLimitMs(process.env['exec_timeout']);
/** One runs at a time: ffmpeg takes all of the processor as it is, and disk space adds up. */
const queue = new JobQueue<JobResult>({ mostWaiting: 64, callerWaitsMs: CALL_MS });
const progressOf = new Map<string, Progress>();
const patience = new SegmentPatience();

/**
 * `clips.ready.<camera>` in; clip, pictures and receipt into the store, and `clips.stored.<camera>` out. An event
 * that is stored already is announced again, at once: the agent repeats itself because it has not heard. So the
 * announcement carries no message id, by which NATS would drop it as a duplicate; whoever hears it may hear it twice.
 * So is one that was removed on purpose: it is not stored again, and its agent lets its footage go.
 *
 * A clip that takes longer than a call may is made all the same. Its calls are answered with 500 and how far it is;
 * it is announced when it is stored.
 */
const handler: FunctionHandler = async (event, context) => {
  const offer = offerOf(bodyBytes(event));
  const { eventId } = offer.ready;
  void sweeper?.sweepIfDue(await openedStore());
  const earlier = await findReceipt(await openedStore(), eventId);
  if (earlier !== undefined && !isWithoutAgent(earlier.manifest)) {
    await announce(storedOf(earlier));
    return answer(context, 200, { eventId, outcome: 'already-stored', complete: earlier.manifest.complete });
  }
  try {
    const result = await withinCall(
      eventId,
      queue.run(eventId, () => work(offer)),
    );
    const complete = result.outcome !== 'removed' && result.receipt.manifest.complete;
    return answer(context, 200, { eventId, outcome: result.outcome, complete });
  } catch (error) {
    if (!(error instanceof FaascamError) || error.code !== 'busy') throw error;
    return answer(context, 429, { error: error.message });
  }
};
export default handler;

function answer(context: FunctionContext, status: number, body: object): FunctionContext {
  return context.status(status).headers({ 'Content-Type': 'application/json' }).succeed(JSON.stringify(body));
}

async function work(offer: Offer): Promise<JobResult> {
  const { eventId } = offer.ready;
  const startedUs = systemClock.nowUs();
  const progress = new Progress(eventId, { clock: systemClock, log });
  progressOf.set(eventId, progress);
  try {
    const { nc } = await messaging.get();
    const settings = settingsFromEnv(clipSettings, 'FAASCAM_CLIP');
    const parts = { nc, store: await openedStore(), clock: systemClock, log, settings, patience };
    const result = await runClipJob(offer, parts, closing.signal, progress);
    if (result.outcome === 'removed') {
      log.info({ event: eventId }, 'The event was removed on purpose: it is not stored again.');
      await announce(removedOf(offer.ready));
      return result;
    }
    const { outcome, receipt } = result;
    const { complete, clip } = receipt.manifest;
    const tookMs = Math.round((systemClock.nowUs() - startedUs) / 1000);
    log.info({ event: eventId, complete, sizeBytes: clip?.sizeBytes ?? 0, tookMs }, outcome);
    // Here, not by the caller, who may be gone by now.
    await announce(storedOf(receipt));
    return result;
  } finally {
    progressOf.delete(eventId);
  }
}

async function announce(stored: ClipStored): Promise<void> {
  const { js } = await messaging.get();
  await js.publish(subjects.clipsStored(stored.camera), JSON.stringify(stored));
}

async function withinCall(eventId: string, job: Promise<JobResult>): Promise<JobResult> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const step = progressOf.get(eventId)?.text ?? 'waiting for others';
      reject(
        new FaascamError(
          'still-working',
          `The clip of event ${eventId} is not ready yet (${step}): ask again.`,
        ),
      );
    }, CALL_MS);
  });
  try {
    return await Promise.race([job, limit]);
  } finally {
    clearTimeout(timer);
  }
}

function openedStore(): Promise<ObjectStore> {
  store ??= openStore(storeSettingsFromEnv(), process.env['FAASCAM_DATA'] ?? 'faascam-data').catch(
    (error: unknown) => {
      store = undefined;
      throw error;
    },
  );
  return store;
}

export async function ready(): Promise<void> {
  sweeper = sweeperFromEnv(log, closing.signal);
  await requireProgram('ffmpeg');
  await requireProgram('ffprobe');
  const { noAgentAfterHours } = settingsFromEnv(clipSettings, 'FAASCAM_CLIP');
  await removeLeftovers(log);
  await (await openedStore()).check();
  await messaging.get();
  const parts = { store: openedStore, clock: systemClock, log };
  const requests = new UntakenRequests({ ...parts, messaging: () => messaging.get(), noAgentAfterHours });
  housekeeping ??= keepHouse({ ...parts, requests, signal: closing.signal });
}

export async function close(): Promise<void> {
  // Callers have been answered or have given up; what still runs for the latter begins anew elsewhere.
  closing.abort(new Error('the clip function is closing'));
  await queue.idle();
  await housekeeping;
  housekeeping = undefined;
  closing = new AbortController();
  const opened = await store?.catch(() => undefined);
  store = undefined;
  // A sweep that is under way hears the signal too, and must not find its store closed.
  if (opened !== undefined) await sweeper?.sweepIfDue(opened);
  await opened?.close();
  await messaging.close();
}
