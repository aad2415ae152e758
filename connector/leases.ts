import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { jetstream, StorageType } from '@nats-io/jetstream';
import { Kvm, type KV } from '@nats-io/kv';
import { messageOf } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import type { Messaging } from '@faascam/core/messaging';
import { isOutdated } from '@faascam/core/nats-answers';
import { buckets } from '@faascam/core/subjects';
import {
  beat,
  emptyTable,
  Heartbeats,
  heldBy,
  leave,
  leaseTable,
  type LeaseTable,
  surplus,
} from './lease-table.ts';
import { LimitedLog } from './limited-log.ts';

/** The right to bring one function its messages. */
export interface Lease {
  readonly functionName: string;
  /** Its last holder gave everything back: nothing that it took is still to come again. */
  readonly clean: boolean;
  /** Gone for good: another replica may have it. */
  lost: boolean;
}

export interface LeasesOptions {
  messaging: Messaging;
  log: Logger;
  /** A name that is this replica's alone and stays over restarts; whoever had it before is known to be dead. */
  replica?: string;
  /** Functions that have topics, the busiest first. */
  wanted: () => readonly string[];
  /** A lease came or was lost, or should be given up. */
  onChange: () => void;
  /** The leases are valid again after a while in which no sign of life could be given. */
  onResume: () => void;
}

const BEAT_EVERY_MS = 1000;
/** From the beginning of the last successful sign of life. */
const VALID_MS = 4000;
/** Longer than that, by as much as clocks may differ in speed and the server may be late. */
const DEAD_AFTER_MS = 5000;
const BLIND_AFTER_MS = 2500;
const REQUEST_TIMEOUT_MS = 2000;
const KEY = 'leases';

/**
 * This replica's leases. Each replica gives a sign of life every second; one that others have not seen for five seconds
 * is put out, and its leases are taken over. It stops calling by itself a second earlier, by its own clock, and knows
 * at its next sign of life that it was put out.
 */
export class Leases {
  readonly #options: LeasesOptions;
  readonly #log: LimitedLog;
  readonly #heartbeats = new Heartbeats(DEAD_AFTER_MS, BLIND_AFTER_MS);
  readonly #leases = new Map<string, Lease>();
  readonly #giving = new Set<string>();
  readonly #released = new Map<string, { clean: boolean }>();
  #me: string;
  #joined = false;
  #leaving = false;
  #known: { table: LeaseTable; revision: number } | undefined;
  #validSince: Moment | undefined;
  /** Functions whose lease had been given back in order, by the table before the last change. */
  #cleanBefore = new Set<string>();
  #bucket: KV | undefined;
  #beating: Promise<void> = Promise.resolve();

  constructor(options: LeasesOptions) {
    this.#options = options;
    this.#log = new LimitedLog(options.log);
    this.#me = this.#newId();
  }

  /** Leases that are this replica's and are not to be given up. */
  get mine(): Lease[] {
    return [...this.#leases.values()].filter(({ functionName }) => !this.#giving.has(functionName));
  }

  /** Replicas that share the work, as far as known. */
  get members(): number {
    return Object.keys(this.#known?.table.members ?? {}).length;
  }

  /** Whether every function that is wanted has a holder, whoever it is. */
  get complete(): boolean {
    const { leases } = this.#known?.table ?? emptyTable;
    return this.#joined && this.#options.wanted().every((name) => (leases[name]?.holder ?? null) !== null);
  }

  /** Whether something under this lease may begin now that goes on by itself for `forMs`. */
  allows(lease: Lease, forMs = 0): boolean {
    return !lease.lost && this.#valid(forMs);
  }

  /** The lease is no longer needed, or was given up: nothing of it is held any more. */
  release(lease: Lease, clean: boolean): void {
    const { functionName } = lease;
    if (lease.lost || this.#leases.get(functionName) !== lease) return;
    lease.lost = true;
    this.#leases.delete(functionName);
    this.#giving.delete(functionName);
    this.#released.set(functionName, { clean });
  }

  /** Gives signs of life until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const begunMs = performance.now();
      await this.beat();
      // Not a second after the answer: a server that is slow must not cost the lease its slack.
      await pause(Math.max(0, BEAT_EVERY_MS - (performance.now() - begunMs)), signal);
    }
  }

  /** One sign of life; never rejects. Called out of turn when something is to be told at once. */
  beat(): Promise<void> {
    this.#beating = this.#beating.then(() => this.#beat());
    return this.#beating;
  }

  /** Takes no more leases from now on; those that there are stay until they are released. */
  finish(): void {
    this.#leaving = true;
  }

  /** Tells that this replica is gone, so that others need not wait. */
  async leave(): Promise<void> {
    await this.#beating;
    if (!this.#joined) return;
    try {
      await this.#change((table) => leave(table, this.#me, this.#released));
    } catch (error) {
      this.#log.warn({ err: messageOf(error) }, 'the leases could not be given back; others wait for them');
    }
    this.#joined = false;
    this.#validSince = undefined;
  }

  #newId(): string {
    return `${this.#options.replica ?? hostname()}.${randomUUID()}`;
  }

  #valid(forMs = 0): boolean {
    return this.#validSince !== undefined && elapsedMs(this.#validSince) + forMs < VALID_MS;
  }

  async #beat(): Promise<void> {
    const released = new Map(this.#released);
    const begun = now();
    try {
      const wanted = this.#options.wanted();
      await this.#change((table) => {
        // Known before the first write after it: a lease that was lost is not taken back in passing.
        this.#noteLosses(table);
        const dead = this.#heartbeats.look(table, performance.now());
        dead.delete(this.#me);
        for (const id of Object.keys(table.members)) if (this.#isMyPast(id)) dead.add(id);
        for (const id of dead)
          this.#options.log.warn({ replica: id }, 'a replica is gone; its leases are free');
        return beat(table, { me: this.#me, wanted, dead, released, leaving: this.#leaving });
      });
      this.#joined = true;
      // As late as this: they may have run out while the answer was on its way.
      const wasValid = this.#valid();
      this.#validSince = begun;
      for (const name of released.keys()) this.#released.delete(name);
      if (!this.#leaving) this.#takeIn(wanted);
      if (!wasValid) this.#options.onResume();
    } catch (error) {
      this.#log.warn({ err: messageOf(error) }, 'no sign of life could be given; calls wait when it lasts');
    }
  }

  /** A replica of the same name that was before this one. */
  #isMyPast(id: string): boolean {
    const { replica } = this.#options;
    return replica !== undefined && id !== this.#me && id.slice(0, id.lastIndexOf('.')) === replica;
  }

  /** Leases that the table gives to somebody else, or to nobody: all of them when this replica was put out. */
  #noteLosses(table: LeaseTable): void {
    const putOut = this.#joined && !(this.#me in table.members);
    let lost = 0;
    for (const [name, lease] of this.#leases) {
      if (!putOut && table.leases[name]?.holder === this.#me) continue;
      lease.lost = true;
      this.#leases.delete(name);
      this.#giving.delete(name);
      lost += 1;
    }
    if (putOut) {
      this.#me = this.#newId();
      this.#joined = false;
      this.#released.clear();
      this.#validSince = undefined;
    }
    if (lost === 0) return;
    this.#options.log.warn({ leases: lost }, 'leases were lost to other replicas');
    this.#options.onChange();
  }

  /** What the last change gave to this replica, and what it should let others have. */
  #takeIn(wanted: readonly string[]): void {
    const known = this.#known;
    if (!known) return;
    const { table } = known;
    let changed = false;
    for (const name of heldBy(table, this.#me)) {
      if (this.#leases.has(name) || this.#released.has(name)) continue;
      this.#leases.set(name, { functionName: name, clean: this.#cleanBefore.has(name), lost: false });
      changed = true;
    }
    const mine = wanted.filter((name) => this.#leases.has(name) && !this.#giving.has(name));
    for (const name of surplus(table, this.#me, mine, wanted)) {
      this.#giving.add(name);
      changed = true;
    }
    if (changed) this.#options.onChange();
  }

  /** Applies a change to the table as it is; again when another replica was faster. */
  async #change(apply: (table: LeaseTable) => LeaseTable): Promise<void> {
    const bucket = await this.#open();
    try {
      for (;;) {
        this.#known ??= await read(bucket);
        const { table, revision } = this.#known;
        const next = apply(table);
        try {
          const stored = await bucket.put(KEY, JSON.stringify(next), { previousSeq: revision });
          this.#cleanBefore = new Set(
            Object.entries(table.leases).flatMap(([name, { clean }]) => (clean === true ? [name] : [])),
          );
          this.#known = { table: next, revision: stored };
          return;
        } catch (error) {
          this.#known = undefined;
          if (!isOutdated(error)) throw error;
        }
      }
    } catch (error) {
      // It may be gone; it is made again at the next sign of life.
      this.#known = undefined;
      this.#bucket = undefined;
      throw error;
    }
  }

  async #open(): Promise<KV> {
    this.#bucket ??= await new Kvm(
      jetstream(this.#options.messaging.nc, { timeout: REQUEST_TIMEOUT_MS }),
    ).create(buckets.connector, { history: 1, storage: StorageType.File });
    return this.#bucket;
  }
}

async function read(bucket: KV): Promise<{ table: LeaseTable; revision: number }> {
  const entry = await bucket.get(KEY);
  if (entry === null) return { table: emptyTable, revision: 0 };
  if (entry.operation !== 'PUT') return { table: emptyTable, revision: entry.revision };
  return { table: leaseTable.parse(entry.json()), revision: entry.revision };
}

interface Moment {
  monotonicMs: number;
  wallMs: number;
}

function now(): Moment {
  return { monotonicMs: performance.now(), wallMs: Date.now() };
}

/** The longer of both clocks' answers: the monotonic one stands still while a host sleeps. */
function elapsedMs(since: Moment): number {
  const { monotonicMs, wallMs } = now();
  return Math.max(monotonicMs - since.monotonicMs, wallMs - since.wallMs);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end, { once: true });
  });
}
