import type { Clock } from '@faascam/core/clock';
import { messageOf } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import type { Messaging } from '@faascam/core/messaging';
import { orAbsent } from '@faascam/core/nats-answers';
import { buckets } from '@faascam/core/subjects';
import { z } from 'zod';

/** What every replica knows of a session, under the session's id. */
export const sessionRecord = z.object({
  v: z.literal(1),
  id: z.string(),
  user: z.string(),
  /** Microseconds since the Unix epoch. */
  sinceUs: z.int(),
  seenUs: z.int(),
  /** The address that logged in, and what the browser called itself. */
  from: z.string(),
  agent: z.string(),
  /** Logged out, or ended by an admin. */
  ended: z.boolean(),
});
export type SessionRecord = z.infer<typeof sessionRecord>;

/** Asks NATS, and throws `NatsAwayError` where it is away. */
export interface AskNats {
  asking<T>(ask: (messaging: Messaging) => Promise<T>): Promise<T>;
}

const STREAM = `KV_${buckets.sessions}`;
const PREFIX = `$KV.${buckets.sessions}.`;
/** A session that was ended on another replica goes on for at most this long here, in ms. */
const LOOK_AGAIN_MS = 2000;
const MOST_KNOWN = 10_000;
/** An admin looks at no more. */
const MOST_LISTED = 1000;
const READ_AT_ONCE = 20;

/**
 * Which sessions there are and which were ended, in the KV bucket `sessions`. What a session says of itself is signed, so
 * that it goes on while NATS is away; that it was ended on another replica is heard of once NATS is back.
 */
export class SessionRegistry {
  readonly #nats: AskNats;
  readonly #clock: Clock;
  readonly #log: Logger;
  /** In order of use, the longest unused first. */
  readonly #known = new Map<string, { ended: boolean; atUs: number }>();
  /** Ended here while NATS was away. */
  readonly #untold = new Map<string, SessionRecord>();
  #told = '';

  constructor({ nats, clock, log }: { nats: AskNats; clock: Clock; log: Logger }) {
    this.#nats = nats;
    this.#clock = clock;
    this.#log = log;
  }

  /** Whether the session was ended, as far as is known. */
  async isEnded(id: string): Promise<boolean> {
    await this.#tellUntold();
    const nowUs = this.#clock.nowUs();
    const known = this.#known.get(id);
    if (known !== undefined && (known.ended || nowUs - known.atUs <= LOOK_AGAIN_MS * 1000)) {
      return known.ended;
    }
    let ended = known?.ended ?? false;
    try {
      const record = await this.#nats.asking((messaging) => read(messaging, `${PREFIX}${id}`));
      ended ||= record?.ended ?? false;
    } catch (error) {
      this.#warnOnce(error);
    }
    // Ended here in the meantime.
    ended ||= this.#known.get(id)?.ended ?? false;
    this.#remember(id, ended);
    return ended;
  }

  /** Notes a session for the admin's list. Without NATS it is not in the list. */
  async note(record: SessionRecord): Promise<void> {
    try {
      await this.#put(record);
    } catch (error) {
      this.#warnOnce(error);
    }
  }

  /** Notes that the session was used. */
  async touch(id: string, seenUs: number): Promise<void> {
    try {
      await this.#nats.asking(async (messaging) => {
        const subject = `${PREFIX}${id}`;
        const entry = await readEntry(messaging, subject);
        if (entry === undefined || entry.record.ended) return;
        // Whoever ends it at this moment counts.
        await messaging.js.publish(subject, JSON.stringify({ ...entry.record, seenUs }), {
          expect: { lastSubjectSequence: entry.seq },
        });
      });
    } catch (error) {
      this.#warnOnce(error);
    }
  }

  /** Ends a session, here at once, elsewhere as soon as NATS tells. `true` when NATS was told. */
  async end(record: SessionRecord): Promise<boolean> {
    const ended = { ...record, ended: true };
    this.#remember(record.id, true);
    try {
      await this.#put(ended);
      return true;
    } catch (error) {
      this.#warnOnce(error);
      if (this.#untold.size < MOST_KNOWN) this.#untold.set(record.id, ended);
      return false;
    }
  }

  /** Throws `NatsAwayError`. */
  async of(id: string): Promise<SessionRecord | undefined> {
    return await this.#nats.asking((messaging) => read(messaging, `${PREFIX}${id}`));
  }

  /** All that NATS knows of, the last used first; ended ones are left out. Throws `NatsAwayError`. */
  async list(): Promise<SessionRecord[]> {
    return await this.#nats.asking(async (messaging) => {
      const info = await orAbsent(messaging.jsm.streams.info(STREAM, { subjects_filter: `${PREFIX}>` }));
      const keys = Object.keys(info?.state.subjects ?? {}).slice(0, MOST_LISTED);
      const records: SessionRecord[] = [];
      while (keys.length > 0) {
        const some = keys.splice(0, READ_AT_ONCE).map((key) => read(messaging, key));
        for (const record of await Promise.all(some)) {
          if (record !== undefined && !record.ended) records.push(record);
        }
      }
      return records.sort((a, b) => b.seenUs - a.seenUs);
    });
  }

  async #put(record: SessionRecord): Promise<void> {
    await this.#nats.asking(({ js }) => js.publish(`${PREFIX}${record.id}`, JSON.stringify(record)));
  }

  async #tellUntold(): Promise<void> {
    for (const [id, record] of this.#untold) {
      try {
        await this.#put(record);
        this.#untold.delete(id);
      } catch {
        // Told with the next call; that NATS is away was said when it could not be told first.
        return;
      }
    }
  }

  #remember(id: string, ended: boolean): void {
    this.#known.delete(id);
    this.#known.set(id, { ended, atUs: this.#clock.nowUs() });
    if (this.#known.size <= MOST_KNOWN) return;
    const [oldest] = this.#known.keys();
    if (oldest !== undefined) this.#known.delete(oldest);
  }

  #warnOnce(error: unknown): void {
    const fault = messageOf(error);
    if (fault !== this.#told) this.#log.warn({ fault }, 'other replicas hear nothing of sessions');
    this.#told = fault;
  }
}

async function read(messaging: Messaging, subject: string): Promise<SessionRecord | undefined> {
  return (await readEntry(messaging, subject))?.record;
}

async function readEntry(
  { jsm }: Messaging,
  subject: string,
): Promise<{ record: SessionRecord; seq: number } | undefined> {
  const message = await orAbsent(jsm.streams.getMessage(STREAM, { last_by_subj: subject }));
  if (message === undefined || message.data.length === 0) return undefined;
  try {
    const record = sessionRecord.safeParse(message.json()).data;
    return record === undefined ? undefined : { record, seq: message.seq };
  } catch {
    // Whatever somebody else wrote there is no session.
    return undefined;
  }
}
