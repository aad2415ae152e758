import { randomBytes } from 'node:crypto';
import { getEventListeners } from 'node:events';
import { writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { systemClock } from '@faascam/core/clock';
import { openS3Store, type S3Settings } from '@faascam/core/s3-store';
import { names } from '@faascam/core/store-contract';
import type { ObjectStore } from '@faascam/core/store';
import { Client } from 'minio';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startFaultyProxy, type Fault, type FaultyProxy } from './faulty-proxy.ts';
import type { S3Server } from './s3.ts';

const video = { contentType: 'video/mp4' };
const MEBIBYTE = 1024 ** 2;

/** What a store promises when the server, or the way to it, fails: never half an object, never two, no leftovers. */
export function s3Faults(server: () => S3Server, folder: () => string, settingsFor: SettingsFor): void {
  describe('a store behind a bad network', () => {
    let proxy: FaultyProxy;
    let store: ObjectStore;
    /** One that waits less long for an answer. */
    let impatient: ObjectStore;
    /** The same bucket without the proxy. */
    let direct: ObjectStore;
    let settings: S3Settings;
    let file: string;
    let bytes: Buffer;

    beforeAll(async () => {
      proxy = await startFaultyProxy(server().endpoint);
      settings = await settingsFor(server(), {
        ...{ endpoint: proxy.endpoint, bucket: 'faults', createBucket: true },
        ...{ partMegabytes: 5, retryMs: 60_000 },
      });
      store = await openS3Store(settings);
      impatient = await openS3Store({ ...settings, idleTimeoutMs: 1500 });
      direct = await openS3Store({ ...settings, endpoint: server().endpoint });
      bytes = randomBytes(21 * MEBIBYTE);
      file = join(folder(), 'long-clip');
      await writeFile(file, bytes);
    });
    afterEach(() => {
      proxy.faultOf = () => undefined;
      proxy.passed.length = 0;
    });
    afterAll(async () => {
      await store.close();
      await impatient.close();
      await direct.close();
      await proxy.stop();
    });

    /** Spoils the first requests of this kind, one fault each. */
    const spoil = (picks: (request: IncomingMessage) => boolean, ...faults: Fault[]): void => {
      proxy.faultOf = (request) => (picks(request) ? faults.shift() : undefined);
    };
    const sent = (method: string, pattern: RegExp): number =>
      proxy.passed.filter((each) => each.method === method && pattern.test(each.url)).length;
    const bytesUnder = async (key: string): Promise<Buffer | undefined> => {
      const found = await direct.get(key);
      return found && (await buffer(found.stream));
    };
    const uploadsUnder = async (prefix: string): Promise<number> => {
      const { accessKey, secretKey, port } = server();
      const client = new Client({ endPoint: '127.0.0.1', port, useSSL: false, accessKey, secretKey });
      let count = 0;
      for await (const upload of client.listIncompleteUploads('faults', prefix, true)) if (upload) count++;
      return count;
    };

    test.each<[string, Fault]>([
      ['says 500', { kind: 'answer', status: 500, code: 'InternalError' }],
      ['says 503 without a word', { kind: 'answer', status: 503 }],
      ['says SlowDown', { kind: 'answer', status: 503, code: 'SlowDown' }],
      ['does not answer', { kind: 'hang' }],
      ['hangs up in the middle', { kind: 'cut', afterBytes: 100_000 }],
      ['loses its answer', { kind: 'lose-answer' }],
      ['answers slowly', { kind: 'slow', ms: 300 }],
    ])('a put is whole and once there when the server %s', async (name, fault) => {
      const key = `put/${name.replaceAll(' ', '-')}`;
      const body = bytes.subarray(0, 300_000);
      const part = join(folder(), 'part');
      await writeFile(part, body);
      spoil(isPut, fault);
      expect(await impatient.put(key, { file: part }, { ...video, ifAbsent: true })).toBe('created');
      expect(proxy.passed.some((each) => each.fault === fault)).toBe(true);
      expect((await bytesUnder(key))?.equals(body)).toBe(true);
      expect(await store.put(key, { file: part }, { ...video, ifAbsent: true })).toBe('exists');
      expect(await names(direct, key)).toEqual([key]);
    });

    test('a server that asks for patience gets it', async () => {
      spoil(isPut, { kind: 'answer', status: 503, code: 'SlowDown', headers: { 'retry-after': '1' } });
      const before = performance.now();
      await store.put('patience', Buffer.from('x'), video);
      expect(performance.now() - before).toBeGreaterThanOrEqual(1000);
    });

    test('of a long clip only the part that was cut off is sent again', async () => {
      spoil((request) => /partNumber=3&/.test(request.url ?? ''), { kind: 'cut', afterBytes: 2 * MEBIBYTE });
      const { signal } = new AbortController();
      expect(await store.put('parts/cut', { file }, { ...video, metadata: { sha256: 'ab' }, signal })).toBe(
        'created',
      );
      expect([1, 2, 3, 4, 5].map((part) => sent('PUT', new RegExp(`partNumber=${part}&`)))).toEqual([
        1, 1, 2, 1, 1,
      ]);
      expect((await bytesUnder('parts/cut'))?.equals(bytes)).toBe(true);
      // A signal that outlives many puts does not fill up with them.
      expect(getEventListeners(signal, 'abort')).toEqual([]);
      expect((await direct.head('parts/cut'))?.metadata).toEqual({ sha256: 'ab' });
    });

    test.each<[string, Fault]>([
      ['gets lost', { kind: 'lose-answer' }],
      ['is an error', { kind: 'answer', status: 500, code: 'InternalError' }],
      ['is an error after 200', { kind: 'answer', status: 200, code: 'InternalError' }],
    ])('a long clip is there once when the answer that its parts are joined %s', async (name, fault) => {
      const key = `joined/${name.replaceAll(' ', '-')}`;
      spoil((request) => request.method === 'POST' && /uploadId=/.test(request.url ?? ''), fault);
      expect(await store.put(key, { file }, { ...video, ifAbsent: true })).toBe('created');
      expect((await bytesUnder(key))?.equals(bytes)).toBe(true);
      expect(await uploadsUnder('joined/')).toBe(0);
    });

    test('a server that stays out of order is told in words, within its time, and nothing is left of the clip', async () => {
      const hasty = await openS3Store({ ...settings, retryMs: 700 });
      spoil(isLastPart, ...Array.from({ length: 99 }, () => unavailable));
      const failure = await hasty.put('never', { file }, video).catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: 'store-unreachable' });
      expect(failure).toHaveProperty('message', expect.stringMatching(/write never .*ServiceUnavailable/));
      expect(sent('PUT', /partNumber=5&/)).toBeGreaterThan(1);
      expect(await direct.head('never')).toBeUndefined();
      expect(await uploadsUnder('never')).toBe(0);
      await hasty.close();
    });

    test('a put that is given up in the middle leaves nothing', async () => {
      const controller = new AbortController();
      const reason = new Error('the function is closing');
      proxy.faultOf = (request) => {
        if (!isLastPart(request)) return undefined;
        controller.abort(reason);
        return { kind: 'hang' };
      };
      const given = store.put('given-up', { file }, { ...video, signal: controller.signal });
      await expect(given).rejects.toBe(reason);
      expect(await direct.head('given-up')).toBeUndefined();
      expect(await uploadsUnder('given-up')).toBe(0);
    });

    test('of two writers of a long clip the one who comes late is told so', async () => {
      let first: string | undefined;
      proxy.faultOf = async (request) => {
        if (isLastPart(request)) {
          first = await direct.put('late', Buffer.from('first'), { ...video, ifAbsent: true });
        }
        return undefined;
      };
      const outcome = await store.put('late', { file }, { ...video, ifAbsent: true });
      expect(first).toBe('created');
      expect(outcome).toBe('exists');
      expect((await bytesUnder('late'))?.toString()).toBe('first');
      expect(await uploadsUnder('late')).toBe(0);
    });

    test('a list and a read go on after a connection that broke', async () => {
      await direct.put('list/one', Buffer.from('x'), video);
      spoil((request) => request.method === 'GET', { kind: 'lose-answer' });
      expect(await names(store, 'list/')).toEqual(['list/one']);
      spoil(() => true, { kind: 'lose-answer' });
      expect(await store.head('list/one')).toMatchObject({ sizeBytes: 1 });
    });

    test('a reader who pauses for longer than a server may is not cut off', async () => {
      const idleTimeoutMs = 1000;
      const short = await openS3Store({ ...settings, idleTimeoutMs });
      await direct.put('paused', bytes, video);
      const found = await short.get('paused');
      if (found === undefined) throw new Error('nothing to read');
      const parts: Buffer[] = [];
      for await (const part of found.stream) {
        if (parts.length === 2) await systemClock.sleep(2.2 * idleTimeoutMs);
        if (Buffer.isBuffer(part)) parts.push(part);
      }
      expect(Buffer.concat(parts).equals(bytes)).toBe(true);
      await short.close();
    });

    test('bytes that break off while they are read are an error in words', async () => {
      await direct.put('read', bytes.subarray(0, 8 * MEBIBYTE), video);
      const found = await store.get('read');
      if (found === undefined) throw new Error('nothing to read');
      const reading = buffer(found.stream);
      await proxy.stop();
      await expect(reading).rejects.toMatchObject({ name: 'StoreError', code: 'store-unreachable' });
      proxy = await startFaultyProxy(server().endpoint);
    });
  });
}

export type SettingsFor = (
  server: Pick<S3Server, 'endpoint' | 'accessKey' | 'secretKey'>,
  values: Partial<S3Settings>,
) => Promise<S3Settings>;

const unavailable: Fault = { kind: 'answer', status: 503, code: 'ServiceUnavailable' };

function isPut(request: IncomingMessage): boolean {
  return request.method === 'PUT';
}

function isLastPart(request: IncomingMessage): boolean {
  return /partNumber=5&/.test(request.url ?? '');
}
