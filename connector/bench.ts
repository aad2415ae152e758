import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { createLogger } from '@faascam/core/log';
import { connectNats } from '@faascam/core/messaging';
import { startNatsServer } from '@faascam/core/nats-server';
import { runConnector } from './connector.ts';

export interface ConnectorBench {
  /** Calls a second through NATS and the connector. */
  connectorPerSecond: number;
  /** The same calls by a plain HTTP loop, which is what the machine can do. */
  plainPerSecond: number;
  /** Publish to handler, one message at a time on an idle connector, in ms. */
  latencyMs: { p50: number; p95: number; max: number };
}

export interface ConnectorBenchOptions {
  /** How long each handler takes; default 20. */
  handlerMs?: number;
  /** Calls at the same time, one a camera; default 32. */
  inFlight?: number;
  /** Messages of each run; default 4000. */
  messages?: number;
  /** Of a message; default 50 000, a JPEG's size. */
  bodyBytes?: number;
}

/**
 * How many calls a second the connector makes of a handler that takes `handlerMs`, with a camera for each call in
 * flight, and how late an idle connector is. Starts a NATS server of its own and takes some 30 s.
 */
export async function benchConnector(options: ConnectorBenchOptions = {}): Promise<ConnectorBench> {
  const { handlerMs = 20, inFlight = 32, messages = 4000, bodyBytes = 50_000 } = options;
  const directory = await mkdtemp(join(tmpdir(), 'connector-bench-'));
  const nats = await startNatsServer({ directory });
  const messaging = await connectNats(nats.url, 'bench');
  const over = new AbortController();
  let handled = 0;
  let arrived: (() => void) | undefined;
  const functions = JSON.stringify([{ name: 'bench', annotations: { topic: 'frames.*' } }]);
  const gateway = createServer((request, response) => {
    if (request.url === '/system/functions') {
      response.end(functions);
      return;
    }
    request.resume().once('end', () => {
      arrived?.();
      setTimeout(() => {
        handled += 1;
        response.end();
      }, handlerMs);
    });
  });
  try {
    const port = await new Promise<number>((resolve) => {
      gateway.listen(0, '127.0.0.1', () => {
        const address = gateway.address();
        resolve(address !== null && typeof address === 'object' ? address.port : 0);
      });
    });
    const gatewayUrl = `http://127.0.0.1:${port}`;
    const log = createLogger('bench').child({}, { level: 'warn' });
    const connector = runConnector({
      gatewayUrl,
      messaging,
      log,
      signal: over.signal,
      freshness: 'ordered',
      maxConcurrent: inFlight,
    });
    await connector.ready;
    const body = Buffer.alloc(bodyBytes, 7);
    const handledAll = async (count: number): Promise<void> => {
      while (handled < count) await sleep(2);
    };

    const latencies: number[] = [];
    for (let n = 0; n < 100; n++) {
      const received = new Promise<number>((resolve) => (arrived = () => resolve(performance.now())));
      const sentMs = performance.now();
      await messaging.js.publish('frames.camera0', body);
      latencies.push((await received) - sentMs);
      await handledAll(n + 1);
    }
    arrived = undefined;
    latencies.sort((a, b) => a - b);

    handled = 0;
    const startedMs = performance.now();
    // No further ahead than the stream's 256 MB, which drops the oldest above that.
    const mostAhead = Math.min(2000, Math.floor(100_000_000 / bodyBytes));
    for (let n = 0; n < messages; n += inFlight) {
      while (n - handled > mostAhead) await sleep(2);
      const batch = Array.from({ length: Math.min(inFlight, messages - n) }, (_, camera) =>
        messaging.js.publish(`frames.camera${camera}`, body),
      );
      await Promise.all(batch);
    }
    await handledAll(messages);
    const connectorPerSecond = (messages * 1000) / (performance.now() - startedMs);
    over.abort();
    await connector.done;

    const plainPerSecond = await plainLoop(gatewayUrl, body, { inFlight, messages });
    return { connectorPerSecond, plainPerSecond, latencyMs: quantiles(latencies) };
  } finally {
    over.abort();
    await messaging.nc.close();
    await nats.stop();
    gateway.closeAllConnections();
    gateway.close();
    await rm(directory, { recursive: true, force: true });
  }
}

async function plainLoop(
  gatewayUrl: string,
  body: Buffer,
  { inFlight, messages }: { inFlight: number; messages: number },
): Promise<number> {
  const pool = new Pool(gatewayUrl);
  let left = messages;
  const startedMs = performance.now();
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const answer = await pool.request({ path: '/function/bench', method: 'POST', body });
      await answer.body.dump();
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const elapsedMs = performance.now() - startedMs;
  await pool.destroy();
  return (messages * 1000) / elapsedMs;
}

function quantiles(sorted: readonly number[]): ConnectorBench['latencyMs'] {
  const at = (fraction: number): number => sorted[Math.floor(fraction * (sorted.length - 1))] ?? 0;
  return { p50: at(0.5), p95: at(0.95), max: at(1) };
}
