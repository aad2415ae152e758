import type { StoredMsg } from '@nats-io/jetstream';
import { isoTime, type Clock } from '@faascam/core/clock';
import { isWithoutAgent, type ClipStored, type Manifest } from '@faascam/core/clip-messages';
import { MalformedInputError } from '@faascam/core/errors';
import { eventId as eventIdSchema } from '@faascam/core/ids';
import type { Logger } from '@faascam/core/log';
import { clipWanted, parseMessage, type ClipWanted } from '@faascam/core/messages';
import type { Messaging } from '@faascam/core/messaging';
import type { ObjectStore } from '@faascam/core/store';
import { cameraOf, streams, subjects } from '@faascam/core/subjects';
import { software } from '@faascam/core/version';
import { z } from 'zod';
import { findReceipt, storeEvent, wasRemoved } from './clip-store.ts';
import { storedOf } from './receipt.ts';

/** In place of an agent's name. */
const NOBODY = 'no-agent';

const about = z.object({ eventId: eventIdSchema });

export interface UntakenOptions {
  messaging: () => Promise<Pick<Messaging, 'js' | 'jsm'>>;
  store: () => Promise<ObjectStore>;
  clock: Clock;
  log: Logger;
  /** How old a request is when no agent is waited for any longer. */
  noAgentAfterHours: number;
}

/**
 * Requests for footage that no agent has ever taken: shortly before they age out of the stream, their events get a
 * receipt without a clip, which says so. Of any number of replicas one stores it. It is not the last word: an agent that
 * comes after all replaces it by the clip.
 */
export class UntakenRequests {
  readonly #options: UntakenOptions;
  /** All requests before this sequence in the stream have their receipts. */
  #fromSeq = 1;

  constructor(options: UntakenOptions) {
    this.#options = options;
  }

  /** Gives the events whose receipt it has stored. Throws `StoreError` and errors of NATS. */
  async look(signal: AbortSignal): Promise<string[]> {
    const { jsm } = await this.#options.messaging();
    const { state } = await jsm.streams.info(streams.clips);
    // A stream that was made anew counts from the beginning.
    if (state.last_seq + 1 < this.#fromSeq) this.#fromSeq = 1;
    const untilMs = this.#options.clock.nowUs() / 1000 - this.#options.noAgentAfterHours * 3_600_000;
    const heardOf = new Map<string, Promise<ReadonlySet<string>>>();
    const stored: string[] = [];
    let allBefore = true;
    for (let seq = this.#fromSeq; ;) {
      signal.throwIfAborted();
      const message = await nextOf(jsm, subjects.clipsWanted('*'), seq);
      if (message === null || message.time.getTime() > untilMs) return stored;
      const camera = cameraOf(message.subject);
      const outcome = await this.#settle(message, async () => {
        const heard = heardOf.get(camera) ?? this.#heardOf(camera, message.seq, signal);
        heardOf.set(camera, heard);
        return await heard;
      });
      if (outcome === 'stored-now') stored.push(this.#wantedIn(message)?.eventId ?? '');
      allBefore &&= outcome !== 'in-work';
      seq = message.seq + 1;
      if (allBefore) this.#fromSeq = seq;
    }
  }

  /** `in-work`: an agent has offered its footage, and goes on with it. */
  async #settle(
    message: StoredMsg,
    heardOf: () => Promise<ReadonlySet<string>>,
  ): Promise<'settled' | 'in-work' | 'stored-now'> {
    const wanted = this.#wantedIn(message);
    if (wanted === undefined) return 'settled';
    const { eventId, camera } = wanted;
    const store = await this.#options.store();
    const earlier = await findReceipt(store, eventId);
    if (earlier !== undefined) {
      // Whoever stored it may not have come to say so.
      const isUntold = isWithoutAgent(earlier.manifest) && !(await heardOf()).has(eventId);
      if (isUntold) await this.#announce(storedOf(earlier));
      return 'settled';
    }
    if (await wasRemoved(store, eventId)) return 'settled';
    if ((await heardOf()).has(eventId)) return 'in-work';

    const receipt = receiptOf(wanted, message.time.getTime() * 1000, this.#options.clock.nowUs());
    const { isOurs, receipt: there } = await storeEvent(store, wanted, receipt, [], {});
    if (!isOurs) return 'settled';
    this.#options.log.warn(
      { camera, event: eventId, wantedAt: isoTime(message.time.getTime() * 1000) },
      `No agent has ever taken the request for the footage of event ${eventId}: its receipt says so. Start an agent with camera ${camera}.`,
    );
    await this.#announce(storedOf(there));
    return 'stored-now';
  }

  /** Events of the camera that an agent has offered, or that were stored, since their requests. */
  async #heardOf(camera: string, fromSeq: number, signal: AbortSignal): Promise<ReadonlySet<string>> {
    const { jsm } = await this.#options.messaging();
    const heard = new Set<string>();
    for (const subject of [subjects.clipsReady(camera), subjects.clipsStored(camera)]) {
      for (let seq = fromSeq; ;) {
        signal.throwIfAborted();
        const message = await nextOf(jsm, subject, seq);
        if (message === null) break;
        const parsed = this.#read(message, about);
        if (parsed !== undefined) heard.add(parsed.eventId);
        seq = message.seq + 1;
      }
    }
    return heard;
  }

  #wantedIn(message: StoredMsg): ClipWanted | undefined {
    const wanted = this.#read(message, clipWanted);
    const fits = wanted?.camera === cameraOf(message.subject) && wanted.event.id === wanted.eventId;
    return fits ? wanted : undefined;
  }

  /** What is malformed no agent would have understood either. */
  #read<T>(message: StoredMsg, schema: z.ZodType<T>): T | undefined {
    try {
      return parseMessage(schema, message.data, message.subject);
    } catch (error) {
      if (error instanceof MalformedInputError) return undefined;
      throw error;
    }
  }

  async #announce(stored: ClipStored): Promise<void> {
    const { js } = await this.#options.messaging();
    await js.publish(subjects.clipsStored(stored.camera), JSON.stringify(stored));
  }
}

/** The first message on these subjects from this sequence on; null: there is none. */
async function nextOf(jsm: Messaging['jsm'], subject: string, seq: number): Promise<StoredMsg | null> {
  // NATS knows both together since 2.1; the client's types know each alone.
  const query = { seq, next_by_subj: subject };
  return await jsm.streams.getMessage(streams.clips, query);
}

/** The receipt of an event that no agent has brought footage for. */
function receiptOf({ event, fromUs, toUs }: ClipWanted, wantedAtUs: number, storedAtUs: number): Manifest {
  return {
    ...{ v: 1, event, agent: NOBODY, requested: { fromUs, toUs }, complete: false },
    gaps: [{ fromUs, toUs, cause: 'no-agent' }],
    ...{ segments: [], storedAtUs, software, timings: { wantedAtUs } },
  };
}
