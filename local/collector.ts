import { setTimeout as wait } from 'node:timers/promises';
import type { ConsumerMessages, JsMsg } from '@nats-io/jetstream';
import { FaascamError } from '@faascam/core/errors';
import { clipStored, type ClipStored } from '@faascam/core/clip-messages';
import { eventMessage, parseMessage, type EventMessage } from '@faascam/core/messages';
import type { Messaging } from '@faascam/core/messaging';
import { streams, subjects } from '@faascam/core/subjects';

const POLL_MS = 25;

/** The ended events of a run and their stored clips, gathered from the streams as they come. */
export interface Collector {
  readonly ended: ReadonlyMap<string, EventMessage>;
  readonly stored: ReadonlyMap<string, ClipStored>;
  /** Resolves once each ended event's clip is stored; throws `FaascamError` when none is for `patienceMs`. */
  allStored(patienceMs: number, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Gathers from the streams' beginnings. `onEvent` is told of each ended event. */
export async function collect(
  { js }: Messaging,
  onEvent: (event: EventMessage) => void = () => undefined,
): Promise<Collector> {
  const ended = new Map<string, EventMessage>();
  const stored = new Map<string, ClipStored>();
  const readers = [
    await read(js, streams.events, subjects.events('*'), (message) => {
      const event = parseMessage(eventMessage, message.data, 'An event message');
      if (event.phase !== 'end') return;
      ended.set(event.id, event);
      onEvent(event);
    }),
    await read(js, streams.clips, subjects.clipsStored('*'), (message) => {
      const clip = parseMessage(clipStored, message.data, 'A clips.stored message');
      stored.set(clip.eventId, clip);
    }),
  ];
  const missing = (): string[] => [...ended.keys()].filter((id) => !stored.has(id));
  return {
    ended,
    stored,
    allStored: async (patienceMs, signal) => {
      let progressAt = performance.now();
      let count = stored.size;
      while (missing().length > 0) {
        if (stored.size > count) [count, progressAt] = [stored.size, performance.now()];
        if (performance.now() - progressAt > patienceMs) {
          throw new FaascamError(
            'clips-missing',
            `No clip was stored for ${patienceMs / 1000} s; still missing: ${missing().join(', ')}. The lines above say why.`,
          );
        }
        await wait(POLL_MS, undefined, { signal });
      }
    },
    close: async () => {
      for (const reader of readers) await reader.close();
    },
  };
}

async function read(
  js: Messaging['js'],
  stream: string,
  subject: string,
  take: (message: JsMsg) => void,
): Promise<ConsumerMessages> {
  const consumer = await js.consumers.get(stream, { filter_subjects: subject });
  return await consumer.consume({ callback: take });
}
