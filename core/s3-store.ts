import { createHash, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { z } from 'zod';
import { StoreError, systemCodeOf } from './errors.ts';
import { S3Connection, type S3Task } from './s3-connection.ts';
import { isAboutKeys, s3ErrorOf, s3Trouble } from './s3-errors.ts';
import { directAddressesOf } from './s3-direct.ts';
import { abortLeftovers } from './s3-leftovers.ts';
import { tagsOf } from './s3-tags.ts';
import { PUT_ID, putObject } from './s3-upload.ts';
import type { S3Settings } from './store-settings.ts';
import {
  bytesOf,
  keyParts,
  requireMetadata,
  requirePrefix,
  requireTags,
  type ByteRange,
  type DirectAddresses,
  type ListEntry,
  type ListOptions,
  type ObjectStore,
  type PutOptions,
  type StoredObject,
  type Tags,
} from './store.ts';

export type { S3Settings } from './store-settings.ts';

/**
 * A store in a bucket of any S3 server, perhaps below a prefix (decisions 4 and 15).
 *
 * An object appears in one step, with `If-None-Match: *` where a put is conditional. A server that answers 501 to
 * that header, or ignores it, is only asked before whether the object is there, which leaves a moment in which two
 * writers can both be told `created`; the last one's object stays then.
 */
export async function openS3Store(settings: S3Settings, env = process.env): Promise<ObjectStore> {
  const connection = new S3Connection(settings, env);
  const store = new S3Store(connection, settings);
  try {
    if (settings.createBucket) await store.makeBucket();
  } catch (error) {
    connection.close();
    throw error;
  }
  return store;
}

class S3Store implements ObjectStore {
  readonly description: string;
  readonly direct?: DirectAddresses;
  readonly #connection: S3Connection;
  readonly #settings: S3Settings;
  readonly #bucket: string;
  readonly #prefix: string;

  constructor(connection: S3Connection, settings: S3Settings) {
    this.#connection = connection;
    this.#settings = settings;
    this.#bucket = settings.bucket;
    this.#prefix = settings.prefix;
    const below = settings.prefix === '' ? '' : `${settings.prefix} in `;
    this.description = `${below}bucket ${settings.bucket} at ${settings.endpoint}`;
    const direct = directAddressesOf(connection, settings, (key) => this.#nameOf(key));
    if (direct !== undefined) this.direct = direct;
  }

  async makeBucket(): Promise<void> {
    await this.#attempt({ what: 'make the bucket', right: 's3:CreateBucket' }, async () => {
      const { client } = this.#connection;
      if (await client.bucketExists(this.#bucket)) return;
      try {
        await client.makeBucket(this.#bucket, this.#settings.region);
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
    const objectName = this.#nameOf(key);
    requireMetadata(options.metadata ?? {});
    requireTags(options.tags ?? {});
    options.signal?.throwIfAborted();
    // Asked first, so that a clip is not sent in vain, and for servers that do not know the condition.
    if (options.ifAbsent === true && (await this.head(key)) !== undefined) return 'exists';
    const putIdThere = async () => {
      const there = await this.#stat(key);
      return there && { putId: there.putId };
    };
    try {
      return await putObject(this.#connection, this.#settings, { objectName, body, options, putIdThere });
    } catch (error) {
      options.signal?.throwIfAborted();
      throw s3ErrorOf(error, { what: `write ${key}`, right: 's3:PutObject' }, this.#connection.place);
    }
  }

  async head(key: string): Promise<StoredObject | undefined> {
    const objectName = this.#nameOf(key);
    return await this.#attempt(reading(key), async () => {
      try {
        return (await this.#stat(key))?.object;
      } catch (error) {
        // The answer to a HEAD has no body to tell why; that to a GET has.
        if (isAboutKeys(error))
          await this.#connection.ask({ method: 'GET', objectName, headers: { range: 'bytes=0-0' } });
        throw error;
      }
    });
  }

  async get(key: string, range?: ByteRange) {
    const objectName = this.#nameOf(key);
    const { client } = this.#connection;
    const task = reading(key);
    const found = await this.#attempt(task, async () => {
      const object = (await this.#stat(key))?.object;
      if (object === undefined) return undefined;
      try {
        if (range === undefined) return { object, stream: await client.getObject(this.#bucket, objectName) };
        const { start, end } = bytesOf(range, object.sizeBytes);
        const stream = await client.getPartialObject(this.#bucket, objectName, start, end - start + 1);
        return { object, stream };
      } catch (error) {
        if (s3Trouble(error) === 'missing') return undefined;
        throw error;
      }
    });
    const { place } = this.#connection;
    return found && { ...found, stream: inWords(found.stream, (error) => s3ErrorOf(error, task, place)) };
  }

  async getTags(key: string): Promise<Tags | undefined> {
    const objectName = this.#nameOf(key);
    return await this.#attempt(
      { what: `read the tags of ${key}`, right: 's3:GetObjectTagging' },
      async () => {
        try {
          return tagsOf(await this.#connection.ask({ method: 'GET', objectName, query: 'tagging' }));
        } catch (error) {
          if (s3Trouble(error) === 'missing') return undefined;
          throw error;
        }
      },
    );
  }

  async setTags(key: string, tags: Tags): Promise<boolean> {
    const objectName = this.#nameOf(key);
    requireTags(tags);
    const task = { what: `label ${key}`, right: 's3:PutObjectTagging', writes: true };
    return await this.#attempt(task, async () => {
      try {
        await this.#connection.client.setObjectTagging(this.#bucket, objectName, tags);
        return true;
      } catch (error) {
        if (s3Trouble(error) === 'missing') return false;
        throw error;
      }
    });
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ListEntry> {
    requirePrefix(prefix);
    let after = options.startAfter ?? '';
    if (options.delimiter === undefined) {
      for (;;) {
        const page = await this.#page(prefix, after);
        yield* page.entries;
        if (page.next === undefined) return;
        after = page.next;
      }
    }
    const entries = await this.#attempt(listing(prefix), async () => {
      const found: ListEntry[] = [];
      const items = this.#connection.client.listObjectsV2(
        this.#bucket,
        this.#prefix + prefix,
        false,
        after === '' ? '' : this.#prefix + after,
      );
      for await (const item of items) found.push(this.#entryOf(item));
      return found;
    });
    // The client gives a page's objects before its groups. Groups are few: days, or a day's events.
    const sorted = entries.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
    // A server may begin with the group in which `after` lies.
    yield* sorted.filter((entry) => nameOf(entry) > after);
  }

  async delete(key: string): Promise<void> {
    const objectName = this.#nameOf(key);
    await this.#attempt({ what: `delete ${key}`, right: 's3:DeleteObject', writes: true }, () =>
      this.#connection.client.removeObject(this.#bucket, objectName),
    );
  }

  async check(): Promise<void> {
    const key = `faascam-check/${randomUUID()}`;
    const bytes = Buffer.from(key);
    await this.#attempt({ what: 'write a test object', right: 's3:PutObject' }, async () => {
      const headers = { 'content-type': 'text/plain', 'content-length': bytes.length };
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      await this.#connection.send({ method: 'PUT', objectName: this.#nameOf(key), headers }, bytes, sha256);
    });
    const found = await this.get(key);
    if (found === undefined || !(await buffer(found.stream)).equals(bytes)) {
      throw new StoreError(
        'store-failed',
        `Clip store: ${this.description} does not give back what was just written to it; check what stands between.`,
      );
    }
    for await (const entry of this.list(key)) if (nameOf(entry) === key) break;
    await this.delete(key);
  }

  async tidy(): Promise<void> {
    await this.#attempt({ what: 'give up old uploads', right: 's3:AbortMultipartUpload' }, () =>
      abortLeftovers(this.#connection, this.#prefix, Date.now()),
    );
  }

  close(): Promise<void> {
    this.#connection.close();
    return Promise.resolve();
  }

  #nameOf(key: string): string {
    keyParts(key);
    return this.#prefix + key;
  }

  /** A page of keys in order, and where the next one begins. */
  async #page(prefix: string, after: string): Promise<{ entries: ListEntry[]; next: string | undefined }> {
    const page = await this.#attempt(listing(prefix), () =>
      this.#connection.client.listObjectsV2Query(
        ...([this.#bucket, this.#prefix + prefix, '', '', 1000] as const),
        after === '' ? '' : this.#prefix + after,
      ),
    );
    const entries = page.objects.map((item) => this.#entryOf(item));
    const last = entries.at(-1);
    return { entries, next: page.isTruncated && last !== undefined ? nameOf(last) : undefined };
  }

  #entryOf(item: unknown): ListEntry {
    const parsed = listItem.parse(item);
    return 'prefix' in parsed
      ? { prefix: parsed.prefix.slice(this.#prefix.length) }
      : { key: parsed.name.slice(this.#prefix.length), sizeBytes: parsed.size };
  }

  async #stat(key: string): Promise<{ object: StoredObject; putId: string | undefined } | undefined> {
    try {
      const { size, metaData, lastModified, etag } = await this.#connection.client.statObject(
        this.#bucket,
        this.#prefix + key,
      );
      const values = z.record(z.string(), z.string()).parse(metaData);
      const metadata = Object.fromEntries(
        Object.entries(values)
          .map(([name, value]) => [name.toLowerCase(), value] as const)
          .filter(([name]) => !notMetadata.has(name)),
      );
      const contentType = values['content-type'] ?? 'application/octet-stream';
      const modifiedMs = lastModified.getTime();
      return {
        object: { key, sizeBytes: size, contentType, metadata, modifiedMs, etag },
        putId: values[PUT_ID],
      };
    } catch (error) {
      if (s3Trouble(error) === 'missing') return undefined;
      throw error;
    }
  }

  #attempt<T>(task: S3Task, action: () => Promise<T>): Promise<T> {
    return this.#connection.attempt(task, action);
  }
}

function reading(key: string): S3Task {
  return { what: `read ${key}`, right: 's3:GetObject and s3:ListBucket' };
}

function listing(prefix: string): S3Task {
  return { what: `list ${prefix === '' ? 'everything' : prefix}`, right: 's3:ListBucket' };
}

/** What the client reports among an object's metadata, and is none. */
const notMetadata = new Set([
  'content-type',
  'cache-control',
  'content-encoding',
  'content-disposition',
  'content-language',
  PUT_ID,
]);

const listItem = z.union([
  z.object({ prefix: z.string().min(1) }),
  z.object({ name: z.string().min(1), size: z.number() }),
]);

function nameOf(entry: ListEntry): string {
  return 'prefix' in entry ? entry.prefix : entry.key;
}

/** The bytes of a stream, with its error in words. */
function inWords(stream: Readable, errorOf: (error: unknown) => Error): Readable {
  return Readable.from(
    (async function* () {
      try {
        yield* stream;
      } catch (error) {
        throw errorOf(error);
      } finally {
        stream.destroy();
      }
    })(),
    { objectMode: false },
  );
}
