import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '@faascam/core/config';
import { isMissing } from '@faascam/core/durable-file';

/** Where the secret lies that agent and viewer share on one machine. */
export function liveSecretFile(data: string): string {
  return join(data, 'live-secret');
}

/** The config with a secret for live view: its own, or one that is made once and kept in the data folder. */
export async function withLiveSecret(config: Config): Promise<Config> {
  const path = liveSecretFile(config.data);
  await mkdir(config.data, { recursive: true });
  const kept = await textOf(path);
  const given = config.live.secret;
  const secret = given !== '' ? given : (kept ?? randomBytes(32).toString('base64url'));
  if (secret !== kept) await writeFile(path, `${secret}\n`, { mode: 0o600 });
  return { ...config, live: { ...config.live, secret } };
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    const text = (await readFile(path, 'utf8')).trim();
    return text === '' ? undefined : text;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
