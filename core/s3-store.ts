import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import * as http from 'node:http';
import * as https from 'node:https';
import { buffer } from 'node:stream/consumers';
import { Client } from 'minio';
import { z } from 'zod';
import { StoreError, systemCodeOf, UsageError } from './errors.ts';
import { readSecret } from './settings.ts';
import type { StoreSettings } from './store-settings.ts';
import { s3ErrorOf, s3Trouble, type S3Place } from './s3-errors.ts';
import { ourRules, withOurRules } from './s3-lifecycle.ts';
import { taggingOf, tagsOf } from './s3-tags.ts';
import {
  bytesOf,
  keyParts,
  requireMetadata,
  requirePrefix,
  requireRules,
  requireTags,
  type ByteRange,
  type ListEntry,
  type ListOptions,
  type ObjectStore,
  type PutOptions,
  type Lifecycle,
  type LifecycleRule,
  type StoredObject,
  type Tags,
} from './store.ts';

export type S3Settings = Extract<StoreSettings, { kind: 's3' }>;

/** A server that sends and takes nothing for so long is not there any more. */
const IDLE_TIMEOUT_MS = 30_000;
/** S3's limit for one PUT. An event's clip of 5 minutes stays below it up to 140 Mbit/s. */
const LARGEST_PUT_BYTES = 5 * 1024 ** 3;

/**
 * A store in a bucket of any S3 server, through the `minio` client.
 *
 * Every object is one PUT, streamed from its file, so memory stays flat and the object appears in one step; hence
 * `If-None-Match: *` makes it conditional at any size, which the client's multipart upload is not. A server that
 * answers 501 to that header (or ignores it) is asked first whether the object is there, which leaves a moment
 * in which two writers can both be told `created`; the last one's object stays then.
 * The client's own retries are off: they would send a stream that was read already.
 */
export async function openS3Store(settings: S3Settings): Promise<ObjectStore> {
  const url = new URL(settings.endpoint);
  if (url.pathname !== '/' || url.search !== '' || url.username !== '') {
    throw new UsageError(
      'bad-setting',
      `store.endpoint must be a scheme, a host and perhaps a port, like https://s3.example.com:9000.`,
    );
  }
  const secure = url.protocol === 'https:';
  const agent = secure ? new https.Agent({ keepAlive: true }) : new http.Agent({ keepAlive: true });
  const client = new Client({
    endPoint: url.hostname.replaceAll(/^\[|\]$/g, ''),
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    useSSL: secure,
    region: settings.region,
    pathStyle: settings.pathStyle,
    accessKey: readSecret(settings.accessKeyFile, 'access key of the clip store'),
    secretKey: readSecret(settings.secretKeyFile, 'secret key of the clip store'),
    transport: { request: secure ? withIdleTimeout(https.request) : withIdleTimeout(http.request) },
    transportAgent: agent,
    retryOptions: { disableRetry: true },
  });
  const store = new S3Store(client, settings, agent);
  if (settings.createBucket) await store.makeBucket();
  return store;
}

class S3Store implements ObjectStore {
  readonly description: string;
  readonly lifecycle: Lifecycle = {
    get: () => this.#attempt('read the lifecycle rules', async () => ourRules(await this.#rules(), '')),
    set: (rules) => this.#setRules(rules),
  };
  readonly #client: Client;
  readonly #bucket: string;
  readonly #region: string;
  readonly #place: S3Place;
  readonly #secure: boolean;
  readonly #agent: http.Agent;

  constructor(client: Client, settings: S3Settings, agent: http.Agent) {
    this.#client = client;
    this.#bucket = settings.bucket;
    this.#region = settings.region;
    this.#place = settings;
    this.#secure = settings.endpoint.startsWith('https:');
    this.#agent = agent;
    this.description = `bucket ${settings.bucket} at ${settings.endpoint}`;
  }

  async makeBucket(): Promise<void> {
    await this.#attempt('make the bucket', async () => {
      if (await this.#client.bucketExists(this.#bucket)) return;
      try {
        await this.#client.makeBucket(this.#bucket, this.#region);
      } catch (error) {
        if (systemCodeOf(error) !== 'BucketAlreadyOwnedByYou') throw error;
      }
    });
  }

  async put(
    key: string,
    body: Buffer | { file: string },
    options: PutOptions,
  ): Promise<'created' | 'exists'> {
    keyParts(key);
    requireMetadata(options.metadata ?? {});
    requireTags(options.tags ?? {});
    options.signal?.throwIfAborted();
    if (options.ifAbsent !== true) {
      await this.#attempt(`write ${key}`, () => this.#upload(key, body, options, false));
      return 'created';
    }
    // Asked first, so that a clip is not sent in vain, and for servers that do not know the condition.
    if ((await this.head(key)) !== undefined) return 'exists';
    return await this.#attempt(`write ${key}`, async () => {
      try {
        await this.#upload(key, body, options, true);
        return 'created';
      } catch (error) {
        const trouble = s3Trouble(error);
        if (trouble === 'precondition-failed') return 'exists';
        if (trouble === 'not-implemented') {
          await this.#upload(key, body, options, false);
          return 'created';
        }
        // Another writer was quicker (409), or the server hung up on a body that it did not want.
        const lost = trouble === 'conflict' || trouble === 'unreachable';
        if (lost && (await this.#stat(key)) !== undefined) return 'exists';
        throw error;
      }
    });
  }

  async head(key: string): Promise<StoredObject | undefined> {
    keyParts(key);
    return await this.#attempt(`read ${key}`, () => this.#stat(key));
  }

  async get(key: string, range?: ByteRange) {
    keyParts(key);
    return await this.#attempt(`read ${key}`, async () => {
      const object = await this.#stat(key);
      if (object === undefined) return undefined;
      try {
        if (range === undefined) return { object, stream: await this.#client.getObject(this.#bucket, key) };
        const { start, end } = bytesOf(range, object.sizeBytes);
        const stream = await this.#client.getPartialObject(this.#bucket, key, start, end - start + 1);
        return { object, stream };
      } catch (error) {
        if (s3Trouble(error) === 'missing') return undefined;
        throw error;
      }
    });
  }

  async getTags(key: string): Promise<Tags | undefined> {
    keyParts(key);
    return await this.#attempt(`read the tags of ${key}`, async () => {
      try {
        return tagsOf(await this.#xmlOf({ method: 'GET', objectName: key, query: 'tagging' }));
      } catch (error) {
        if (s3Trouble(error) === 'missing') return undefined;
        throw error;
      }
    });
  }

  async setTags(key: string, tags: Tags): Promise<boolean> {
    keyParts(key);
    requireTags(tags);
    return await this.#attempt(`label ${key}`, async () => {
      try {
        await this.#client.setObjectTagging(this.#bucket, key, tags);
        return true;
      } catch (error) {
        if (s3Trouble(error) === 'missing') return false;
        throw error;
      }
    });
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ListEntry> {
    requirePrefix(prefix);
    const after = options.startAfter ?? '';
    const grouped = options.delimiter !== undefined;
    const items = this.#client.listObjectsV2(this.#bucket, prefix, !grouped, after);
    const entries: ListEntry[] = [];
    try {
      for await (const item of items) {
        const entry = entryOf(item);
        // A server may begin with the group in which `after` lies.
        if (nameOf(entry) <= after) continue;
        if (grouped) entries.push(entry);
        else yield entry;
      }
    } catch (error) {
      throw s3ErrorOf(error, `list ${prefix}`, this.#place);
    }
    // The client gives a page's objects before its groups. Groups are few: days, or a day's events.
    yield* entries.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  }

  async delete(key: string): Promise<void> {
    keyParts(key);
    await this.#attempt(`delete ${key}`, () => this.#client.removeObject(this.#bucket, key));
  }

  async check(): Promise<void> {
    const probe = `faascam-check/${Date.now().toString(36)}-${process.pid}`;
    await this.#attempt('write', async () => {
      await this.#upload(probe, Buffer.from('check'), { contentType: 'text/plain' }, false);
      await this.#client.removeObject(this.#bucket, probe);
    });
  }

  close(): Promise<void> {
    this.#agent.destroy();
    return Promise.resolve();
  }

  async #setRules(rules: readonly LifecycleRule[]): Promise<void> {
    requireRules(rules);
    await this.#attempt('set the lifecycle rules', async () => {
      const all = withOurRules(await this.#rules(), rules, '');
      const request = { bucketName: this.#bucket, query: 'lifecycle' };
      if (all === undefined) {
        await this.#client.makeRequestAsyncOmit({ ...request, method: 'DELETE' }, '', [200, 204]);
        return;
      }
      const headers = { 'content-md5': createHash('md5').update(all).digest('base64') };
      await this.#client.makeRequestAsyncOmit({ ...request, method: 'PUT', headers }, all);
    });
  }

  async #rules(): Promise<string | undefined> {
    try {
      return await this.#xmlOf({ method: 'GET', query: 'lifecycle' });
    } catch (error) {
      if (systemCodeOf(error) === 'NoSuchLifecycleConfiguration') return undefined;
      const trouble = s3Trouble(error);
      if (trouble === 'not-implemented') throw noLifecycle(this.description, error);
      throw error;
    }
  }

  async #xmlOf(request: { method: string; objectName?: string; query: string }): Promise<string> {
    const response = await this.#client.makeRequestAsync({ ...request, bucketName: this.#bucket });
    return (await buffer(response)).toString();
  }

  async #stat(key: string): Promise<StoredObject | undefined> {
    try {
      const { size, metaData, lastModified, etag } = await this.#client.statObject(this.#bucket, key);
      const values = z.record(z.string(), z.string()).parse(metaData);
      const metadata = Object.entries(values)
        .map(([name, value]) => [name.toLowerCase(), value] as const)
        .filter(([name]) => !standardHeaders.has(name));
      return {
        key,
        sizeBytes: size,
        contentType: values['content-type'] ?? 'application/octet-stream',
        metadata: Object.fromEntries(metadata),
        modifiedMs: lastModified.getTime(),
        etag,
      };
    } catch (error) {
      if (s3Trouble(error) === 'missing') return undefined;
      throw error;
    }
  }

  async #upload(
    key: string,
    body: Buffer | { file: string },
    options: PutOptions,
    conditional: boolean,
  ): Promise<void> {
    const { sizeBytes, sha256, md5 } = await digestOf(body);
    if (sizeBytes > LARGEST_PUT_BYTES) {
      throw new StoreError('store-failed', `${key} has ${sizeBytes} bytes; S3 takes 5 GiB at most.`);
    }
    const headers: Record<string, string | number> = {
      'content-type': options.contentType,
      'content-length': sizeBytes,
      'content-md5': md5,
    };
    if (conditional) headers['if-none-match'] = '*';
    if (Object.keys(options.tags ?? {}).length > 0) {
      headers['x-amz-tagging'] = taggingOf(options.tags ?? {});
    }
    for (const [name, value] of Object.entries(options.metadata ?? {})) headers[`x-amz-meta-${name}`] = value;
    const response = await this.#client.makeRequestStreamAsync(
      { method: 'PUT', bucketName: this.#bucket, objectName: key, headers },
      Buffer.isBuffer(body) ? body : createReadStream(body.file),
      // Over TLS the client leaves the payload out of the signature.
      this.#secure ? '' : sha256,
      [200],
      this.#region,
    );
    response.resume();
    await new Promise<void>((resolve, reject) => {
      response.once('end', resolve).once('error', reject);
    });
  }

  async #attempt<T>(doing: string, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      throw s3ErrorOf(error, doing, this.#place);
    }
  }
}

/** Headers of an object that the client reports among its metadata. */
const standardHeaders = new Set([
  'content-type',
  'cache-control',
  'content-encoding',
  'content-disposition',
  'content-language',
]);

function noLifecycle(place: string, cause: unknown): StoreError {
  return new StoreError('not-supported', `The server of ${place} has no lifecycle rules.`, { cause });
}

const listItem = z.union([
  z.object({ prefix: z.string().min(1) }),
  z.object({ name: z.string().min(1), size: z.number() }),
]);

function entryOf(item: unknown): ListEntry {
  const parsed = listItem.parse(item);
  return 'prefix' in parsed ? parsed : { key: parsed.name, sizeBytes: parsed.size };
}

function nameOf(entry: ListEntry): string {
  return 'prefix' in entry ? entry.prefix : entry.key;
}

async function digestOf(body: Buffer | { file: string }) {
  const sha256 = createHash('sha256');
  const md5 = createHash('md5');
  if (Buffer.isBuffer(body)) {
    sha256.update(body);
    md5.update(body);
  } else {
    for await (const chunk of createReadStream(body.file)) {
      const bytes = z.instanceof(Buffer).parse(chunk);
      sha256.update(bytes);
      md5.update(bytes);
    }
  }
  const sizeBytes = Buffer.isBuffer(body) ? body.length : (await stat(body.file)).size;
  return { sizeBytes, sha256: sha256.digest('hex'), md5: md5.digest('base64') };
}

/** The client knows no timeouts: without this, a server that went away mid-request would hold its caller for ever. */
function withIdleTimeout(request: typeof http.request): typeof http.request {
  type Callback = (response: http.IncomingMessage) => void;
  function timed(options: http.RequestOptions | string | URL, callback?: Callback): http.ClientRequest;
  function timed(url: string | URL, options: http.RequestOptions, callback?: Callback): http.ClientRequest;
  function timed(
    first: http.RequestOptions | string | URL,
    second?: http.RequestOptions | Callback,
    third?: Callback,
  ): http.ClientRequest {
    let made: http.ClientRequest;
    if (typeof second !== 'object') made = request(first, second);
    else if (typeof first === 'string' || first instanceof URL) made = request(first, second, third);
    else throw new TypeError('a request to two places');
    made.setTimeout(IDLE_TIMEOUT_MS, () => {
      made.destroy(Object.assign(new Error('the server fell silent'), { code: 'ETIMEDOUT' }));
    });
    return made;
  }
  return timed;
}
