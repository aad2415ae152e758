import process from 'node:process';
import { systemClock } from '@faascam/core/clock';
import { messageOf, UsageError } from '@faascam/core/errors';
import { createLogger } from '@faascam/core/log';
import { connectNats, type Messaging } from '@faascam/core/messaging';
import { type NatsAccess, natsAccessFromEnv } from '@faascam/core/nats-access';
import { natsUsers } from '@faascam/core/nats-users';
import { redact } from '@faascam/core/redact';
import { type Connector, runConnector } from './connector.ts';
import { ConnectorMetrics, serveMetrics } from './metrics.ts';
import { basicAuthIn, certificatesIn, connectorSettingsFrom } from './settings.ts';

/**
 * The connector as a process. SIGTERM, or the end of a parent that opened an IPC channel, ends it after the calls in
 * flight; a parent is told `{ "ready": true }` when every topic has its consumer, or `{ "failed": why }`.
 */
const log = createLogger('connector');
const CONNECT_AGAIN_MS = 1000;

try {
  const given = connectorSettingsFrom(process.env);
  const basicAuth = (): ReturnType<typeof basicAuthIn> => basicAuthIn(given.secret_mount_path);
  if (given.basic_auth) basicAuth();
  const gatewayCa = given.gateway_ca_file === '' ? undefined : certificatesIn(given.gateway_ca_file);
  const nats = natsAccessFromEnv(natsUsers.connector, process.env, given.secret_mount_path);
  const over = new AbortController();
  const stop = (reason: string): void => {
    if (over.signal.aborted) return;
    log.info({ reason }, 'stopping');
    over.abort(new Error(reason));
  };
  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('SIGINT', () => {
    // Ctrl-C reaches the whole process group; under a parent it is the parent's to say when we stop.
    if (!process.connected) stop('SIGINT');
  });
  process.on('disconnect', () => stop('the parent process is gone'));

  const parts: { connector?: Connector } = {};
  let unready = (): string | undefined => 'NATS does not answer yet';
  const metrics = new ConnectorMetrics(() => parts.connector);
  const server =
    given.METRICS_PORT === 0
      ? undefined
      : await serveMetrics(metrics, () => unready(), { host: given.METRICS_HOST, port: given.METRICS_PORT });

  const leave = (): never => process.exit(0);
  over.signal.addEventListener('abort', leave);
  const messaging = await connect(nats, (sentence) => {
    unready = () => sentence;
    log.warn(`${sentence} Trying again until it works.`);
  });
  over.signal.removeEventListener('abort', leave);
  unready = () => 'the gateway has not listed its functions yet, or they have no consumers yet';
  const connector = runConnector({
    gatewayUrl: given.gateway_url,
    messaging,
    log,
    signal: over.signal,
    freshness: given.FAASCAM_FRESHNESS,
    refreshMs: given.REFRESH_MS,
    maxConcurrent: given.MAX_CONCURRENT,
    drainMs: given.DRAIN_MS,
    ...(given.basic_auth ? { basicAuth } : {}),
    ...(gatewayCa === undefined ? {} : { gatewayCa }),
    ...(given.REPLICA_NAME === undefined ? {} : { replica: given.REPLICA_NAME }),
    ...(server ? { observer: metrics } : {}),
  });
  parts.connector = connector;
  void connector.ready.then(() => {
    log.info('every topic has its consumer');
    unready = () => (messaging.isConnected() ? undefined : 'NATS cannot be reached');
    process.send?.({ ready: true });
  });
  await connector.done;
  await server?.close();
  await messaging.nc.close();
  process.exit(0);
} catch (error) {
  const code = error instanceof UsageError ? 2 : 1;
  const failed = redact(messageOf(error));
  log.fatal(failed);
  if (process.send) process.send({ failed }, () => process.exit(code));
  else process.exit(code);
}

/** Tries until NATS lets us in, and tells each new reason why it does not. Throws `UsageError`. */
async function connect(nats: NatsAccess, tell: (sentence: string) => void): Promise<Messaging> {
  for (let told = ''; ;) {
    try {
      return await connectNats(nats, 'faascam connector');
    } catch (error) {
      if (error instanceof UsageError) throw error;
      const sentence = redact(messageOf(error));
      if (sentence !== told) tell(sentence);
      told = sentence;
    }
    await systemClock.sleep(CONNECT_AGAIN_MS);
  }
}
