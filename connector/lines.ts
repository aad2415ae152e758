import type { Pool } from 'undici';
import { messageOf } from '@faascam/core/errors';
import { ensureSite } from '@faascam/core/site-buckets';
import type { ConnectorOptions } from './connector.ts';
import { deadLetterStream } from './dead-letter.ts';
import type { FunctionStats, Held } from './dispatcher.ts';
import { type Feed, FunctionLine } from './function-line.ts';
import { listFunctions } from './function-list.ts';
import { invoke } from './invocation.ts';
import { Leases } from './leases.ts';
import type { Outcome } from './policy.ts';
import { PULL_EXPIRES_MS } from './subscription.ts';
import { isSubject, topicsOf } from './topics.ts';

export interface LineLoad {
  /** Calls in flight. */
  active: number;
  /** Messages taken that wait for their call. */
  waiting: number;
  /** By durable consumer. */
  consumers: { name: string; lag: () => Promise<{ pending: number; unsettled: number }> }[];
}

/** Longer than any call may take: whoever gives up a function to another replica has no hurry. */
const GIVE_UP_DRAIN_MS = 130_000;

/** All functions with a topic, and the lines of those whose lease is this replica's. */
export class Lines {
  readonly leases: Leases;
  readonly #options: ConnectorOptions;
  readonly #pool: Pool;
  readonly #basePath: string;
  /** By function, as of the last refresh. */
  #feeds = new Map<string, Feed[]>();
  readonly #lines = new Map<string, FunctionLine>();
  /** Lines that are being closed; none of the same function is opened before that is over. */
  readonly #closing = new Map<string, { line: FunctionLine; closed: Promise<void> }>();
  /** Counters of lines that are gone, so that they only grow. */
  readonly #past = new Map<string, FunctionStats>();
  readonly #streams = new Map<string, string[]>();
  readonly #warned = new Set<string>();
  readonly #beating = new AbortController();
  #life: Promise<void> | undefined;
  #statsLogged = '';
  #stopping = false;

  constructor(options: ConnectorOptions, pool: Pool) {
    this.#options = options;
    this.#pool = pool;
    this.#basePath = new URL(options.gatewayUrl).pathname.replace(/\/+$/, '');
    const { messaging, log, replica } = options;
    this.leases = new Leases({
      messaging,
      log,
      ...(replica === undefined ? {} : { replica }),
      wanted: () => this.#wanted(),
      onChange: () => this.#reconcile(),
      onResume: () => this.wake(),
    });
  }

  /** Asks the gateway for its functions, and makes consumers and lanes what they should be. */
  async refresh(): Promise<void> {
    const { messaging, basicAuth, signal } = this.#options;
    // Before the gateway is asked: its functions may not make what they need, and are ready only when it is there.
    await ensureSite(messaging, [deadLetterStream]);
    const functions = await listFunctions(this.#pool, this.#basePath, basicAuth?.(), signal);
    const feeds = new Map<string, Feed[]>();
    for (const { name, topic: annotation } of functions) {
      const found: Feed[] = [];
      for (const topic of topicsOf(annotation)) {
        for (const stream of await this.#streamsOf(name, topic)) found.push({ topic, stream });
      }
      if (found.length > 0) feeds.set(name, found);
    }
    const added = [...feeds.keys()].some((name) => !this.#feeds.has(name));
    this.#feeds = feeds;
    if (added) await this.leases.beat();
    // Whoever cannot list functions takes no share of the work.
    this.#life ??= this.leases.run(this.#beating.signal);
    this.#reconcile();
  }

  /** Resolves once every consumer of this replica's functions exists. */
  async consumersExist(): Promise<void> {
    await Promise.all([...this.#lines.values()].map((line) => line.exists()));
  }

  wake(): void {
    for (const line of this.#lines.values()) line.wake();
  }

  /** Finishes the calls in flight, gives back what was not delivered, and the leases. */
  async stop(drainMs: number): Promise<void> {
    this.#stopping = true;
    this.leases.finish();
    for (const line of [...this.#lines.values()]) this.#close(line, drainMs);
    // Signs of life go on meanwhile: what is being finished must not be given to another.
    await Promise.all([...this.#closing.values()].map(({ closed }) => closed));
    this.#beating.abort();
    await this.#life;
    await this.leases.leave();
  }

  stats(): Record<string, FunctionStats> {
    const all = new Map(this.#past);
    for (const [name, { line }] of this.#closing) all.set(name, sum(all.get(name), line.stats));
    for (const [name, { stats }] of this.#lines) all.set(name, sum(all.get(name), stats));
    return Object.fromEntries(all);
  }

  loads(): Record<string, LineLoad> {
    return Object.fromEntries(
      [...this.#lines].map(([name, line]) => [
        name,
        {
          ...line.load,
          consumers: line.subscriptions.map((each) => ({ name: each.name, lag: () => each.lag() })),
        },
      ]),
    );
  }

  logStats(): void {
    const stats = this.stats();
    const text = JSON.stringify(stats);
    if (text === this.#statsLogged || text === '{}') return;
    this.#statsLogged = text;
    this.#options.log.info({ stats }, 'messages so far');
  }

  /** Functions with topics; those that this replica serves the busiest first. */
  #wanted(): string[] {
    const delivered = (name: string): number => this.#lines.get(name)?.stats.delivered ?? 0;
    return [...this.#feeds.keys()].sort((a, b) => delivered(b) - delivered(a));
  }

  /** Opens, feeds and closes lines, as the leases and the last refresh say. */
  #reconcile(): void {
    if (this.#stopping) return;
    const mine = new Set(this.leases.mine);
    for (const [name, line] of this.#lines) {
      const wanted = this.#feeds.has(name);
      if (wanted && mine.has(line.lease)) continue;
      if (!wanted) this.#options.log.info({ function: name }, 'the function is gone');
      this.#close(line, wanted ? GIVE_UP_DRAIN_MS : 0);
    }
    for (const lease of mine) {
      const feeds = this.#feeds.get(lease.functionName);
      if (feeds === undefined) {
        if (!this.#closing.has(lease.functionName)) this.leases.release(lease, false);
        continue;
      }
      if (this.#closing.has(lease.functionName)) continue;
      const line = this.#lines.get(lease.functionName) ?? this.#open(lease);
      line.feed(feeds).catch((error: unknown) => {
        this.#options.log.warn({ err: messageOf(error) }, 'a topic that is gone could not be left');
      });
    }
  }

  #open(lease: FunctionLine['lease']): FunctionLine {
    const { messaging, log, freshness, maxConcurrent = 32, observer } = this.#options;
    const { functionName } = lease;
    const line = new FunctionLine({
      ...{ lease, messaging, log, freshness, maxConcurrent },
      allowed: () => this.leases.allows(lease),
      mayAsk: () => this.leases.allows(lease, PULL_EXPIRES_MS),
      call: (invocation, policy, signal) => invoke(this.#pool, this.#basePath, invocation, policy, signal),
      onCall: (held: Held, outcome: Outcome, tookMs: number) => {
        if (!observer) return;
        observer.called(
          functionName,
          outcome.kind === 'answered' ? String(outcome.status) : outcome.kind,
          tookMs,
        );
        const done = outcome.kind === 'answered' && outcome.status >= 200 && outcome.status < 300;
        if (done) observer.delivered(functionName, Date.now() - held.publishedAtMs);
      },
    });
    this.#lines.set(functionName, line);
    return line;
  }

  #close(line: FunctionLine, drainMs: number): void {
    const { lease } = line;
    const name = lease.functionName;
    this.#lines.delete(name);
    const end = async (): Promise<void> => {
      const clean = lease.lost ? await line.drop().then(() => false) : await line.close(drainMs);
      this.leases.release(lease, clean);
      this.#past.set(name, sum(this.#past.get(name), line.stats));
      this.#closing.delete(name);
      await this.leases.beat();
      this.#reconcile();
    };
    this.#closing.set(name, { line, closed: end() });
  }

  /** The streams that hold a topic's subjects; our own dead letters and buckets only when they are named. */
  async #streamsOf(functionName: string, topic: string): Promise<string[]> {
    if (!isSubject(topic)) {
      this.#warnOnce({ function: functionName, topic }, 'a topic is no NATS subject and is left out');
      return [];
    }
    const known = this.#streams.get(topic);
    if (known) return known;
    const found: string[] = [];
    for await (const name of this.#options.messaging.jsm.streams.names(topic)) {
      const internal = name.startsWith('KV_') || name.startsWith('OBJ_') || name === deadLetterStream.name;
      if (!internal || /^(deadletter\.|\$)/.test(topic)) found.push(name);
    }
    if (found.length > 0) this.#streams.set(topic, found);
    else
      this.#warnOnce(
        { function: functionName, topic },
        'no stream holds a topic yet; looking again and again',
      );
    return found;
  }

  #warnOnce(fields: Record<string, string>, what: string): void {
    const key = `${what} ${JSON.stringify(fields)}`;
    if (this.#warned.has(key)) return;
    this.#warned.add(key);
    this.#options.log.warn(fields, what);
  }
}

function sum(a: FunctionStats | undefined, b: FunctionStats): FunctionStats {
  return {
    delivered: (a?.delivered ?? 0) + b.delivered,
    dropped: (a?.dropped ?? 0) + b.dropped,
    retried: (a?.retried ?? 0) + b.retried,
    parked: (a?.parked ?? 0) + b.parked,
  };
}
