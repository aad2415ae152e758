import { createServer } from 'node:http';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { FaascamError, messageOf } from '@faascam/core/errors';
import type { CallObserver, Connector } from './connector.ts';

/** From an idle site's milliseconds to a clip's minutes. */
const SECONDS = [0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 600];
const WHAT = ['delivered', 'dropped', 'retried', 'parked'] as const;
const LAG_WITHIN_MS = 2000;

/** What the connector tells Prometheus. Counters only grow for as long as the process runs. */
export class ConnectorMetrics implements CallObserver {
  readonly registry = new Registry();
  readonly #connector: () => Connector | undefined;
  readonly #calls = new Counter({
    name: 'faascam_connector_calls_total',
    help: 'Calls that are over, by function and HTTP status, "timeout" or "unreachable".',
    labelNames: ['function', 'outcome'],
    registers: [this.registry],
  });
  readonly #call = new Histogram({
    name: 'faascam_connector_call_seconds',
    help: 'How long calls took.',
    labelNames: ['function'],
    buckets: SECONDS,
    registers: [this.registry],
  });
  readonly #delivery = new Histogram({
    name: 'faascam_connector_delivery_seconds',
    help: "From a message's publishing until its function had taken it, by the clocks of NATS and of this host.",
    labelNames: ['function'],
    buckets: SECONDS,
    registers: [this.registry],
  });

  /** `connector` may not be there yet. */
  constructor(connector: () => Connector | undefined) {
    this.#connector = connector;
    const { registry } = this;
    collectDefaultMetrics({ register: registry });
    const messages = new Counter({
      name: 'faascam_connector_messages_total',
      help: 'Messages delivered, dropped (a newer picture took their place) and parked (dead letters), and calls made again (retried).',
      labelNames: ['function', 'what'],
      registers: [registry],
      collect: () => {
        messages.reset();
        for (const [name, stats] of Object.entries(connector()?.stats() ?? {})) {
          for (const what of WHAT) messages.inc({ function: name, what }, stats[what]);
        }
      },
    });
    this.#perFunction('faascam_connector_in_flight', 'Calls in flight.', ({ active }) => active);
    this.#perFunction(
      'faascam_connector_waiting',
      'Messages taken that wait for their call.',
      (load) => load.waiting,
    );
    this.#perFunction(
      'faascam_connector_lease_held',
      '1 for each function that this replica brings its messages; elsewhere the series is missing.',
      () => 1,
    );
    const replicas: Gauge = new Gauge({
      name: 'faascam_connector_replicas',
      help: 'Replicas that share the work, as this one sees it.',
      registers: [registry],
      collect: () => {
        replicas.set(connector()?.replicas() ?? 0);
      },
    });
    const lag = new Gauge({
      name: 'faascam_connector_consumer_lag',
      help: 'Messages of a durable consumer that nobody took yet (pending), or took and has not finished (unsettled).',
      labelNames: ['function', 'consumer', 'state'],
      registers: [registry],
      collect: async () => {
        lag.reset();
        await Promise.all(
          Object.entries(connector()?.loads() ?? {}).flatMap(([name, { consumers }]) =>
            consumers.map(async (consumer) => {
              // NATS may be away: then there is nothing to tell, and the rest is told all the same.
              const counts = await withinLimit(consumer.lag()).catch(() => undefined);
              for (const [state, count] of Object.entries(counts ?? {}))
                lag.set({ function: name, consumer: consumer.name, state }, count);
            }),
          ),
        );
      },
    });
  }

  called(functionName: string, outcome: string, tookMs: number): void {
    this.#calls.inc({ function: functionName, outcome });
    this.#call.observe({ function: functionName }, tookMs / 1000);
  }

  delivered(functionName: string, sincePublishedMs: number): void {
    // Clocks of two hosts may differ by more than a fast call takes.
    this.#delivery.observe({ function: functionName }, Math.max(0, sincePublishedMs) / 1000);
  }

  #perFunction(
    name: string,
    help: string,
    valueOf: (load: ReturnType<Connector['loads']>[string]) => number,
  ): void {
    const gauge = new Gauge({
      name,
      help,
      labelNames: ['function'],
      registers: [this.registry],
      collect: () => {
        gauge.reset();
        for (const [functionName, load] of Object.entries(this.#connector()?.loads() ?? {}))
          gauge.set({ function: functionName }, valueOf(load));
      },
    });
  }
}

async function withinLimit<T>(promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('late')), LAG_WITHIN_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

export interface MetricsServer {
  port: number;
  close: () => Promise<void>;
}

/**
 * Serves `/metrics`, `/healthz` (the process runs) and `/readyz` (it does its work, or says why not). Throws
 * `FaascamError` `port-taken` when the port cannot be opened. `unready` answers why, or undefined.
 */
export async function serveMetrics(
  { registry }: ConnectorMetrics,
  unready: () => string | undefined,
  { host, port }: { host: string; port: number },
): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    const answer = (status: number, text: string, type = 'text/plain; charset=utf-8'): void => {
      response.writeHead(status, { 'content-type': type });
      response.end(request.method === 'HEAD' ? undefined : text);
    };
    const path = request.url?.split('?', 1)[0];
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      answer(405, 'GET only\n');
    } else if (path === '/healthz') {
      answer(200, 'ok\n');
    } else if (path === '/readyz') {
      const reason = unready();
      answer(reason === undefined ? 200 : 503, `${reason ?? 'ready'}\n`);
    } else if (path === '/metrics') {
      registry.metrics().then(
        (text) => answer(200, text, registry.contentType),
        (error: unknown) => answer(500, `${messageOf(error)}\n`),
      );
    } else {
      answer(404, 'There are /metrics, /healthz and /readyz.\n');
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(
        new FaascamError(
          'port-taken',
          `The port ${port} on ${host} for metrics cannot be opened (${messageOf(cause)}): choose another METRICS_PORT.`,
          { cause },
        ),
      ),
    );
    server.listen(port, host, resolve);
  });
  const address = server.address();
  return {
    port: address !== null && typeof address === 'object' ? address.port : port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
