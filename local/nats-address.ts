import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '@faascam/core/config';
import { isMissing } from '@faascam/core/durable-file';
import { natsAccessFromEnv, type NatsAccess } from '@faascam/core/nats-access';
import { natsUsers } from '@faascam/core/nats-users';

/** Where `faascam up` says, as long as it runs, at which address its NATS server is: only its user may read it. */
export function natsUrlFile(data: string): string {
  return join(data, 'nats.url');
}

/**
 * The way to the NATS server of the config, or to that of the `faascam up` that runs in its data folder, for a command
 * that looks at what is there; undefined if there is none. Keys in the environment count before those of the config, which on
 * an agent's host are the agent's.
 */
export async function natsReaderOf(
  { nats, data }: Config,
  env = process.env,
  user: string = natsUsers.reader,
): Promise<NatsAccess | undefined> {
  const url = nats.url === '' ? await urlOfRunning(data) : nats.url;
  if (url === undefined) return undefined;
  const given = Object.entries(natsAccessFromEnv(user, env)).filter(([, value]) => value !== '');
  return { ...nats, ...Object.fromEntries(given), url };
}

async function urlOfRunning(data: string): Promise<string | undefined> {
  try {
    const text = await readFile(natsUrlFile(data), 'utf8');
    return text.trim() === '' ? undefined : text.trim();
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
