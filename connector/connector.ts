import { setTimeout as sleep } from 'node:timers/promises';
import type { JsMsg } from '@nats-io/jetstream';
import { Pool } from 'undici';
import { messageOf } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import type { Messaging } from '@faascam/core/messaging';
import { ensureSite } from '@faascam/core/site-buckets';
import { redact } from '@faascam/core/redact';
import { headers as headerNames } from '@faascam/core/subjects';
import { deadLetterStream, ensureDeadLetterStream, publishDeadLetter } from './dead-letter.ts';
import { Dispatcher, type FunctionStats } from './dispatcher.ts';
import { type BasicAuth, listFunctions } from './function-list.ts';
import { invoke } from './invocation.ts';
import { backoffMs, type Freshness, policyOf } from './policy.ts';
import { Subscription } from './subscription.ts';
import { consumerName, isSubject, topicsOf } from './topics.ts';

export interface ConnectorOptions {
  /** `http://host:port`, of OpenFaaS or of the local gateway. */
  gatewayUrl: string;
  /** Stays the caller's, who closes it after `done`. */
  messaging: Messaging;
  log: Logger;
  /** Aborting it ends the connector: calls in flight are finished, then `done` resolves. */
  signal: AbortSignal;
  /** Of frames: `newest` when they are live, `ordered` when a recording is replayed and none may be dropped. */
  freshness: Freshness;
  /** For the gateway's `/system`. */
  basicAuth?: BasicAuth;
  /** How often the gateway is asked for its functions; default 5000. */
  refreshMs?: number;
  /** Calls of one function at the same time, over all cameras; default 32. */
  maxConcurrent?: number;
  /** How long calls in flight may take at the end; default 30 000. */
  drainMs?: number;
}

export interface Connector {
  /** Resolves once every topic of every listed function has its consumer: nothing published from then on is missed. */
  ready: Promise<void>;
  /** Resolves when all has ended after the signal was aborted. */
  done: Promise<void>;
  /** Counters by function, since the start. */
  stats: () => Record<string, FunctionStats>;
}

const STATS_EVERY_MS = 60_000;
const LONGEST_REFRESH_BACKOFF_MS = 5000;

/**
 * Brings messages of JetStream to OpenFaaS functions by their `topic` annotation, until the signal is aborted.
 * Neither NATS nor the gateway need be there: it goes on when they come.
 */
export function runConnector(options: ConnectorOptions): Connector {
  const lines = new Lines(options);
  let ready: () => void = () => undefined;
  const readiness = new Promise<void>((resolve) => {
    ready = resolve;
  });
  return { ready: readiness, done: run(lines, options, ready), stats: () => lines.stats() };
}

async function run(
  lines: Lines,
  { log, signal, refreshMs = 5000 }: ConnectorOptions,
  ready: () => void,
): Promise<void> {
  const logged = setInterval(() => lines.logStats(), STATS_EVERY_MS);
  let failures = 0;
  let told = '';
  while (!signal.aborted) {
    try {
      await lines.refresh();
      if (failures > 0) {
        log.info('gateway and NATS answer again');
        lines.wake();
      }
      failures = 0;
      told = '';
      void lines.consumersExist().then(ready);
    } catch (error) {
      if (aborted(signal)) break;
      failures += 1;
      const reason = redact(messageOf(error));
      if (reason !== told) log.warn({ reason }, 'the gateway or NATS does not answer; trying again');
      told = reason;
    }
    const delayMs = failures === 0 ? refreshMs : backoffMs(failures, LONGEST_REFRESH_BACKOFF_MS);
    await sleep(delayMs, undefined, { signal }).catch(() => undefined);
  }
  clearInterval(logged);
  await lines.stop();
  lines.logStats();
}

function aborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

/** All functions with a topic, each with its consumers and its dispatcher. */
class Lines {
  readonly #options: ConnectorOptions;
  readonly #pool: Pool;
  readonly #basePath: string;
  readonly #subscriptions = new Map<string, { functionName: string; subscription: Subscription }>();
  readonly #dispatchers = new Map<string, Dispatcher>();
  /** Of functions that are gone, so that counters only grow. */
  readonly #past = new Map<string, FunctionStats>();
  readonly #streams = new Map<string, string[]>();
  readonly #warned = new Set<string>();
  #statsLogged = '';

  constructor(options: ConnectorOptions) {
    this.#options = options;
    const url = new URL(options.gatewayUrl);
    this.#basePath = url.pathname.replace(/\/+$/, '');
    // A call has a time limit of its own; the pool opens as many connections as there are calls at a time.
    this.#pool = new Pool(url.origin, { headersTimeout: 0, bodyTimeout: 0, connect: { timeout: 5000 } });
  }

  /** Asks the gateway for its functions, and makes consumers and lanes what they should be. */
  async refresh(): Promise<void> {
    const { messaging, basicAuth, signal } = this.#options;
    const functions = await listFunctions(this.#pool, this.#basePath, basicAuth, signal);
    await ensureSite(messaging);
    await ensureDeadLetterStream(messaging.jsm);
    const wanted = new Map<string, { functionName: string; topic: string; stream: string }>();
    for (const { name, topic: annotation } of functions) {
      for (const topic of topicsOf(annotation)) {
        for (const stream of await this.#streamsOf(name, topic)) {
          wanted.set(`${name} ${topic} ${stream}`, { functionName: name, topic, stream });
        }
      }
    }
    const functionNames = new Set([...wanted.values()].map(({ functionName }) => functionName));
    for (const [key, { subscription }] of this.#subscriptions) {
      if (wanted.has(key)) continue;
      // The consumer itself stays: a function that comes back goes on where it stopped.
      this.#subscriptions.delete(key);
      await subscription.stop();
      subscription.release();
    }
    for (const [name, dispatcher] of this.#dispatchers) {
      if (functionNames.has(name)) continue;
      this.#options.log.info({ function: name }, 'the function is gone');
      this.#dispatchers.delete(name);
      await dispatcher.stop(0);
      this.#past.set(name, sum(this.#past.get(name), dispatcher.stats));
    }
    for (const [key, { functionName, topic, stream }] of wanted) {
      if (this.#subscriptions.has(key)) continue;
      this.#options.log.info({ function: functionName, topic, stream }, 'delivering');
      this.#subscriptions.set(key, { functionName, subscription: this.#open(functionName, topic, stream) });
    }
  }

  /** Resolves once every consumer of the last refresh exists. */
  async consumersExist(): Promise<void> {
    await Promise.all([...this.#subscriptions.values()].map(({ subscription }) => subscription.exists));
  }

  wake(): void {
    for (const dispatcher of this.#dispatchers.values()) dispatcher.wake();
  }

  async stop(): Promise<void> {
    const { drainMs = 30_000, messaging } = this.#options;
    const subscriptions = [...this.#subscriptions.values()].map(({ subscription }) => subscription);
    await Promise.all(subscriptions.map((subscription) => subscription.stop()));
    await Promise.all([...this.#dispatchers.values()].map((dispatcher) => dispatcher.stop(drainMs)));
    for (const subscription of subscriptions) subscription.release();
    await this.#pool.destroy();
    // What was done must be known as done; if NATS is away, it comes again.
    if (!messaging.nc.isClosed())
      await Promise.race([messaging.nc.flush(), sleep(2000)]).catch(() => undefined);
  }

  stats(): Record<string, FunctionStats> {
    const all = new Map(this.#past);
    for (const [name, { stats }] of this.#dispatchers) all.set(name, sum(all.get(name), stats));
    return Object.fromEntries(all);
  }

  logStats(): void {
    const stats = this.stats();
    const text = JSON.stringify(stats);
    if (text === this.#statsLogged || text === '{}') return;
    this.#statsLogged = text;
    this.#options.log.info({ stats }, 'messages so far');
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

  #open(functionName: string, topic: string, stream: string): Subscription {
    const { messaging, log, freshness, maxConcurrent = 32 } = this.#options;
    const policy = policyOf(stream, freshness);
    const dispatcher =
      this.#dispatchers.get(functionName) ?? new Dispatcher(functionName, maxConcurrent, log);
    this.#dispatchers.set(functionName, dispatcher);
    return new Subscription({
      messaging,
      stream,
      name: consumerName(functionName, topic),
      topic,
      policy,
      log,
      onMessage: (message, settle) => {
        const kept = message.headers?.get(headerNames.kind) === 'lost';
        dispatcher.accept({
          subject: message.subject,
          freshness: policy.freshness,
          kept,
          stale: message.redelivered,
          policy,
          heldSinceMs: performance.now(),
          settle,
          bury: (status, reason) => this.#bury(functionName, stream, message, status, reason),
          call: (signal) => {
            const { subject, data: body } = message;
            const call = { functionName, subject, body, headers: message.headers ?? [] };
            return invoke(this.#pool, this.#basePath, call, policy, signal);
          },
        });
      },
    });
  }

  async #bury(
    functionName: string,
    stream: string,
    message: JsMsg,
    status: number,
    reason: string,
  ): Promise<void> {
    const { js, nc } = this.#options.messaging;
    const letter = {
      functionName,
      stream,
      sequence: message.seq,
      storedAtNs: message.timestampNanos,
      subject: message.subject,
      headers: message.headers ?? [],
      body: message.data,
      status,
      reason,
    };
    await publishDeadLetter(js, letter, nc.info?.max_payload ?? 1024 * 1024);
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
