import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@faascam/core/ports';
import { openS3Store, type S3Settings } from '@faascam/core/s3-store';
import { storeSettings } from '@faascam/core/store-settings';
import { openStore, type ObjectStore } from '@faascam/core/store';
import { storeContract } from '@faascam/core/store-contract';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeCertificate, type Certificate } from './certificates.ts';
import { s3Access } from './s3-access.ts';
import { s3SharedBucket } from './s3-bucket.ts';
import { s3Faults } from './s3-faults.ts';
import { s3ServerInstalled, startS3Server, type S3Server } from './s3.ts';

const installed = await s3ServerInstalled();
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'faascam-s3-store-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

describe.skipIf(!installed)('against Ceph’s S3 gateway', () => {
  let server: S3Server;
  let certificate: Certificate;

  beforeAll(async () => {
    certificate = await makeCertificate(folder);
    server = await startS3Server(certificate);
  });
  afterAll(async () => {
    await server.stop();
  });

  storeContract('the S3 store', async () => {
    const settings = await settingsFor(server, { bucket: 'contract', prefix: 'site-1/', createBucket: true });
    return { first: await openS3Store(settings), second: await openS3Store(settings) };
  });

  s3Faults(
    () => server,
    () => folder,
    settingsFor,
  );

  s3Access(
    () => server,
    () => certificate,
    settingsFor,
  );

  s3SharedBucket(
    () => server,
    () => folder,
    settingsFor,
  );

  test('a bucket that is not there is an error that names the settings to change', async () => {
    const failure = await failureOf(await settingsFor(server, { bucket: 'nowhere' }));
    expect(failure).toMatchObject({ code: 'store-failed' });
    expect(failure).toHaveProperty(
      'message',
      expect.stringMatching(/nowhere .*no such bucket.*createBucket/),
    );
  });

  test('wrong keys are an error that names the files they came from, and not the keys', async () => {
    for (const wrong of [{ accessKey: 'NOBODY' }, { secretKey: 'wrong-secret' }]) {
      const settings = await settingsFor({ ...server, ...wrong }, { bucket: 'contract' });
      const failure = await failureOf(settings);
      expect(failure).toMatchObject({ code: 'store-denied' });
      expect(failure).toHaveProperty('message', expect.stringContaining(settings.secretKeyFile));
      expect(String(failure)).not.toContain('wrong-secret');
      expect(String(failure)).not.toContain(server.secretKey);
    }
  });

  test('opening a bucket for the second time leaves it and its objects', async () => {
    const settings = await settingsFor(server, { bucket: 'contract', createBucket: true });
    const store = await openStore(settings, folder);
    await store.put('kept', Buffer.from('x'), { contentType: 'text/plain' });
    const again = await openStore(settings, folder);
    expect(await again.head('kept')).toMatchObject({ sizeBytes: 1 });
    await store.close();
    await again.close();
  });
});

test('a server that does not listen is an error that names the endpoint', async () => {
  const settings = await settingsFor({ endpoint: `http://127.0.0.1:${await freePort()}`, ...anyKeys });
  const failure = await failureOf(settings);
  expect(failure).toMatchObject({ code: 'store-unreachable' });
  expect(failure).toHaveProperty('message', expect.stringContaining(settings.endpoint));
});

test('a server that hangs up is unreachable too', async () => {
  const server = createServer((socket) => socket.destroy());
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const failure = await failureOf(await settingsFor({ endpoint: `http://127.0.0.1:${port}`, ...anyKeys }));
  expect(failure).toMatchObject({ code: 'store-unreachable' });
  await new Promise((resolve) => server.close(resolve));
});

test('a missing key file and an endpoint with a path are told before anything is sent', async () => {
  const settings = await settingsFor({ endpoint: 'http://127.0.0.1:9', ...anyKeys });
  await expect(openS3Store({ ...settings, secretKeyFile: join(folder, 'none') })).rejects.toThrow(/none/);
  await expect(openS3Store({ ...settings, endpoint: 'http://127.0.0.1:9/clips' })).rejects.toThrow(
    /endpoint/,
  );
});

const anyKeys = { accessKey: 'A', secretKey: 'B' };

async function settingsFor(
  server: Pick<S3Server, 'endpoint' | 'accessKey' | 'secretKey'>,
  values: Partial<S3Settings> = {},
): Promise<S3Settings> {
  const keys = await mkdtemp(join(folder, 'keys-'));
  await writeFile(join(keys, 'access'), `${server.accessKey}\n`);
  await writeFile(join(keys, 'secret'), `${server.secretKey}\n`);
  const settings = storeSettings.parse({
    kind: 's3',
    endpoint: server.endpoint,
    bucket: 'clips',
    accessKeyFile: join(keys, 'access'),
    secretKeyFile: join(keys, 'secret'),
    ...values,
  });
  if (settings.kind !== 's3') throw new TypeError('not S3');
  return settings;
}

/** What its check says of a store that cannot work. */
async function failureOf(settings: S3Settings): Promise<unknown> {
  let store: ObjectStore | undefined;
  try {
    store = await openS3Store(settings);
    await store.check();
    return undefined;
  } catch (error) {
    return error;
  } finally {
    await store?.close();
  }
}
