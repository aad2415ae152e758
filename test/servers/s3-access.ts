import dns from 'node:dns';
import { createServer, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '@faascam/core/ports';
import { openS3Store, type S3Settings } from '@faascam/core/s3-store';
import type { ObjectStore } from '@faascam/core/store';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import type { Certificate } from './certificates.ts';
import { startFaultyProxy } from './faulty-proxy.ts';
import type { SettingsFor } from './s3-faults.ts';
import type { S3Server } from './s3.ts';

const text = { contentType: 'text/plain' };

/** How a store comes to its server: addresses, certificates, keys and rights. */
export function s3Access(
  server: () => S3Server,
  certificate: () => Certificate,
  settingsFor: SettingsFor,
): void {
  describe('the way to a bucket', () => {
    afterEach(() => {
      vi.useRealTimers();
      vi.restoreAllMocks();
    });

    /** Settings with keys that may do no more than these statements say. */
    async function temporary(statement: unknown, given: Partial<S3Settings>): Promise<S3Settings> {
      const keys = await server().assumeRole(statement);
      const settings = await settingsFor({ ...keys, endpoint: server().endpoint }, given);
      const sessionTokenFile = `${settings.accessKeyFile}-token`;
      await writeFile(sessionTokenFile, keys.sessionToken);
      return { ...settings, sessionTokenFile };
    }

    test('a certificate of one’s own authority counts once caFile names it', async () => {
      const tls = { bucket: 'access', createBucket: true, endpoint: server().tlsEndpoint };
      const trusting = await settingsFor(server(), { ...tls, caFile: certificate().caFile });
      expect(await failureOf(trusting)).toBeUndefined();
      const { message, code } = await refusalOf(await settingsFor(server(), tls));
      expect(code).toBe('store-unreachable');
      expect(message).toMatch(/certificate is not trusted .*store\.caFile/);
    });

    test('an object that the server encrypts comes back as it was', async () => {
      const settings = await settingsFor(server(), {
        ...{ bucket: 'access', createBucket: true, endpoint: server().tlsEndpoint },
        ...{ caFile: certificate().caFile, encryption: 'AES256' as const },
      });
      await using(settings, async (store) => {
        await store.put('secret', Buffer.from('moving'), text);
        const found = await store.get('secret');
        expect(found && (await textOf(found.stream))).toBe('moving');
      });
      // This server encrypts over TLS only.
      const plain = await refusalOf({ ...settings, endpoint: server().endpoint }, (store) =>
        store.put('secret', Buffer.from('x'), text),
      );
      expect(plain.message).toContain('store.encryption');
    });

    test('http where the server speaks TLS, and the reverse, are told', async () => {
      const port = new URL(server().tlsEndpoint).port;
      const plain = await refusalOf(await settingsFor(server(), { endpoint: `http://127.0.0.1:${port}` }));
      expect(plain).toMatchObject({ code: 'store-unreachable' });
      expect(plain.message).toContain('https');
      const tls = await refusalOf(
        await settingsFor(server(), { endpoint: `https://127.0.0.1:${server().port}` }),
      );
      expect(tls).toMatchObject({ code: 'store-unreachable' });
      expect(tls.message).toContain('Begin store.endpoint with http://');
    });

    test('without path style the bucket is part of the host name', async () => {
      const { lookup } = dns;
      const named = new Set<string>();
      vi.spyOn(dns, 'lookup').mockImplementation((name: string, ...rest: unknown[]) => {
        named.add(name);
        Reflect.apply(lookup, dns, ['127.0.0.1', ...rest]);
      });
      await settingsFor(server(), { bucket: 'access', createBucket: true }).then(failureOf);
      const endpoint = `http://s3.test:${server().port}`;
      const settings = await settingsFor(server(), { bucket: 'access', pathStyle: false, endpoint });
      expect(await failureOf(settings)).toBeUndefined();
      expect([...named]).toEqual(['access.s3.test']);
    });

    test('a name without address is told, with what path style has to do with it', async () => {
      const endpoint = 'http://no-such-host.invalid';
      const { message } = await refusalOf(await settingsFor(server(), { endpoint, pathStyle: false }));
      expect(message).toMatch(/name.*store\.endpoint.*store\.pathStyle/);
    });

    test('a clock that is wrong is told, and by how much', async () => {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 });
      const { code, message } = await refusalOf(
        await settingsFor(server(), { bucket: 'access', createBucket: true }),
      );
      expect(code).toBe('store-denied');
      expect(message).toMatch(/clock is (59|60|61) minutes ahead of the server's/);
    });

    test('the rights in docs/stores.md are enough: the clip function’s to store, the viewer’s to read, and no more', async () => {
      await settingsFor(server(), { bucket: 'clips', createBucket: true }).then(failureOf);
      const [writer, reader] = await policies();
      const writing = await temporary(writer, { bucket: 'clips' });
      const reading = await temporary(reader, { bucket: 'clips' });
      const event = 'yard/2026/01/02/yard-20260102t030405-000006/event.json';
      expect(await failureOf(writing)).toBeUndefined();
      await using(writing, async (store) => {
        await store.put(event, Buffer.from('{}'), { ...text, ifAbsent: true, tags: { label: 'cat' } });
        await expect(store.delete(event)).rejects.toMatchObject({ code: 'store-denied' });
      });
      await using(reading, async (store) => {
        expect(await store.head(event)).toMatchObject({ sizeBytes: 2 });
        expect(await store.getTags(event)).toEqual({ label: 'cat' });
        for await (const entry of store.list('yard/')) expect(entry).toMatchObject({ key: event });
      });
      const { code, message } = await refusalOf(reading, (store) =>
        store.put(event, Buffer.from('{}'), text),
      );
      expect(code).toBe('store-denied');
      expect(message).toContain('Allow s3:PutObject');
    });

    test('the policies in deploy/s3 hold each key to its prefix: the clip function’s, the viewer’s, and the one that removes', async () => {
      await settingsFor(server(), { bucket: 'clips', createBucket: true }).then(failureOf);
      const here = { bucket: 'clips', prefix: 'cameras/' };
      const keys = async (...names: string[]) =>
        await temporary((await Promise.all(names.map(statementsOf))).flat(), here);
      const [writing, reading, removing] = [
        await keys('clip'),
        await keys('viewer'),
        await keys('clip', 'retention'),
      ];
      const event = 'gate/2026/01/02/gate-20260102t030405-000006/event.json';
      const elsewhere = (settings: S3Settings): S3Settings => ({ ...settings, prefix: 'others/' });
      const denied = { code: 'store-denied' };
      expect(await failureOf(writing)).toBeUndefined();
      await using(await settingsFor(server(), { ...here, prefix: 'others/' }), (store) =>
        store.put(event, Buffer.from('private'), text),
      );
      await using(writing, async (store) => {
        await store.put(event, Buffer.from('{}'), { ...text, ifAbsent: true, tags: { label: 'cat' } });
        await expect(store.delete(event)).rejects.toMatchObject(denied);
      });
      await using(reading, async (store) => {
        expect(await store.getTags(event)).toEqual({ label: 'cat' });
        for await (const entry of store.list('gate/')) expect(entry).toMatchObject({ key: event });
        await expect(store.put(event, Buffer.from('x'), text)).rejects.toMatchObject(denied);
        await expect(store.delete(event)).rejects.toMatchObject(denied);
      });
      for (const settings of [writing, reading, removing]) {
        await using(elsewhere(settings), async (store) => {
          await expect(store.put(event, Buffer.from('x'), text)).rejects.toMatchObject(denied);
          await expect(store.get(event)).rejects.toMatchObject(denied);
          await expect(store.delete(event)).rejects.toMatchObject(denied);
          await expect(store.list('gate/')[Symbol.asyncIterator]().next()).rejects.toMatchObject(denied);
        });
      }
      await using(removing, async (store) => {
        await store.delete(event);
        expect(await store.head(event)).toBeUndefined();
      });
    });

    test('keys that are replaced count from then on, without opening the store again', async () => {
      const wrong = { accessKey: 'NOBODY', secretKey: 'wrong' };
      const settings = await settingsFor({ ...wrong, endpoint: server().endpoint }, { bucket: 'access' });
      await settingsFor(server(), { bucket: 'access', createBucket: true }).then(failureOf);
      await using(settings, async (store) => {
        await expect(store.check()).rejects.toMatchObject({ code: 'store-denied' });
        const keys = [
          [settings.accessKeyFile, server().accessKey],
          [settings.secretKeyFile, server().secretKey],
        ] as const;
        for (const [path, key] of keys) {
          await writeFile(`${path}.new`, key);
          await rename(`${path}.new`, path);
        }
        await store.check();
      });
    });

    test('keys come from the environment only where no file is named and none is there', async () => {
      const { accessKeyFile, secretKeyFile, ...named } = await settingsFor(server(), {
        bucket: 'access',
        createBucket: true,
      });
      const env = {
        AWS_ACCESS_KEY_ID: server().accessKey,
        AWS_SECRET_ACCESS_KEY: server().secretKey,
      };
      const usual = {
        accessKeyFile: '/var/openfaas/secrets/s3-access-key',
        secretKeyFile: '/var/openfaas/secrets/s3-secret-key',
      };
      await using({ ...named, ...usual }, (store) => store.check(), env);
      const missing = { ...named, accessKeyFile: `${accessKeyFile}-gone`, secretKeyFile };
      await expect(openS3Store(missing, env)).rejects.toMatchObject({
        name: 'UsageError',
        code: 'secret-missing',
      });
    });

    test('the session token, and what encrypts, go with each write', async () => {
      const proxy = await startFaultyProxy(server().endpoint);
      proxy.faultOf = (request) => (request.method === 'PUT' ? { kind: 'answer', status: 200 } : undefined);
      const settings = await settingsFor(server(), {
        ...{ endpoint: proxy.endpoint, bucket: 'access', encryption: { kms: 'key-1' }, storageClass: 'COLD' },
      });
      const sessionTokenFile = `${settings.accessKeyFile}-token`;
      await writeFile(sessionTokenFile, 'the-token\n');
      await using({ ...settings, sessionTokenFile }, (store) => store.put('kms', Buffer.from('x'), text));
      expect(proxy.passed.find(({ method }) => method === 'PUT')?.headers).toMatchObject({
        'x-amz-security-token': 'the-token',
        'x-amz-server-side-encryption': 'aws:kms',
        'x-amz-server-side-encryption-aws-kms-key-id': 'key-1',
        'x-amz-storage-class': 'COLD',
      });
      await proxy.stop();
    });

    test.each([
      [
        301,
        'PermanentRedirect',
        '<Region>eu-north-1</Region>',
        'store-failed',
        'Set store.region to eu-north-1',
      ],
      [
        400,
        'AuthorizationHeaderMalformed',
        '<Region>eu-north-1</Region>',
        'store-failed',
        'Set store.region',
      ],
      [400, 'ExpiredToken', '', 'store-denied', 'session token has expired'],
      [403, 'SignatureDoesNotMatch', '', 'store-denied', 'secret key does not belong'],
      [403, 'QuotaExceeded', '', 'store-full', 'Free space'],
      [507, 'XMinioStorageFull', '', 'store-full', 'Free space'],
      [501, 'NotImplemented', '', 'not-supported', 'does not know how'],
    ])('%s %s is told with what to do', async (status, code, more, expected, phrase) => {
      const body = `<Error><Code>${code}</Code>${more}</Error>`;
      const { endpoint, stop } = await serverThatSays(status, body);
      const failure = await refusalOf(await settingsFor(server(), { endpoint, bucket: 'access' }));
      expect(failure.code).toBe(expected);
      expect(failure.message).toContain(phrase);
      expect(failure.message).not.toContain(server().secretKey);
      await stop();
    });

    test('something that is no S3 server at all is told', async () => {
      const { endpoint, stop } = await serverThatSays(
        400,
        'Client sent an HTTP request to an HTTPS server.\n',
      );
      const { message } = await refusalOf(await settingsFor(server(), { endpoint, bucket: 'access' }));
      expect(message).toContain('not one of S3');
      await stop();
    });
  });
}

/** The two policies of docs/stores.md: who writes, who reads. */
/** The statements of a policy in deploy/s3. */
async function statementsOf(name: string): Promise<unknown[]> {
  const path = join(import.meta.dirname, `../../deploy/s3/${name}.json`);
  return policy.parse(JSON.parse(await readFile(path, 'utf8'))).Statement;
}

const policy = z.object({ Statement: z.array(z.unknown()) });

async function policies(): Promise<[unknown, unknown]> {
  const docs = await readFile(join(import.meta.dirname, '../../docs/stores.md'), 'utf8');
  const blocks = [...docs.matchAll(/```json\n([\s\S]*?)```/g)].map(([, json = '']): unknown =>
    JSON.parse(json),
  );
  return [blocks[0], blocks[1]];
}

async function serverThatSays(
  status: number,
  body: string,
): Promise<{ endpoint: string; stop: () => Promise<void> }> {
  const server = createServer((request: IncomingMessage, response) => {
    request.resume();
    request.on('end', () => response.writeHead(status).end(request.method === 'HEAD' ? '' : body));
  });
  const port = await freePort();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const stop = async (): Promise<void> => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
  return { endpoint: `http://127.0.0.1:${port}`, stop };
}

async function using<T>(
  settings: S3Settings,
  action: (store: ObjectStore) => Promise<T>,
  env: NodeJS.ProcessEnv = {},
): Promise<T> {
  const store = await openS3Store(settings, env);
  try {
    return await action(store);
  } finally {
    await store.close();
  }
}

/** How the action, or a check, ends. */
async function failureOf(
  settings: S3Settings,
  action: (store: ObjectStore) => Promise<unknown> = (store) => store.check(),
): Promise<unknown> {
  return await using(settings, action).then(
    () => undefined,
    (error: unknown) => error,
  );
}

async function refusalOf(
  settings: S3Settings,
  action?: (store: ObjectStore) => Promise<unknown>,
): Promise<{ code: unknown; message: string }> {
  const failure = await failureOf(settings, action);
  if (!(failure instanceof Error) || !('code' in failure)) throw new Error(`no refusal: ${String(failure)}`);
  return { code: failure.code, message: failure.message };
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
