import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '@faascam/core/config';
import { isMissing } from '@faascam/core/durable-file';

/** Where `faascam up` says, as long as it runs, at which address its NATS server is: only its user may read it. */
export function natsUrlFile(data: string): string {
  return join(data, 'nats.url');
}

/** The NATS server of the config, or that of the `faascam up` that runs in its data folder; undefined if there is none. */
export async function natsUrlOf({ nats, data }: Config): Promise<string | undefined> {
  if (nats.url !== '') return nats.url;
  try {
    const text = await readFile(natsUrlFile(data), 'utf8');
    return text.trim() === '' ? undefined : text.trim();
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
