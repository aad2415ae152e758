import { AckPolicy, DeliverPolicy, type ConsumerInfo, type JsMsg } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { systemClock, type Clock } from '@faascam/core/clock';
import { MalformedInputError, messageOf } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import { clipWanted, parseMessage } from '@faascam/core/messages';
import { ensureStreams, type Messaging } from '@faascam/core/messaging';
import { streams, subjects } from '@faascam/core/subjects';
import type { View } from '@faascam/core/view';
import { RateLimit } from '../rate-limit.ts';
import type { Footage } from '../ring/footage.ts';
import { fulfil, type ClipDesk } from './clip-request.ts';
import { SegmentStore } from './segment-store.ts';
import { StoredEvents } from './stored-events.ts';
import { Turn } from './turn.ts';

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
  /** What the camera's frames show of its picture now; absent: all of it. */
  view?: () => View | undefined;
  graceMs?: number;
  /** Waits between offers of a clip that nobody has stored yet; the last one stays. */
  offerWaitsMs?: readonly number[];
  /** How long a request may be silent before another agent, or this one restarted, gets it. */
  ackWaitMs?: number;
}

/** Assembling a clip takes seconds, a minute on a weak host: asking sooner would only make it work twice. */
const OFFER_WAITS_MS = [15_000, 30_000, 60_000, 120_000, 300_000];
const ACK_WAIT_MS = 30_000;
const GRACE_MS = 5000;
const RETRY_MS = 2000;

/** Requests that may wait at the same time. Many: while the clip function is away, each must still pin its footage. */
const MOST_REQUESTS = 1000;

/**
 * Serves the requests for a camera's footage until the signal is aborted. A request stays unacknowledged in the stream
 * until its event is stored, so that it survives whatever dies in between, this process included.
 */
export async function serveClips(options: ClipServiceOptions): Promise<void> {
  const { signal, log, camera } = options;
  const clock = options.clock ?? systemClock;
  const limit = new RateLimit(clock);
  const cutOff = new AbortController();
  const graceOver = graceAfter(signal, options.graceMs ?? GRACE_MS, cutOff);
  try {
    while (!signal.aborted) {
      try {
        await serve(options, clock, cutOff.signal);
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

async function serve(options: ClipServiceOptions, clock: Clock, cutOff: AbortSignal): Promise<void> {
  const { messaging, camera, signal, log, footage } = options;
  await ensureStreams(messaging.jsm);
  const info = await ensureConsumer(options);
  const store = await SegmentStore.open(messaging);
  const fromSeq = info.ack_floor.stream_seq;
  const stored = await StoredEvents.open({ messaging, camera, fromSeq, log, signal });
  const consumer = messaging.js.consumers.getConsumerFromInfo(info);
  const messages = await consumer.consume({ abort_on_missing_resource: true });
  const stop = (): void => void messages.close();
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  const desk: ClipDesk = {
    agent: options.id,
    footage,
    messaging,
    store,
    stored,
    clock,
    log: log.child({ camera }),
    turn: new Turn(),
    view: options.view,
    offerWaitsMs: options.offerWaitsMs ?? OFFER_WAITS_MS,
  };
  const inWork = new Set<Promise<void>>();
  // When requests cannot be read any more, those in work are let go: they come again with the others.
  const failed = new AbortController();
  const letGo = AbortSignal.any([cutOff, failed.signal]);
  try {
    for await (const message of messages) {
      const work = answer(desk, message, options.ackWaitMs ?? ACK_WAIT_MS, letGo);
      inWork.add(work);
      void work.finally(() => inWork.delete(work));
    }
  } catch (error) {
    failed.abort(error);
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    await Promise.all(inWork);
    await stored.close();
  }
}

/** Never rejects: whatever goes wrong, the request is answered, or comes again. */
async function answer(desk: ClipDesk, message: JsMsg, ackWaitMs: number, letGo: AbortSignal): Promise<void> {
  const reply = (send: () => void): void => {
    // Without an answer the request comes again, which is as good as can be when the connection is gone.
    if (!desk.messaging.nc.isClosed()) send();
  };
  const keepAlive = setInterval(() => reply(() => message.working()), ackWaitMs / 3);
  try {
    const wanted = parseMessage(clipWanted, message.data, message.subject);
    if (message.subject !== subjects.clipsWanted(wanted.camera)) {
      throw new MalformedInputError(`${message.subject} names another camera, ${wanted.camera}`);
    }
    const outcome = await fulfil(desk, wanted, message.info.deliveryCount, letGo);
    reply(() => (outcome === 'stored' ? message.ack() : message.nak()));
  } catch (error) {
    if (error instanceof MalformedInputError) {
      desk.log.error(`A request for footage was left out: ${error.message}`);
      reply(() => message.term());
    } else if (letGo.aborted) {
      reply(() => message.nak());
    } else {
      desk.log.warn(`A request for footage failed and is tried again: ${messageOf(error)}`);
      reply(() => message.nak(RETRY_MS));
    }
  } finally {
    clearInterval(keepAlive);
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
