import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { headers as natsHeaders } from '@nats-io/transport-node';
import pino from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { connectNats, type Messaging } from '@faascam/core/messaging';
import { type NatsServer, startNatsServer } from '@faascam/core/nats-server';
import { type Connector, type ConnectorOptions, runConnector } from './connector.ts';
import { ConnectorMetrics, type MetricsServer, serveMetrics } from './metrics.ts';
import { RecordingGateway } from './testing/recording-gateway.ts';

const WAIT = { timeout: 20_000, interval: 20 };
const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

let directory: string;
let server: NatsServer;
let messaging: Messaging;
const ends: (() => Promise<void>)[] = [];
let logged = '';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'connector-observed-'));
  server = await startNatsServer({ directory });
  messaging = await connectNats(server.url, 'test');
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  logged = '';
  for await (const { config } of messaging.jsm.streams.list())
    await messaging.jsm.streams.delete(config.name);
});
afterAll(async () => {
  await messaging.nc.close();
  await server.stop();
  await rm(directory, { recursive: true, force: true });
});

async function connect(
  gateway: RecordingGateway,
  options: Partial<ConnectorOptions> = {},
): Promise<Connector> {
  const over = new AbortController();
  const connector = runConnector({
    gatewayUrl: gateway.url,
    messaging,
    log: pino({ level: 'trace' }, { write: (line: string) => void (logged += line) }),
    signal: over.signal,
    freshness: 'newest',
    refreshMs: 100,
    ...options,
  });
  ends.push(async () => {
    over.abort();
    await connector.done;
  });
  await connector.ready;
  return connector;
}

async function opened(gateway: RecordingGateway): Promise<RecordingGateway> {
  await gateway.open();
  ends.push(() => gateway.close());
  return gateway;
}

describe('what the connector tells', () => {
  it('never holds the body of a message, whatever becomes of it', async () => {
    const gateway = await opened(
      new RecordingGateway({ events: 'detections.*', motion: 'frames.*' }, (call, nth) =>
        Promise.resolve(call.topic === 'detections.bad' ? 400 : nth % 2 === 1 ? 500 : 200),
      ),
    );
    const connector = await connect(gateway);
    const body = JSON.stringify({ secret: 'MARKED-BODY' });
    await messaging.js.publish('detections.bad', body);
    await messaging.js.publish('detections.good', body);
    for (let n = 0; n < 5; n++) await messaging.js.publish('frames.a', body);
    await vi.waitFor(() => {
      const { events, motion } = connector.stats();
      expect(events).toMatchObject({ delivered: 1, parked: 1 });
      expect((motion?.delivered ?? 0) + (motion?.dropped ?? 0)).toBe(5);
    }, WAIT);
    for (const end of ends.splice(0).reverse()) await end();
    expect(logged).toContain('put into the dead letters');
    expect(logged).toContain('messages so far');
    expect(logged).not.toContain('MARKED');
  });

  it('passes the trace of a message on, makes one where there is none, and keeps it over retries', async () => {
    const gateway = await opened(
      new RecordingGateway({ events: 'detections.*' }, (_call, nth) => Promise.resolve(nth <= 2 ? 500 : 200)),
    );
    await connect(gateway);
    await messaging.js.publish('detections.a', '1');
    await vi.waitFor(() => expect(gateway.calls).toHaveLength(3), WAIT);
    const [first, ...again] = gateway.calls.map(({ headers }) => headers['traceparent']);
    expect(first).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
    expect(again).toEqual([first, first]);
    const traced = natsHeaders();
    traced.set('traceparent', TRACE);
    traced.set('tracestate', 'vendor=1');
    await messaging.js.publish('detections.a', '2', { headers: traced });
    await vi.waitFor(
      () => expect(gateway.calls[3]?.headers).toMatchObject({ traceparent: TRACE, tracestate: 'vendor=1' }),
      WAIT,
    );
  });

  it('is counted for Prometheus: calls, messages, latency, what is in flight, lag and leases', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const gateway = await opened(
      new RecordingGateway({ events: 'detections.*' }, async ({ body }) => {
        if (body.toString() === 'slow') await held;
        return body.toString() === 'bad' ? 422 : 200;
      }),
    );
    const parts: { connector?: Connector; unready?: string } = { unready: 'not yet' };
    const metrics = new ConnectorMetrics(() => parts.connector);
    const served: MetricsServer = await serveMetrics(metrics, () => parts.unready, {
      host: '127.0.0.1',
      port: 0,
    });
    ends.push(() => served.close());
    const ask = async (path: string): Promise<[number, string]> => {
      const answer = await fetch(`http://127.0.0.1:${served.port}${path}`);
      return [answer.status, await answer.text()];
    };
    expect(await ask('/healthz')).toEqual([200, 'ok\n']);
    expect(await ask('/readyz')).toEqual([503, 'not yet\n']);
    parts.connector = await connect(gateway, { observer: metrics });
    delete parts.unready;
    expect(await ask('/readyz')).toEqual([200, 'ready\n']);
    await messaging.js.publish('detections.a', 'good');
    await messaging.js.publish('detections.a', 'bad');
    await messaging.js.publish('detections.a', 'slow');
    await messaging.js.publish('detections.a', 'waits');
    await vi.waitFor(() => expect(gateway.calls).toHaveLength(3), WAIT);
    await vi.waitFor(async () => {
      const [, text] = await ask('/metrics');
      for (const line of [
        'faascam_connector_calls_total{function="events",outcome="200"} 1',
        'faascam_connector_calls_total{function="events",outcome="422"} 1',
        'faascam_connector_messages_total{function="events",what="delivered"} 1',
        'faascam_connector_messages_total{function="events",what="parked"} 1',
        'faascam_connector_delivery_seconds_count{function="events"} 1',
        'faascam_connector_in_flight{function="events"} 1',
        'faascam_connector_waiting{function="events"} 1',
        'faascam_connector_lease_held{function="events"} 1',
        'faascam_connector_replicas 1',
      ]) {
        expect(text).toContain(`${line}\n`);
      }
      expect(text).toMatch(
        /consumer_lag\{function="events",consumer="events-detections_-[0-9a-f]+",state="pending"\} 0/,
      );
      expect(text).toMatch(/state="unsettled"\} 2/);
    }, WAIT);
    release();
    await vi.waitFor(
      () => expect(parts.connector?.stats()).toMatchObject({ events: { delivered: 3 } }),
      WAIT,
    );
  });
});
