import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '@faascam/core/errors';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { sharedOf, shareSecretFromEnv, shareTokenOf } from './share-link.ts';

const shared = { id: 'yard-20260304t050607-000089', expiresS: 1_800_000_000 };
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-share-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

it('a token tells what it was made of, to whoever has the secret alone', () => {
  const secret = Buffer.from('0123456789abcdef');
  const token = shareTokenOf(shared, secret);
  expect(token).toMatch(/^[A-Za-z0-9._-]+$/);
  expect(sharedOf(token, secret)).toEqual(shared);
  expect(sharedOf(token, Buffer.from('0123456789abcdeg'))).toBeUndefined();
  for (let place = 0; place < token.length; place += 1) {
    const forged = `${token.slice(0, place)}${token[place] === '1' ? '2' : '1'}${token.slice(place + 1)}`;
    expect(sharedOf(forged, secret), forged).toBeUndefined();
  }
});

it('the secret is made once and kept for its owner alone, unless one was given', async () => {
  const mounted = join(directory, 'secrets', 'viewer-share-secret');
  const env = { FAASCAM_DATA: join(directory, 'data') };
  const secrets = await Promise.all([1, 2, 3].map(async () => await shareSecretFromEnv(env, mounted)));
  expect(new Set(secrets.map((secret) => secret.toString('hex'))).size).toBe(1);
  expect(secrets[0]?.length).toBe(64);
  const file = join(directory, 'data', 'viewer-share-secret');
  expect((await stat(file)).mode & 0o777).toBe(0o600);

  await mkdir(join(directory, 'secrets'));
  await writeFile(mounted, 'a secret of the site\n');
  expect(String(await shareSecretFromEnv(env, mounted))).toBe('a secret of the site');
  const named = { ...env, FAASCAM_SHARE_SECRET_FILE: join(directory, 'short') };
  await expect(shareSecretFromEnv(named, mounted)).rejects.toThrow(UsageError);
  await writeFile(named.FAASCAM_SHARE_SECRET_FILE, 'short');
  await expect(shareSecretFromEnv(named, mounted)).rejects.toThrow(/shorter than 16/);
});
