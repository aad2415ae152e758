import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { headers as natsHeaders } from '@nats-io/transport-node';
import { connectNats, type Messaging } from '@faascam/core/messaging';
import { startNatsServer } from '@faascam/core/nats-server';
import pino from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { runConnector, type Connector, type ConnectorOptions } from '../connector.ts';
import { RecordingGateway, type Answering } from './recording-gateway.ts';

/** For how long a test waits for what it expects. */
export const WAIT = { timeout: 20_000, interval: 20 };

/**
 * A NATS server for the tests of the file that calls it, and for each test connectors in this process with a gateway that
 * records. Streams, connectors and gateway are gone after the test.
 */
export function testConnectors() {
  let directory: string;
  let server: Awaited<ReturnType<typeof startNatsServer>>;
  let messaging: Messaging;
  let gateway: RecordingGateway | undefined;
  let logged: string[] = [];
  const running: { over: AbortController; connector: Connector }[] = [];

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'connector-'));
    server = await startNatsServer({ directory });
  });
  beforeEach(async () => {
    logged = [];
    messaging = await connectNats(server.url, 'test');
  });
  afterEach(async () => {
    await stop();
    await gateway?.close();
    gateway = undefined;
    for await (const { config } of messaging.jsm.streams.list())
      await messaging.jsm.streams.delete(config.name);
    await messaging.nc.close();
  });
  afterAll(async () => {
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  });

  /** Ends all connectors, once their calls in flight are finished. */
  async function stop(): Promise<void> {
    for (const { over, connector } of running.splice(0)) {
      over.abort();
      await connector.done;
    }
  }

  return {
    stop,
    /** The test's own connection. */
    messaging: () => messaging,
    /** What the connectors of this test have logged. */
    log: () => logged,
    openGateway: async (topics: Record<string, string>, answering?: Answering): Promise<RecordingGateway> => {
      gateway = await new RecordingGateway(topics, answering).open();
      return gateway;
    },
    /** A connector once it is ready. */
    connect: async (options: Partial<ConnectorOptions> = {}): Promise<Connector> => {
      const over = new AbortController();
      const connector = runConnector({
        gatewayUrl: gateway?.url ?? '',
        messaging,
        log: pino({ level: 'debug' }, { write: (line: string) => void logged.push(line) }),
        signal: over.signal,
        freshness: 'newest',
        refreshMs: 100,
        ...options,
      });
      running.push({ over, connector });
      await connector.ready;
      return connector;
    },
    publish: async (subject: string, body: string, headers: Record<string, string> = {}): Promise<void> => {
      const carried = natsHeaders();
      for (const [name, value] of Object.entries(headers)) carried.set(name, value);
      await messaging.js.publish(subject, body, { headers: carried });
    },
    /** Messages of a stream that wait for a consumer or for its answer. */
    unsettled: async (stream: string): Promise<number> => {
      let count = 0;
      for await (const { num_pending, num_ack_pending } of messaging.jsm.consumers.list(stream)) {
        count += num_pending + num_ack_pending;
      }
      return count;
    },
    restartNats: async (): Promise<void> => {
      const { port } = server;
      await server.stop();
      server = await startNatsServer({ directory, port });
    },
  };
}

/** A promise that a test resolves when it wants to. */
export function gate(): { opened: Promise<void>; open: () => void } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}
