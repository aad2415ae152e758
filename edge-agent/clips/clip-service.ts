import { join } from 'node:path';
import { AckPolicy, DeliverPolicy, type ConsumerInfo } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { systemClock, type Clock } from '@faascam/core/clock';
import { messageOf } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import { ensureStreams, type Messaging } from '@faascam/core/messaging';
import { streams, subjects } from '@faascam/core/subjects';
import type { View } from '@faascam/core/view';
import type { Attestor } from '../attestor.ts';
import { RateLimit } from '../rate-limit.ts';
import type { Footage } from '../ring/footage.ts';
import type { ClipDesk } from './clip-request.ts';
import { ClipUplink } from './clip-uplink.ts';
import { KeptRequests } from './kept-requests.ts';
import { RequestsAtWork } from './requests-at-work.ts';
import { SegmentStore } from './segment-store.ts';
import { StoredEvents } from './stored-events.ts';

export interface ClipServiceOptions {
  /** The agent's id. */
  id: string;
  camera: string;
  footage: Footage;
  messaging: Messaging;
  log: Logger;
  /** Takes no more requests. Those in work get `graceMs`; what is then not stored comes again with the next start. */
  signal: AbortSignal;
  clock?: Clock;
  /** Signs what is offered; without it nothing is signed. */
  attestor?: Attestor | undefined;
  /** What the camera's frames show of its picture now; absent: all of it. */
  view?: () => View | undefined;
  /** Of the agent's config, for receipts. */
  configRevision?: (() => string | undefined) | undefined;
  /** What it shares with the agent's other cameras. Default: one of its own. */
  uplink?: ClipUplink;
  /** Called with the number of requests that wait, each time it changes. */
  onWaiting?: (count: number) => void;
  graceMs?: number;
  /** Waits between offers of a clip that nobody has stored yet; the last one stays. */
  offerWaitsMs?: readonly number[];
  /** How long a request may be silent before another agent, or this one restarted, gets it. */
  ackWaitMs?: number;
}

/** Assembling a clip takes seconds, a minute on a weak host: asking sooner would only make it work twice. */
const OFFER_WAITS_MS = [15_000, 30_000, 60_000, 120_000, 300_000];
/** This agent has its requests on its disk; only another one, that takes the camera over, waits for so long. */
const ACK_WAIT_MS = 120_000;
const GRACE_MS = 5000;
const RETRY_MS = 2000;

/** Requests that may wait at the same time. Many: while the clip function is away, each must still pin its footage. */
const MOST_REQUESTS = 10_000;

/** For how long requests that lie in the stream are waited for before the newest of them is begun with. */
const GATHER_MS = 5000;

/**
 * Serves the requests for a camera's footage until the signal is aborted. A request is kept on this disk, and stays
 * unacknowledged in the stream, until its event is stored, so that it survives whatever dies in between: this process,
 * or NATS and all that lay there.
 */
export async function serveClips(options: ClipServiceOptions): Promise<void> {
  const { signal, log, camera, footage } = options;
  const clock = options.clock ?? systemClock;
  const uplink = options.uplink ?? new ClipUplink(clock);
  let requests: KeptRequests | undefined;
  const limit = new RateLimit(clock);
  const cutOff = new AbortController();
  const graceOver = graceAfter(signal, options.graceMs ?? GRACE_MS, cutOff);
  try {
    while (!signal.aborted) {
      try {
        requests ??= await KeptRequests.open(join(footage.directory, 'requests'), (why) =>
          log.error({ camera }, why),
        );
        await serve(options, clock, requests, uplink, cutOff.signal);
      } catch (error) {
        const message = `Requests for footage cannot be read yet: ${messageOf(error)}`;
        limit.tell(message, (keptBack) => log.warn({ camera, keptBack }, message));
        await clock.sleep(RETRY_MS, signal).catch(() => undefined);
      }
    }
  } finally {
    graceOver();
  }
}

/** Aborts `cutOff` some time after `signal`. The function returned undoes it. */
function graceAfter(signal: AbortSignal, graceMs: number, cutOff: AbortController): () => void {
  let timer: NodeJS.Timeout | undefined;
  const begin = (): void => {
    timer = setTimeout(() => cutOff.abort(new DOMException('the agent stops', 'AbortError')), graceMs);
  };
  signal.addEventListener('abort', begin, { once: true });
  if (signal.aborted) begin();
  return () => {
    clearTimeout(timer);
    signal.removeEventListener('abort', begin);
  };
}

async function serve(
  options: ClipServiceOptions,
  clock: Clock,
  requests: KeptRequests,
  uplink: ClipUplink,
  cutOff: AbortSignal,
): Promise<void> {
  const { messaging, camera, signal, log, footage } = options;
  await ensureStreams(messaging.jsm);
  const info = await ensureConsumer(options);
  const store = await SegmentStore.open(messaging, uplink.lane, uplink.storeMegabytes);
  const fromSeq = info.ack_floor.stream_seq;
  const stored = await StoredEvents.open({ messaging, camera, fromSeq, log, signal, clock });
  const consumer = messaging.js.consumers.getConsumerFromInfo(info);
  const messages = await consumer.consume({ abort_on_missing_resource: true });
  const stop = (): void => void messages.close();
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  const desk: ClipDesk = {
    ...{ agent: options.id, camera, footage, messaging, requests, uplink, store, stored, clock },
    ...{ log: log.child({ camera }), attestor: options.attestor },
    ...{ view: options.view, configRevision: options.configRevision },
    offerWaitsMs: options.offerWaitsMs ?? OFFER_WAITS_MS,
  };
  // When requests cannot be read any more, those in work are let go: they come again with the others.
  const failed = new AbortController();
  const letGo = AbortSignal.any([cutOff, failed.signal]);
  const atWork = new RequestsAtWork(desk, letGo, options.onWaiting ?? (() => undefined));
  const keepAlive = setInterval(() => atWork.holdMessages(), (options.ackWaitMs ?? ACK_WAIT_MS) / 3);
  // The newest first, also of what comes oldest first out of the stream.
  const gathering = setTimeout(() => atWork.begin(), GATHER_MS);
  let toGather = info.num_pending;
  try {
    await atWork.takeKept();
    if (toGather === 0) atWork.begin();
    for await (const message of messages) {
      await atWork.take(message);
      toGather -= 1;
      if (toGather === 0) atWork.begin();
    }
  } catch (error) {
    failed.abort(error);
    throw error;
  } finally {
    clearTimeout(gathering);
    signal.removeEventListener('abort', stop);
    atWork.begin();
    await atWork.over();
    clearInterval(keepAlive);
    await stored.close();
  }
}

/** The camera's own durable consumer: it outlives agents, and another agent may take the camera over. */
async function ensureConsumer({ messaging, camera, ackWaitMs }: ClipServiceOptions): Promise<ConsumerInfo> {
  return await messaging.jsm.consumers.add(streams.clips, {
    durable_name: `edge-agent-${camera}`,
    description: 'Requests for footage, until their event is stored',
    filter_subject: subjects.clipsWanted(camera),
    deliver_policy: DeliverPolicy.All,
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(ackWaitMs ?? ACK_WAIT_MS),
    max_ack_pending: MOST_REQUESTS,
  });
}
