import type { Clock } from '@faascam/core/clock';
import { MalformedInputError, messageOf } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import type { Messaging } from '@faascam/core/messaging';
import type { KeptSubscription } from '@faascam/core/push-subscription';
import {
  keepSubscription,
  listSubscriptions,
  readSubscription,
  removeSubscription,
} from '@faascam/core/push-subscriptions';
import { NatsAwayError } from '../nats-link.ts';
import type { Gate } from './gate.ts';
import type { AskNats } from './session-registry.ts';
import type { Users } from './users-file.ts';

const LOOK_MS = 5000;
/** Tokens expire without anybody changing the file. */
const AT_LEAST_EVERY_US = 600_000_000;

export type PushVerdict = { kind: 'good' } | { kind: 'gone' } | { kind: 'changed'; cameras?: string[] };

/** What is to become of a browser's subscription: whether whose it is still may see anything, and which cameras. Pure. */
export function pushVerdict(
  { user, cameras }: Pick<KeptSubscription, 'user' | 'cameras'>,
  { users, tokens }: Users,
  nowUs: number,
): PushVerdict {
  const holder =
    users.find(({ name }) => name === user) ??
    tokens.find(
      ({ name, expires }) =>
        `token ${name}` === user && (expires === undefined || Date.parse(expires) * 1000 > nowUs),
    );
  if (holder === undefined) return { kind: 'gone' };
  if (String(holder.cameras) === String(cameras)) return { kind: 'good' };
  return { kind: 'changed', ...(holder.cameras === undefined ? {} : { cameras: holder.cameras }) };
}

/**
 * Browsers that are told of events follow the users file: those of a user who was taken out are forgotten, and the others
 * hear of the cameras that their user may see by now. Where a proxy logs people in, only it knows who is gone.
 */
export class PushSweep {
  readonly #gate: Gate;
  readonly #nats: AskNats;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #timer: NodeJS.Timeout;
  #done: { users: Users; atUs: number } | undefined;
  #running: Promise<void> | undefined;
  /** Why the last look failed. */
  #fault: string | undefined;

  constructor(gate: Gate, { nats, clock, log }: { nats: AskNats; clock: Clock; log: Logger }) {
    this.#gate = gate;
    this.#nats = nats;
    this.#clock = clock;
    this.#log = log;
    this.#timer = setInterval(() => {
      this.#running ??= this.#look().finally(() => (this.#running = undefined));
    }, LOOK_MS);
    this.#timer.unref();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  async #look(): Promise<void> {
    const state = await this.#gate.users.state();
    if (state.kind !== 'users' || this.#gate.settings.proxy !== undefined) return;
    const { users } = state;
    const nowUs = this.#clock.nowUs();
    if (this.#done?.users === users && nowUs - this.#done.atUs < AT_LEAST_EVERY_US) return;
    try {
      await this.#nats.asking((messaging) => this.#sweep(messaging, users, nowUs));
      this.#done = { users, atUs: nowUs };
      this.#fault = undefined;
    } catch (error) {
      // Then at the next look. That NATS is away, others say.
      const fault = messageOf(error);
      if (!(error instanceof NatsAwayError) && fault !== this.#fault)
        this.#log.warn(
          { fault },
          'browsers of users who are gone may still be told of events; it is tried again',
        );
      this.#fault = fault;
    }
  }

  async #sweep(messaging: Messaging, users: Users, nowUs: number): Promise<void> {
    for (const browser of await listSubscriptions(messaging)) {
      let kept: KeptSubscription | undefined;
      try {
        kept = await readSubscription(messaging, browser);
      } catch (error) {
        if (!(error instanceof MalformedInputError)) throw error;
        this.#log.warn({ browser, fault: messageOf(error) }, 'a browser is told nothing');
        continue;
      }
      if (kept === undefined) continue;
      const verdict = pushVerdict(kept, users, nowUs);
      if (verdict.kind === 'good') continue;
      this.#log.info({ browser, user: kept.user, verdict: verdict.kind }, 'a browser follows its user');
      if (verdict.kind === 'gone') await removeSubscription(messaging, browser);
      else {
        const { cameras } = verdict;
        await keepSubscription(messaging, kept, { user: kept.user, ...(cameras && { cameras }) }, kept.atUs);
      }
    }
  }
}
