import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { z } from 'zod';
import { messageOf, UsageError } from '@faascam/core/errors';
import { createLogger } from '@faascam/core/log';
import { connectNats } from '@faascam/core/messaging';
import { natsAccessFromEnv } from '@faascam/core/nats-access';
import { natsUsers } from '@faascam/core/nats-users';
import { redact } from '@faascam/core/redact';
import { runConnector } from './connector.ts';
import type { BasicAuth } from './function-list.ts';

/**
 * The connector as a process. SIGTERM, or the end of a parent that opened an IPC channel, ends it after the calls in
 * flight; a parent is told `{ "ready": true }` when every topic has its consumer, or `{ "failed": why }`.
 */
const log = createLogger('connector');

/** Settings, named as OpenFaaS's own connectors name theirs where they have them. */
const settings = z.object({
  /** The gateway's address. */
  gateway_url: z.url({ protocol: /^https?$/ }).default('http://127.0.0.1:8080'),
  /** `true` when the gateway asks for a login to list its functions. */
  basic_auth: z.stringbool().default(false),
  /** Folder with the files basic-auth-user and basic-auth-password. */
  secret_mount_path: z.string().default('/var/secrets'),
  /** `ordered` for replays: no frame is dropped. */
  FAASCAM_FRESHNESS: z.enum(['newest', 'ordered']).default('newest'),
  /** How often the gateway is asked for its functions, in ms. */
  REFRESH_MS: z.coerce.number().int().min(200).max(600_000).default(5000),
  /** Calls of one function at the same time. */
  MAX_CONCURRENT: z.coerce.number().int().min(1).max(1000).default(32),
  /** How long calls in flight may take after SIGTERM, in ms. */
  DRAIN_MS: z.coerce.number().int().min(0).max(600_000).default(15_000),
});

try {
  const parsed = settings.safeParse(process.env);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new UsageError(
      'bad-setting',
      `Environment variable ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`,
    );
  }
  const given = parsed.data;
  const basicAuth = given.basic_auth ? readBasicAuth(given.secret_mount_path) : undefined;
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

  const leave = (): never => process.exit(0);
  over.signal.addEventListener('abort', leave);
  const late = setTimeout(
    () => log.warn({ nats: redact(nats.url) }, 'NATS does not answer; waiting for it'),
    5000,
  );
  const messaging = await connectNats(nats, 'faascam connector', { waitOnFirstConnect: true });
  clearTimeout(late);
  over.signal.removeEventListener('abort', leave);
  const connector = runConnector({
    gatewayUrl: given.gateway_url,
    messaging,
    log,
    signal: over.signal,
    freshness: given.FAASCAM_FRESHNESS,
    refreshMs: given.REFRESH_MS,
    maxConcurrent: given.MAX_CONCURRENT,
    drainMs: given.DRAIN_MS,
    ...(basicAuth ? { basicAuth } : {}),
  });
  void connector.ready.then(() => {
    log.info('every topic has its consumer');
    process.send?.({ ready: true });
  });
  await connector.done;
  await messaging.nc.close();
  process.exit(0);
} catch (error) {
  const code = error instanceof UsageError ? 2 : 1;
  const failed = redact(messageOf(error));
  log.fatal(failed);
  if (process.send) process.send({ failed }, () => process.exit(code));
  else process.exit(code);
}

function readBasicAuth(folder: string): BasicAuth {
  const read = (name: string): string => {
    try {
      return readFileSync(join(folder, name), 'utf8').trim();
    } catch (cause) {
      throw new UsageError(
        'secret-missing',
        `The file ${join(folder, name)} cannot be read: mount the secret.`,
        {
          cause,
        },
      );
    }
  };
  return { user: read('basic-auth-user'), password: read('basic-auth-password') };
}
