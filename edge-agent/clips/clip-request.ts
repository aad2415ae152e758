import type { Clock } from '@faascam/core/clock';
import { messageOf, systemCodeOf } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import type { ClipReady } from '@faascam/core/clip-messages';
import type { ClipWanted, SegmentRef } from '@faascam/core/messages';
import type { Messaging } from '@faascam/core/messaging';
import { subjects } from '@faascam/core/subjects';
import { software } from '@faascam/core/version';
import type { View } from '@faascam/core/view';
import type { Attestor } from '../attestor.ts';
import { HOLE_US, type Footage } from '../ring/footage.ts';
import type { Segment } from '../ring/segment.ts';
import { makesRoom, type ClipUplink, type EventOnItsWay } from './clip-uplink.ts';
import { codecOf, UnreadableSegmentError } from './codec.ts';
import { gapsOf } from './gaps.ts';
import type { KeptRequests, WaitingRequest } from './kept-requests.ts';
import { jittered, type Outcome } from './offer-schedule.ts';
import { SegmentsFullError, type SegmentStore } from './segment-store.ts';
import type { StoredEvents } from './stored-events.ts';

/**
 * Footage this far beyond a window's edges may hold a picture of it. The picture at the very end belongs to it, also where
 * it begins a segment, whose start is known to a millisecond; and a live camera's times are corrected by up to 40 ms from
 * one picture to the next, also within a segment, of which only the start is known.
 */
const EDGE_US = { live: 50_000, replay: 1000 } as const;

/** Waits after a try that NATS did not take; the last one stays. */
const TRY_AGAIN_MS = [1000, 2000, 5000, 10_000, 30_000];
const LOOK_FOR_NATS_MS = 500;

/** What a camera's requests are fulfilled with. */
export interface ClipDesk {
  agent: string;
  camera: string;
  footage: Footage;
  messaging: Messaging;
  requests: KeptRequests;
  uplink: ClipUplink;
  store: SegmentStore;
  stored: StoredEvents;
  clock: Clock;
  log: Logger;
  /** Signs what is offered. */
  attestor?: Attestor | undefined;
  /** What its frames show of the picture now. */
  view?: (() => View | undefined) | undefined;
  configRevision?: (() => string | undefined) | undefined;
  /** Waits between offers of a clip that nobody has stored yet; the last one stays. */
  offerWaitsMs: readonly number[];
}

/** Holds the footage of a window, so that it is there when it is offered. */
export async function pin({ footage }: Pick<ClipDesk, 'footage'>, wanted: Window & { eventId: string }) {
  const { fromUs, toUs } = withEdges(footage, wanted);
  await footage.ring.pin(wanted.eventId, fromUs, toUs);
}

/**
 * Fulfils a request for an event's footage, which is pinned: waits until it is complete and it is the event's turn, and
 * offers it until the event is stored. Resolves with `stored` at the end of the line, with nothing left behind; with
 * `later` when only the agent's next start can complete it. Rejects with the signal's reason.
 */
export async function fulfil(
  desk: ClipDesk,
  request: WaitingRequest,
  signal: AbortSignal,
): Promise<'stored' | 'later'> {
  const { footage, stored, log, camera } = desk;
  const { eventId } = request;
  const event: EventOnItsWay = { id: eventId, camera, order: request.toUs, stage: 'waits' };
  const over = new AbortController();
  const letGo = (): void => over.abort(signal.reason);
  signal.addEventListener('abort', letGo, { once: true });
  if (signal.aborted) letGo();
  const untilStored = stored.until(eventId, over.signal).then(
    () => over.abort(new DOMException('the event is stored', 'AbortError')),
    () => undefined,
  );
  desk.uplink.events.set(eventId, event);
  try {
    if (!stored.has(eventId)) {
      const state = await footage.until(withEdges(footage, request).toUs, over.signal, request.epoch);
      if (state === 'stopped') return 'later';
    }
    for (let failures = 0; !stored.has(eventId);) {
      if ((await offer(desk, request, event, over.signal)) !== 'failed') failures = 0;
      else await desk.clock.sleep(tryAgainMs(failures++), over.signal);
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!stored.has(eventId)) throw error;
  } finally {
    signal.removeEventListener('abort', letGo);
    over.abort();
    await untilStored;
    desk.uplink.events.delete(eventId);
  }
  const { offeredAtUs } = event;
  if (offeredAtUs !== undefined) desk.uplink.schedule.answered((desk.clock.nowUs() - offeredAtUs) / 1000);
  await desk.store.remove(eventId, camera);
  await desk.attestor?.stored(camera, eventId, stored.receiptOf(eventId));
  await footage.ring.unpin(eventId);
  await desk.requests.forget(eventId);
  log.info({ event: eventId }, 'The event is stored.');
  return 'stored';
}

function tryAgainMs(failures: number): number {
  return jittered(TRY_AGAIN_MS[Math.min(failures, TRY_AGAIN_MS.length - 1)] ?? 30_000, Math.random());
}

interface Window {
  fromUs: number;
  toUs: number;
}

function withEdges({ pace }: Footage, { fromUs, toUs }: Window): Window {
  return { fromUs: fromUs - (pace === 'live' ? EDGE_US.live : 0), toUs: toUs + EDGE_US[pace] };
}

/** Offers the footage once, when it is the event's turn, and waits for its event to be stored. */
async function offer(
  desk: ClipDesk,
  request: WaitingRequest,
  event: EventOnItsWay,
  signal: AbortSignal,
): Promise<Outcome> {
  const { uplink, stored, log } = desk;
  const { eventId } = request;
  const place = await uplink.schedule.enter(event.order, request.attempts, signal);
  let outcome: Outcome = 'failed';
  try {
    event.stage = 'brought';
    while (!(await publish(desk, request, event, signal))) {
      log.info({ event: eventId }, "The object store is full: older events' footage makes room.");
    }
    event.stage = 'offered';
    await place.wait(desk.offerWaitsMs, request.attempts, signal);
    outcome = 'unanswered';
  } catch (error) {
    signal.throwIfAborted();
    const attempt = request.attempts + 1;
    log.warn(
      { event: eventId, attempt },
      `The event's footage could not be offered yet: ${messageOf(error)}`,
    );
  } finally {
    event.stage = 'waits';
    place.leave(stored.has(eventId) ? 'stored' : outcome);
  }
  return outcome;
}

/** Says false when the object store is full, and an older event's objects made room: it is to be tried again at once. */
async function publish(
  desk: ClipDesk,
  request: WaitingRequest,
  event: EventOnItsWay,
  signal: AbortSignal,
): Promise<boolean> {
  const { messaging, clock, requests, log, camera } = desk;
  // What is sent while it is away would only heap up in memory.
  while (!messaging.isConnected()) await clock.sleep(LOOK_FOR_NATS_MS, signal);
  const wanted = await requests.wantedOf(request.eventId);
  let ready: ClipReady;
  try {
    ready = await prepare(desk, wanted, { event, epoch: request.epoch }, signal);
  } catch (error) {
    if (error instanceof SegmentsFullError && (await makeRoom(desk, event))) return false;
    throw error;
  }
  const attempt = request.attempts + 1;
  const { wantedAtUs, pinnedAtUs } = request;
  const offered = { attempt, wantedAtUs, pinnedAtUs, offeredAtUs: Math.round(desk.footage.dates.nowUs()) };
  await messaging.js.publish(subjects.clipsReady(camera), JSON.stringify({ ...ready, offer: offered }), {
    msgID: `ready-${request.eventId}-${attempt}-${offered.offeredAtUs}`,
  });
  event.offeredAtUs = clock.nowUs();
  request.attempts = attempt;
  await requests.update(request);
  const { segments, gaps } = ready;
  log.info(
    { event: request.eventId, attempt, segments: segments.length, gaps },
    "The event's footage is offered.",
  );
  return true;
}

/** Takes the objects of an older event out of the store, which is offered again later. False: there is none. */
async function makeRoom({ uplink, store }: ClipDesk, event: EventOnItsWay): Promise<boolean> {
  const older = makesRoom(uplink.events.values(), await store.events(), event.order);
  if (older === undefined) return false;
  const removal = store.remove(older.id, older.camera);
  older.cleared = removal.catch(() => undefined);
  await removal;
  return true;
}

async function prepare(
  desk: ClipDesk,
  wanted: ClipWanted,
  of: { event: EventOnItsWay; epoch: number },
  signal: AbortSignal,
): Promise<ClipReady> {
  const { footage } = desk;
  const window = footage.clamp(wanted.fromUs, wanted.toUs);
  const { segments, codec } = await bring(desk, window, of, signal);
  const view = desk.view?.();
  const configRevision = desk.configRevision?.();
  const ready: ClipReady = {
    v: 1,
    eventId: wanted.eventId,
    camera: wanted.camera,
    agent: desk.agent,
    ...window,
    segments,
    gaps: gapsOf({
      window,
      segments: segments.map(({ startUs, durationUs }) => ({ startUs, endUs: startUs + durationUs })),
      outages: footage.outages(of.epoch),
      evictedBeforeUs: footage.ring.evictedBeforeUs(of.epoch),
      holeUs: HOLE_US,
    }),
    codec,
    event: wanted.event,
    madeBy: { software, ...(configRevision === undefined ? {} : { configRevision }) },
    ...(view === undefined ? {} : { view }),
  };
  const attestation = await desk.attestor?.attest(ready);
  return attestation === undefined ? ready : { ...ready, attestation };
}

/** Puts the window's segments into the object store; those whose file is damaged leave the ring and are a gap. */
async function bring(
  desk: ClipDesk,
  window: Window,
  { event, epoch }: { event: EventOnItsWay; epoch: number },
  signal: AbortSignal,
): Promise<{ segments: SegmentRef[]; codec: ClipReady['codec'] }> {
  const { ring } = desk.footage;
  const refs: SegmentRef[] = [];
  let codec: ClipReady['codec'] | undefined;
  const around = withEdges(desk.footage, window);
  // What is on its way out is not there.
  await event.cleared;
  const there = await desk.store.chunksOf(event.id);
  for (const segment of ring.overlapping(around.fromUs, around.toUs, epoch)) {
    try {
      // The disk was full when it was begun.
      if (segment.sizeBytes === 0) throw new UnreadableSegmentError('it is empty');
      codec ??= await codecOf(segment.path);
      refs.push(await desk.store.put(event, segment, there, signal));
    } catch (error) {
      if (!isDamage(error)) throw error;
      // Dropped meanwhile, because its event has lost its pin, it is no damage.
      if (ring.segments.includes(segment)) await forget(desk, segment, error);
    }
  }
  return { segments: refs, codec: codec ?? { video: 'none' } };
}

/** Whether the file is at fault, rather than the way to the store. */
function isDamage(error: unknown): boolean {
  if (error instanceof UnreadableSegmentError) return true;
  return ['ENOENT', 'EIO', 'EISDIR'].includes(systemCodeOf(error) ?? '');
}

async function forget(desk: ClipDesk, segment: Segment, error: unknown): Promise<void> {
  desk.log.warn({ segment: segment.path }, `A segment of the ring cannot be read: ${messageOf(error)}`);
  await desk.footage.forget(segment);
}
