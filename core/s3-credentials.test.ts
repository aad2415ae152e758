import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { S3Credentials } from './s3-credentials.ts';
import { storeSettings, type S3Settings } from './store-settings.ts';

let folder: string;
const path = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'faascam-keys-'));
  for (const name of ['access', 'secret', 'token']) await writeFile(path(name), `${name}-1\n`);
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

function settings(values: Partial<S3Settings> = {}): S3Settings {
  const parsed = storeSettings.parse({
    ...{ kind: 's3', endpoint: 'https://s3.example.org', bucket: 'clips' },
    ...{ accessKeyFile: path('access'), secretKeyFile: path('secret'), sessionTokenFile: path('token') },
    ...values,
  });
  if (parsed.kind !== 's3') throw new TypeError('not S3');
  return parsed;
}

test('keys are read again when their files change, and the last ones count while a file is away', async () => {
  const credentials = new S3Credentials(settings(), {});
  expect(credentials.get()).toEqual({
    accessKey: 'access-1',
    secretKey: 'secret-1',
    sessionToken: 'token-1',
  });
  await rename(path('token'), path('token.old'));
  expect(credentials.get()).toMatchObject({ sessionToken: 'token-1' });
  expect(credentials.version).toBe(0);
  await writeFile(path('token'), 'token-2');
  expect(credentials.get()).toMatchObject({ accessKey: 'access-1', sessionToken: 'token-2' });
  expect(credentials.version).toBe(1);
  // Written anew with the same content: nothing to try again with.
  await writeFile(path('token'), 'token-2');
  credentials.refresh();
  expect(credentials.version).toBe(1);
});

test('a file that is not there at the start is an error that names it', () => {
  const none = settings({ sessionTokenFile: path('none') });
  expect(() => new S3Credentials(none, { AWS_ACCESS_KEY_ID: 'A', AWS_SECRET_ACCESS_KEY: 'B' })).toThrow(
    /none/,
  );
});
