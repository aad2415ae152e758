import { jetstream, jetstreamManager, type JetStreamClient, type JetStreamManager } from '@nats-io/jetstream';
import {
  AuthorizationError,
  connect,
  PermissionViolationError,
  type ConnectionOptions,
  type NatsConnection,
} from '@nats-io/transport-node';
import { createLogger } from './log.ts';
import { connectionOptions, type NatsAccess } from './nats-access.ts';
import { connectionError, refusal, violationSentence } from './nats-errors.ts';

export { ensureStreams, streamConfigs, type StreamToBe } from './messaging-streams.ts';

export interface Messaging {
  nc: NatsConnection;
  js: JetStreamClient;
  jsm: JetStreamManager;
  /**
   * Whether the server can be reached, as far as the client knows. While it cannot, the client keeps what is published in
   * memory, without any bound.
   */
  isConnected(): boolean;
}

/**
 * Connects to NATS and never gives up once connected. `name` shows in the server's list of connections. `to` is an
 * address, or all of the way there. Throws `FaascamError` `nats-unreachable`, `nats-denied` or `nats-certificate` when the
 * first connection fails, and `UsageError` for a file that cannot be used. The caller drains or closes `nc`.
 */
export async function connectNats(
  to: string | NatsAccess,
  name: string,
  options?: ConnectionOptions,
): Promise<Messaging> {
  const access = typeof to === 'string' ? { url: to } : to;
  let nc: NatsConnection;
  try {
    nc = await connect({
      ...connectionOptions(access),
      name,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 500,
      // A key that was taken away may come back, or another be put in its place.
      ignoreAuthErrorAbort: true,
      ...options,
    });
  } catch (cause) {
    throw connectionError(cause, access);
  }
  void tellRefusals(nc, access);
  return {
    nc,
    js: jetstream(nc),
    jsm: await jetstreamManager(nc, { checkAPI: false }),
    isConnected: connectionOf(nc),
  };
}

/** How long what is on its way may take. */
const DRAIN_LIMIT_MS = 5000;

/**
 * Closes the connection for good. What is on its way goes out first, for a few seconds at most; while the server is away that
 * would be waited for in vain. Never rejects.
 */
export async function closeNats(messaging: Messaging): Promise<void> {
  const { nc } = messaging;
  if (messaging.isConnected() && !nc.isDraining()) {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => (timer = setTimeout(resolve, DRAIN_LIMIT_MS)));
    await Promise.race([nc.drain(), limit]).catch(() => undefined);
    clearTimeout(timer);
  }
  await nc.close();
}

/** Logs what the server does not let us do, each thing once, until the connection is closed. */
async function tellRefusals(nc: NatsConnection, access: NatsAccess): Promise<void> {
  const told = new Set<string>();
  const tell = (sentence: string): void => {
    if (told.has(sentence) || told.size > 1000) return;
    told.add(sentence);
    createLogger('nats').error(sentence);
  };
  for await (const status of nc.status()) {
    if (status.type === 'reconnect') told.clear();
    if (status.type !== 'error') continue;
    const { error } = status;
    if (error instanceof PermissionViolationError) tell(violationSentence(error, access));
    else if (error instanceof AuthorizationError) {
      const sentence = refusal(error, access);
      if (sentence !== undefined) tell(sentence);
    }
  }
}

/** Tells whether the connection stands, until it is closed. */
function connectionOf(nc: NatsConnection): () => boolean {
  let connected = true;
  const watch = async (): Promise<void> => {
    for await (const { type } of nc.status()) {
      if (type === 'disconnect') connected = false;
      if (type === 'reconnect') connected = true;
    }
  };
  // It fails only with the connection itself, which whoever uses it is told.
  watch().catch(() => undefined);
  return () => connected && !nc.isClosed();
}
