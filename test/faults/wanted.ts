import { DeliverPolicy } from '@nats-io/jetstream';
import { setTimeout as wait } from 'node:timers/promises';
import { clipStored, type ClipStored } from '@faascam/core/clip-messages';
import {
  clipWanted,
  eventMessage,
  parseMessage,
  type ClipWanted,
  type EventMessage,
} from '@faascam/core/messages';
import type { Messaging } from '@faascam/core/messaging';
import { streams, subjects } from '@faascam/core/subjects';
import { wantedClip } from '@faascam/edge-agent/test-site';

/** Asks for an event's clip as the function `events` does: until NATS has taken it in. `copies` tells it so often. */
export async function want(
  { js }: Messaging,
  wanted: ClipWanted,
  copies = 1,
  signal?: AbortSignal,
): Promise<void> {
  for (let copy = 1; copy <= copies;) {
    signal?.throwIfAborted();
    try {
      // Each with an id of its own, or NATS would drop what came before.
      const msgID = `wanted-${wanted.eventId}-${copy}`;
      await js.publish(subjects.clipsWanted(wanted.camera), JSON.stringify(wanted), { msgID });
      copy += 1;
    } catch {
      // NATS is away: that is what the suite is for.
      await wait(300);
    }
  }
}

/** An event in footage, as if somebody had been seen from `fromUs` to `toUs`. */
export function eventIn(camera: string, fromUs: number, toUs: number): ClipWanted {
  return wantedClip(camera, fromUs, toUs);
}

const NO_MORE_AFTER_MS = 5000;

/** What the streams tell of all events so far. */
export interface Told {
  /** What was wanted, by event; the first that was said of it. */
  wanted: Map<string, ClipWanted>;
  /** Everything that was announced as stored, by event. */
  stored: Map<string, ClipStored[]>;
  /** Events that began and have not ended, and how long each event lasted. */
  events: Map<string, EventMessage>;
}

/** Reads the streams from their begin, which are small: a few messages an event. */
export async function told(messaging: Messaging): Promise<Told> {
  const all: Told = { wanted: new Map(), stored: new Map(), events: new Map() };
  await eachMessage(messaging, streams.clips, 'clips.wanted.*', (body, subject) => {
    const message = parseMessage(clipWanted, body, subject);
    if (!all.wanted.has(message.eventId)) all.wanted.set(message.eventId, message);
  });
  await eachMessage(messaging, streams.clips, 'clips.stored.*', (body, subject) => {
    const message = parseMessage(clipStored, body, subject);
    all.stored.set(message.eventId, [...(all.stored.get(message.eventId) ?? []), message]);
  });
  await eachMessage(messaging, streams.events, 'events.*', (body, subject) => {
    const message = parseMessage(eventMessage, body, subject);
    all.events.set(message.id, message);
  });
  return all;
}

async function eachMessage(
  { js }: Messaging,
  stream: string,
  subject: string,
  take: (body: Uint8Array, subject: string) => void,
): Promise<void> {
  const consumer = await js.consumers.get(stream, {
    filter_subjects: subject,
    deliver_policy: DeliverPolicy.All,
  });
  const { num_pending: left } = await consumer.info();
  if (left === 0) return;
  // After a kill -9, nats-server 2.9 may count messages that are not there: the request ends all the same.
  const messages = await consumer.fetch({ max_messages: left, expires: NO_MORE_AFTER_MS });
  for await (const message of messages) {
    take(message.data, message.subject);
    if (message.info.pending === 0) break;
  }
  await messages.close();
}
