import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { messageOf } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import type { Messaging } from '@faascam/core/messaging';
import { redact } from '@faascam/core/redact';
import type { FunctionStats } from './dispatcher.ts';
import type { BasicAuth } from './function-list.ts';
import { Lines, type LineLoad } from './lines.ts';
import { backoffMs, type Freshness } from './policy.ts';

export interface ConnectorOptions {
  /** `http://host:port` or `https://host:port`, of OpenFaaS or of the local gateway. */
  gatewayUrl: string;
  /** Certificates in PEM that the gateway's may be signed by, instead of the public ones. */
  gatewayCa?: string;
  /** Stays the caller's, who closes it after `done`. */
  messaging: Messaging;
  log: Logger;
  /** Aborting it ends the connector: calls in flight are finished, then `done` resolves. */
  signal: AbortSignal;
  /** Of frames: `newest` when they are live, `ordered` when a recording is replayed and none may be dropped. */
  freshness: Freshness;
  /** For the gateway's `/system`; asked for each time, for secrets are replaced. */
  basicAuth?: () => BasicAuth;
  /** A name that is this replica's alone and stays over restarts: it takes up its own work at once. */
  replica?: string;
  /** How often the gateway is asked for its functions; default 5000. */
  refreshMs?: number;
  /** Calls of one function at the same time, over all cameras; default 32. */
  maxConcurrent?: number;
  /** How long calls in flight may take at the end; default 30 000. */
  drainMs?: number;
  observer?: CallObserver;
}

/** Told of what happens as it happens; must not throw. */
export interface CallObserver {
  /** A call is over: an HTTP status, `timeout` or `unreachable`. */
  called: (functionName: string, outcome: string, tookMs: number) => void;
  /** A message was taken by its function, so long after it was published, by the clocks of both hosts. */
  delivered: (functionName: string, sincePublishedMs: number) => void;
}

export interface Connector {
  /**
   * Resolves once every listed function has a replica that brings it its messages, and the consumers of those that
   * are this replica's exist: nothing published from then on is missed.
   */
  ready: Promise<void>;
  /** Resolves when all has ended after the signal was aborted. */
  done: Promise<void>;
  /** Counters by function, since the start. */
  stats: () => Record<string, FunctionStats>;
  /** What this replica does now, by function that it holds. */
  loads: () => Record<string, LineLoad>;
  /** Replicas that share the work. */
  replicas: () => number;
}

const STATS_EVERY_MS = 60_000;
const LONGEST_REFRESH_BACKOFF_MS = 5000;
const READY_AGAIN_MS = 100;

/**
 * Brings messages of JetStream to OpenFaaS functions by their `topic` annotation, until the signal is aborted.
 * Several may run: each function is one's at a time. Neither NATS nor the gateway need be there: it goes on when they come.
 */
export function runConnector(options: ConnectorOptions): Connector {
  const { gatewayUrl, gatewayCa } = options;
  // A call has a time limit of its own; the pool opens as many connections as there are calls at a time.
  const pool = new Pool(new URL(gatewayUrl).origin, {
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { timeout: 5000, ...(gatewayCa === undefined ? {} : { ca: gatewayCa }) },
  });
  const lines = new Lines(options, pool);
  let ready: () => void = () => undefined;
  const readiness = new Promise<void>((resolve) => {
    ready = resolve;
  });
  return {
    ready: readiness,
    done: run(lines, options, ready).finally(() => pool.destroy()),
    stats: () => lines.stats(),
    loads: () => lines.loads(),
    replicas: () => lines.leases.members,
  };
}

async function run(
  lines: Lines,
  { log, signal, refreshMs = 5000, messaging, drainMs = 30_000 }: ConnectorOptions,
  ready: () => void,
): Promise<void> {
  const logged = setInterval(() => lines.logStats(), STATS_EVERY_MS);
  let failures = 0;
  let told = '';
  let readying: Promise<void> | undefined;
  while (!signal.aborted) {
    try {
      await lines.refresh();
      if (failures > 0) {
        log.info('gateway and NATS answer again');
        lines.wake();
      }
      failures = 0;
      told = '';
      readying ??= becomesReady(lines, signal).then(ready, () => undefined);
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
  await lines.stop(drainMs);
  // What was done must be known as done; if NATS is away, it comes again.
  if (!messaging.nc.isClosed())
    await Promise.race([messaging.nc.flush(), sleep(2000)]).catch(() => undefined);
  lines.logStats();
}

/** Rejects when the signal is aborted first. */
async function becomesReady(lines: Lines, signal: AbortSignal): Promise<void> {
  while (!lines.leases.complete) await sleep(READY_AGAIN_MS, undefined, { signal });
  await lines.consumersExist();
}

function aborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
