import { jetstream, jetstreamManager, type JetStreamClient, type JetStreamManager } from '@nats-io/jetstream';
import { connect, type ConnectionOptions, type NatsConnection } from '@nats-io/transport-node';
import { FaascamError, messageOf } from './errors.ts';
import { redact } from './redact.ts';
import { streams } from './subjects.ts';

const SECOND_NS = 1_000_000_000;
const MEGABYTE = 1024 * 1024;

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
 * Connects to NATS and never gives up once connected. `name` shows in the server's list of connections.
 * Throws `FaascamError` `nats-unreachable` or `nats-denied` when the first connection fails.
 * The caller drains or closes `nc`.
 */
export async function connectNats(
  url: string,
  name: string,
  options?: ConnectionOptions,
): Promise<Messaging> {
  let nc: NatsConnection;
  const { servers, user, pass } = serverOf(url);
  try {
    nc = await connect({
      servers,
      name,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 500,
      ...(user === undefined ? {} : { user, pass: pass ?? '' }),
      ...options,
    });
  } catch (cause) {
    const denied = /authorization|authentication/i.test(messageOf(cause));
    throw new FaascamError(
      denied ? 'nats-denied' : 'nats-unreachable',
      denied
        ? `NATS at ${redact(url)} refused the login: check the user and password in the NATS address.`
        : `No NATS server answers at ${redact(url)}: check the address and that nats-server is running.`,
      { cause },
    );
  }
  return {
    nc,
    js: jetstream(nc),
    jsm: await jetstreamManager(nc, { checkAPI: false }),
    isConnected: connectionOf(nc),
  };
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

function serverOf(url: string): { servers: string; user?: string; pass?: string } {
  if (!/^\w+:\/\/[^/]*@/.test(url)) return { servers: url };
  const parsed = new URL(url);
  const user = decodeURIComponent(parsed.username);
  const pass = decodeURIComponent(parsed.password);
  parsed.username = '';
  parsed.password = '';
  return { servers: parsed.toString(), user, pass };
}

/** Every stream of faascam. Only keys that nats-server 2.9 knows; duplicates are refused for two minutes. */
export const streamConfigs = [
  stream(streams.frames, ['frames.*'], 'memory', 60, 256),
  stream(streams.motion, ['motion.*'], 'memory', 60, 256),
  stream(streams.detections, ['detections.*'], 'file', 3600, 256),
  stream(streams.events, ['events.*'], 'file', 30 * 86_400, 1024),
  stream(streams.clips, ['clips.wanted.*', 'clips.ready.*', 'clips.stored.*'], 'file', 7 * 86_400, 1024),
];

function stream(
  name: string,
  subjects: string[],
  storage: 'memory' | 'file',
  maxAgeSeconds: number,
  maxMegabytes: number,
) {
  return {
    name,
    subjects,
    storage,
    max_age: maxAgeSeconds * SECOND_NS,
    max_bytes: maxMegabytes * MEGABYTE,
    discard: 'old',
    duplicate_window: Math.min(120, maxAgeSeconds) * SECOND_NS,
  } as const;
}

/** Makes the streams that do not exist yet. Safe to call from every part at the same time. */
export async function ensureStreams(jsm: JetStreamManager): Promise<void> {
  for (const config of streamConfigs) {
    try {
      await jsm.streams.info(config.name);
    } catch {
      await jsm.streams.add(config);
    }
  }
}
