import type { Clock } from '@faascam/core/clock';
import { messageOf, systemCodeOf } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import type { ClipReady } from '@faascam/core/clip-messages';
import type { ClipWanted, SegmentRef } from '@faascam/core/messages';
import type { Messaging } from '@faascam/core/messaging';
import { subjects } from '@faascam/core/subjects';
import type { View } from '@faascam/core/view';
import { HOLE_US, type Footage } from '../ring/footage.ts';
import type { Segment } from '../ring/segment.ts';
import { codecOf } from './codec.ts';
import { gapsOf } from './gaps.ts';
import type { SegmentStore } from './segment-store.ts';
import type { StoredEvents } from './stored-events.ts';
import type { Turn } from './turn.ts';

/**
 * Footage this far beyond a window's edges may hold a picture of it. The picture at the very end belongs to it, also where
 * it begins a segment, whose start is known to a millisecond; and a live camera's times are corrected by up to 40 ms from
 * one picture to the next, also within a segment, of which only the start is known.
 */
const EDGE_US = { live: 50_000, replay: 1000 } as const;

/** What a camera's requests are fulfilled with. */
export interface ClipDesk {
  agent: string;
  footage: Footage;
  messaging: Messaging;
  store: SegmentStore;
  stored: StoredEvents;
  clock: Clock;
  log: Logger;
  /** Clips are brought to the store one after the other: the uplink is narrow. */
  turn: Turn;
  /** What its frames show of the picture now. */
  view?: (() => View | undefined) | undefined;
  /** Waits between offers of a clip that nobody has stored yet; the last one stays. */
  offerWaitsMs: readonly number[];
}

/**
 * Fulfils a request for an event's footage: pins it, waits until it is complete, and offers it until the event is
 * stored. `delivery` tells this attempt's messages from an earlier one's. Resolves with `stored` at the end of the
 * line, with nothing left behind; with `later` when only the agent's next start can complete it, then the pin stays.
 * Rejects with the signal's reason.
 */
export async function fulfil(
  desk: ClipDesk,
  wanted: ClipWanted,
  delivery: number,
  signal: AbortSignal,
): Promise<'stored' | 'later'> {
  const { footage, stored, log } = desk;
  const { eventId } = wanted;
  const around = withEdges(footage, wanted);
  if (!stored.has(eventId)) {
    await footage.ring.pin(eventId, around.fromUs, around.toUs);
    const state = await footage.until(around.toUs, signal);
    if (state === 'stopped') return 'later';
  }
  let objects = 0;
  for (let attempt = 1; !stored.has(eventId); attempt++) {
    try {
      const ready = await desk.turn.take(() => prepare(desk, wanted));
      objects = Math.max(objects, ready.segments.length);
      const msgID = `ready-${eventId}-${delivery}-${attempt}`;
      await desk.messaging.js.publish(subjects.clipsReady(wanted.camera), JSON.stringify(ready), { msgID });
      const { segments, gaps } = ready;
      log.info(
        { event: eventId, attempt, segments: segments.length, gaps },
        "The event's footage is offered.",
      );
    } catch (error) {
      signal.throwIfAborted();
      log.warn(
        { event: eventId, attempt },
        `The event's footage could not be offered yet: ${messageOf(error)}`,
      );
    }
    await storedOrTimeout(desk, eventId, attempt, signal);
  }
  // Objects of an earlier delivery lie there too; there were no more of them than segments in its window.
  objects = Math.max(objects, footage.ring.overlapping(around.fromUs, around.toUs).length);
  await desk.store.remove(Array.from({ length: objects }, (_, n) => objectName(wanted, n)));
  await footage.ring.unpin(eventId);
  log.info({ event: eventId }, 'The event is stored.');
  return 'stored';
}

function withEdges({ pace }: Footage, { fromUs, toUs }: { fromUs: number; toUs: number }) {
  return { fromUs: fromUs - (pace === 'live' ? EDGE_US.live : 0), toUs: toUs + EDGE_US[pace] };
}

function objectName({ camera, eventId }: ClipWanted, n: number): string {
  return `${camera}/${eventId}/${n}.mkv`;
}

async function prepare(desk: ClipDesk, wanted: ClipWanted): Promise<ClipReady> {
  const { footage } = desk;
  const window = footage.clamp(wanted.fromUs, wanted.toUs);
  const { segments, codec } = await bring(desk, wanted, window);
  const view = desk.view?.();
  return {
    v: 1,
    eventId: wanted.eventId,
    camera: wanted.camera,
    agent: desk.agent,
    ...window,
    segments,
    gaps: gapsOf({
      window,
      segments: segments.map(({ startUs, durationUs }) => ({ startUs, endUs: startUs + durationUs })),
      outages: footage.outages,
      evictedBeforeUs: footage.ring.evictedBeforeUs,
      holeUs: HOLE_US,
    }),
    codec,
    event: wanted.event,
    ...(view === undefined ? {} : { view }),
  };
}

/** Puts the window's segments into the object store; those whose file is damaged leave the ring and are a gap. */
async function bring(
  desk: ClipDesk,
  wanted: ClipWanted,
  window: { fromUs: number; toUs: number },
): Promise<{ segments: SegmentRef[]; codec: ClipReady['codec'] }> {
  const { ring } = desk.footage;
  const refs: SegmentRef[] = [];
  let codec: ClipReady['codec'] | undefined;
  const around = withEdges(desk.footage, window);
  for (const segment of ring.overlapping(around.fromUs, around.toUs)) {
    try {
      codec ??= await codecOf(segment.path);
      refs.push(await desk.store.put(objectName(wanted, refs.length), segment));
    } catch (error) {
      if (!isDamage(error, codec)) throw error;
      await forget(desk, segment, error);
    }
  }
  return { segments: refs, codec: codec ?? { video: 'none' } };
}

/** Whether the file is at fault, rather than the way to the store. */
function isDamage(error: unknown, codec: ClipReady['codec'] | undefined): boolean {
  return codec === undefined || ['ENOENT', 'EIO', 'EISDIR'].includes(systemCodeOf(error) ?? '');
}

async function forget(desk: ClipDesk, segment: Segment, error: unknown): Promise<void> {
  // ffprobe's complaints come in several lines.
  const [reason] = messageOf(error).split('\n');
  desk.log.warn({ segment: segment.path }, `A segment of the ring cannot be read: ${reason ?? ''}`);
  await desk.footage.forget(segment);
}

/** Resolves when the event is stored, or when it is time to offer it again. */
async function storedOrTimeout(
  desk: ClipDesk,
  event: string,
  attempt: number,
  signal: AbortSignal,
): Promise<void> {
  const waitMs = desk.offerWaitsMs[Math.min(attempt, desk.offerWaitsMs.length) - 1] ?? 60_000;
  const round = new AbortController();
  const either = AbortSignal.any([signal, round.signal]);
  try {
    await Promise.race([desk.stored.until(event, either), desk.clock.sleep(waitMs, either)]);
  } finally {
    round.abort();
  }
}
