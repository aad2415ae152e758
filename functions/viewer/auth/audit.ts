import type { Clock } from '@faascam/core/clock';
import { messageOf } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import { orAbsent } from '@faascam/core/nats-answers';
import { auditLog } from '@faascam/core/subjects';
import { z } from 'zod';
import type { AskNats } from './session-registry.ts';

const text = z.string().max(300);

/** Who did what, from where, and what came of it. Never a password, token or cookie. */
export const auditEntry = z.object({
  v: z.literal(1),
  /** Microseconds since the Unix epoch. */
  atUs: z.int(),
  who: text,
  /** How that was known: a session, a token, a proxy's word, nothing. */
  by: text,
  /** `login`, `logout`, or the name of an operation of the API. */
  what: text,
  /** Its path, or what else it was done to. */
  target: text.optional(),
  /** An address. */
  from: text,
  result: z.enum(['allowed', 'refused']),
  /** Why it was refused, in a word or two. */
  reason: text.optional(),
});
export type AuditEntry = z.infer<typeof auditEntry>;
/** `atUs` and `v` are put in here. */
export type Deed = Omit<AuditEntry, 'v' | 'atUs'>;

/** Kept here while NATS is away; of more, the oldest go, and stand in the log alone. */
const MOST_WAITING = 500;
const READ_AT_ONCE = 20;
const MAX_CHARACTERS = 300;

/**
 * The audit log: a line each in the function's log, with `stream: "audit"`, and an entry in a bounded stream of NATS, where the
 * admin's page reads it.
 */
export class AuditLog {
  readonly #nats: AskNats;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #faults: Logger;
  readonly #waiting: AuditEntry[] = [];
  #telling: Promise<void> | undefined;
  #told = '';

  constructor({ nats, clock, log }: { nats: AskNats; clock: Clock; log: Logger }) {
    this.#nats = nats;
    this.#clock = clock;
    this.#log = log.child({ stream: 'audit' });
    this.#faults = log;
  }

  /** Writes it down. Nobody waits for NATS. */
  note(deed: Deed): void {
    const entry: AuditEntry = { v: 1, atUs: this.#clock.nowUs(), ...bounded(deed) };
    const { what, result, ...rest } = entry;
    this.#log.info({ ...rest, what, result }, `${entry.who}: ${what} ${result}`);
    this.#waiting.push(entry);
    if (this.#waiting.length > MOST_WAITING) this.#waiting.shift();
    void this.settle();
  }

  /** Resolves once NATS has all that was noted, or cannot be told. */
  async settle(): Promise<void> {
    await (this.#telling ??= this.#tell().finally(() => {
      this.#telling = undefined;
    }));
  }

  /** The newest entries, newest first. Throws `NatsAwayError`. */
  async newest(
    limit: number,
    before?: number,
  ): Promise<{ entries: AuditEntry[]; before: number | undefined }> {
    await this.settle();
    return await this.#nats.asking(async ({ jsm }) => {
      const info = await orAbsent(jsm.streams.info(auditLog.stream));
      const first = info?.state.first_seq ?? 1;
      let next = Math.min((info?.state.last_seq ?? 0) + 1, before ?? Infinity);
      const entries: AuditEntry[] = [];
      while (entries.length < limit && next > first) {
        const count = Math.min(READ_AT_ONCE, limit - entries.length, next - first);
        const seqs = Array.from({ length: count }, (_, index) => next - 1 - index);
        const messages = await Promise.all(
          seqs.map((seq) => orAbsent(jsm.streams.getMessage(auditLog.stream, { seq }))),
        );
        for (const message of messages) {
          const entry = auditEntry.safeParse(message?.json());
          if (entry.success) entries.push(entry.data);
        }
        next -= count;
      }
      return { entries, before: next > first ? next : undefined };
    });
  }

  async #tell(): Promise<void> {
    for (let entry = this.#waiting[0]; entry !== undefined; entry = this.#waiting[0]) {
      const sent = entry;
      try {
        await this.#nats.asking(({ js }) => js.publish(auditLog.subject, JSON.stringify(sent)));
        this.#told = '';
      } catch (error) {
        const fault = messageOf(error);
        if (fault !== this.#told)
          this.#faults.warn({ fault }, 'the audit log is kept here until NATS takes it');
        this.#told = fault;
        return;
      }
      if (this.#waiting[0] === sent) this.#waiting.shift();
    }
  }
}

function bounded(deed: Deed): Deed {
  const cut = (value: string): string =>
    value.length > MAX_CHARACTERS ? `${value.slice(0, MAX_CHARACTERS - 3)}...` : value;
  return {
    ...deed,
    who: cut(deed.who),
    from: cut(deed.from),
    ...(deed.target === undefined ? {} : { target: cut(deed.target) }),
    ...(deed.reason === undefined ? {} : { reason: cut(deed.reason) }),
  };
}
