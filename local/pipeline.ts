import { setTimeout as wait } from 'node:timers/promises';
import type { Config } from '@faascam/core/config';
import { FaascamError } from '@faascam/core/errors';
import { createLogger, type Logger } from '@faascam/core/log';
import { connectNats, ensureStreams, type Messaging } from '@faascam/core/messaging';
import { natsEnvironment, type NatsSettings } from '@faascam/core/nats-access';
import { startNatsServer } from '@faascam/core/nats-server';
import { freePort } from '@faascam/core/ports';
import { streams } from '@faascam/core/subjects';
import { z } from 'zod';
import { startChild } from './child.ts';
import { hasUsersFile, isLoopback } from './listening.ts';
import { liveSecretFile } from './live-secret.ts';
import { modelDirectoryOf } from './model-choice.ts';
import { supervise, type Part } from './supervise.ts';

/** Everything between the agent and the clips: NATS, the gateway with its functions, and the connector. */
export interface Pipeline {
  messaging: Messaging;
  nats: NatsSettings;
  gatewayUrl: string;
  pageUrl: string;
  /** Rejects when a part ends by itself, unless parts are kept running. */
  failed: Promise<never>;
  /** Ends the parts in order: connector, functions, NATS. */
  stop(): Promise<void>;
}

export interface PipelineOptions {
  config: Config;
  /** Where the own NATS server keeps its files. */
  natsDirectory: string;
  /** `newest` drops old frames when the functions are slower than the cameras; `ordered` never drops. */
  freshness: 'newest' | 'ordered';
  /** The gateway's and page's port; 0 for any. */
  port: number;
  /** Start a part again when it ends by itself; otherwise its end is the pipeline's. */
  keepRunning: boolean;
}

const DRAIN_LIMIT_MS = 20_000;

export async function startPipeline(options: PipelineOptions): Promise<Pipeline> {
  const { config } = options;
  const log = createLogger('faascam');
  const ends: (() => Promise<void>)[] = [];
  let stopping = false;
  let fail: (error: Error) => void = () => undefined;
  const failed = new Promise<never>((_resolve, reject) => {
    fail = reject;
  });
  failed.catch(() => undefined);

  const keep = async <T extends Part>(start: () => Promise<T>): Promise<T> => {
    let first: T | undefined;
    const begin = async (): Promise<T> => (first = await start());
    if (options.keepRunning) {
      const supervised = await supervise(begin, log);
      ends.push(() => supervised.stop(DRAIN_LIMIT_MS));
    } else {
      const part = await begin();
      ends.push(() => part.stop(DRAIN_LIMIT_MS));
      void part.ended.then((sentence) => {
        if (!stopping) fail(new FaascamError('part-failed', `${sentence}; faascam cannot go on without it.`));
      });
    }
    if (first === undefined) throw new TypeError('a part that has started is there');
    return first;
  };
  const stop = async (): Promise<void> => {
    stopping = true;
    for (const end of ends.reverse().splice(0)) await end();
  };

  try {
    let { nats } = config;
    if (nats.url === '') {
      const port = await freePort();
      const server = await keep(() => startNatsServer({ directory: options.natsDirectory, port }));
      nats = { ...nats, url: server.url };
    }
    const messaging = await connectNats(nats, 'faascam local');
    ends.push(() => messaging.nc.close());
    await ensureStreams(messaging.jsm);

    const port = options.port === 0 ? await freePort(config.page.host) : options.port;
    const pageUrl = `http://${config.page.host}:${port}`;
    // Who is to log in may not go around that by calling functions; the connector calls them from this host.
    const guarded = !isLoopback(config.page.host) || (await hasUsersFile(config));
    const own = guarded ? { host: '127.0.0.1', port: await freePort() } : { host: config.page.host, port };
    const gatewayUrl = `http://${own.host}:${own.port}`;
    const gateway = await keep(() =>
      startChild('gateway', new URL('./gateway/main.js', import.meta.url), {
        ...functionEnv(config, nats),
        FAASCAM_STACK: new URL('../../stack.yml', import.meta.url).pathname,
        GATEWAY_HOST: own.host,
        GATEWAY_PORT: String(own.port),
        ...(guarded ? { GATEWAY_PAGE_HOST: config.page.host, GATEWAY_PAGE_PORT: String(port) } : {}),
      }),
    );
    requireFunctions(gateway.said, options.keepRunning, log);
    await keep(() =>
      startChild('connector', new URL(import.meta.resolve('@faascam/connector/main')), {
        ...natsEnvironment(nats),
        gateway_url: gatewayUrl,
        FAASCAM_FRESHNESS: options.freshness,
        ...replicaName(config),
      }),
    );
    return {
      messaging,
      nats,
      gatewayUrl,
      pageUrl,
      failed,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * A name for the connector on a NATS server of our own, where it is the only one: started again after a crash, it need not
 * wait whether the one before lives. A server that others may use can have other connectors, which it must not put out.
 */
export function replicaName({ nats }: Pick<Config, 'nats'>): Record<string, string> {
  return nats.url === '' ? { REPLICA_NAME: 'local' } : {};
}

const notReady = z.object({
  notReady: z.array(z.object({ name: z.string(), cause: z.string().optional() })),
});

/** Tells which functions are not ready, and why; unless they may still become so, that is an error. */
function requireFunctions(said: unknown, patient: boolean, log: Logger): void {
  const waiting = notReady.safeParse(said).data?.notReady ?? [];
  const sentences = waiting.map(
    ({ name, cause }) => `The function ${name} is not ready: ${cause ?? 'no reason told'}`,
  );
  if (sentences.length > 0 && !patient) throw new FaascamError('part-failed', sentences.join(' '));
  for (const sentence of sentences) log.warn(sentence);
}

/** The functions' settings as environment variables, exactly as stack.yml takes them from a shell. */
function functionEnv(config: Config, nats: NatsSettings): Record<string, string> {
  return {
    ...natsEnvironment(nats),
    FAASCAM_DATA: config.data,
    FAASCAM_MOTION: JSON.stringify(config.motion),
    FAASCAM_DETECT: JSON.stringify({ ...config.detect, modelDirectory: modelDirectoryOf(config) }),
    FAASCAM_EVENTS: JSON.stringify(config.events),
    FAASCAM_CLIP: JSON.stringify(config.clip),
    FAASCAM_STORE: JSON.stringify(config.store),
    LIVE_SECRET_FILE: liveSecretFile(config.data),
    FAASCAM_LOGIN: JSON.stringify(config.page.login),
    FAASCAM_VIEWER_OPEN: openTo(config.page),
    FAASCAM_NOTIFY: JSON.stringify(config.notify),
  };
}

/** Whom the page lets in while it has no users: whoever reaches it, or this host alone. */
function openTo({ host, open }: Config['page']): string {
  return open ? '1' : isLoopback(host) ? 'loopback' : '';
}

/**
 * Resolves once every message on the way from a frame to a clip is dealt with. Aborting the signal ends the wait
 * with the signal's reason.
 */
export async function drained({ jsm }: Messaging, signal: AbortSignal): Promise<void> {
  // From the front to the back: what a function has answered is already published further down.
  for (const stream of [streams.frames, streams.motion, streams.detections, streams.clips]) {
    for (let busy = true; busy;) {
      signal.throwIfAborted();
      busy = false;
      for await (const consumer of jsm.consumers.list(stream)) {
        if (consumer.num_pending > 0 || consumer.num_ack_pending > 0) busy = true;
      }
      if (busy) await wait(25, undefined, { signal });
    }
  }
}
