import { randomUUID } from 'node:crypto';
import { StoreError, systemCodeOf } from './errors.ts';
import { digestOf, partsOf, readBody, sizeOf, type Body } from './s3-body.ts';
import type { S3Connection, S3Task } from './s3-connection.ts';
import { s3Trouble } from './s3-errors.ts';
import { abortUpload } from './s3-leftovers.ts';
import { taggingOf } from './s3-tags.ts';
import type { S3Settings } from './store-settings.ts';
import type { ByteRange, PutOptions } from './store.ts';

/** S3's limit for one object. */
const LARGEST_OBJECT_BYTES = 5 * 1024 ** 4;
/** From so many parts on, a file is sent in parts; below, one request is less work for all. */
const PARTS_WORTH_IT = 4;
/** Nothing waits for an upload to be given up: what fails here is swept by the first check of the store a day later. */
const ABORT_WITHIN_MS = 10_000;
/**
 * Metadata that tells who stored an object, so that a writer whose answer got lost can tell its own object from
 * another's. Not told to anyone else.
 */
export const PUT_ID = 'faascam-put';

export interface Upload {
  /** With the store's prefix. */
  objectName: string;
  body: Body;
  options: PutOptions;
  /** The put id of the object that is in the store now; undefined if there is none. */
  putIdThere: () => Promise<{ putId: string | undefined } | undefined>;
}

/**
 * Stores one object. Each try sends the body from its beginning, and the object appears with the last byte: by one
 * PUT, or by one request that joins parts which nobody sees before. A try whose answer got lost may have
 * succeeded: if the condition fails afterwards, the put id tells whether the object is our own.
 */
export async function putObject(
  connection: S3Connection,
  settings: S3Settings,
  upload: Upload,
): Promise<'created' | 'exists'> {
  const { objectName, body, options } = upload;
  const sizeBytes = await sizeOf(body);
  if (sizeBytes > LARGEST_OBJECT_BYTES) {
    throw new StoreError('store-failed', `${objectName} has ${sizeBytes} bytes; S3 takes 5 TiB at most.`);
  }
  const partBytes = settings.partMegabytes * 1024 ** 2;
  const run = new Run(connection, upload, headersOf(options, settings));
  if (Buffer.isBuffer(body) || sizeBytes <= PARTS_WORTH_IT * partBytes)
    return await run.whole(body, sizeBytes);
  return await run.inParts(body.file, partsOf(sizeBytes, partBytes));
}

class Run {
  readonly #connection: S3Connection;
  readonly #upload: Upload;
  readonly #headers: Record<string, string | number>;
  readonly #putId = randomUUID();
  readonly #task: S3Task;
  /** Until a server says that it does not know the condition. */
  #conditional: boolean;

  constructor(connection: S3Connection, upload: Upload, headers: Record<string, string | number>) {
    this.#connection = connection;
    this.#upload = upload;
    this.#headers = { ...headers, [`x-amz-meta-${PUT_ID}`]: this.#putId };
    this.#conditional = upload.options.ifAbsent === true;
    this.#task = {
      what: `write ${upload.objectName}`,
      right: 's3:PutObject',
      writes: true,
      signal: upload.options.signal,
    };
  }

  async whole(body: Body, sizeBytes: number): Promise<'created' | 'exists'> {
    const { objectName } = this.#upload;
    const { md5, sha256 } = await digestOf(body, !this.#connection.secure);
    const headers = { ...this.#headers, 'content-length': sizeBytes, 'content-md5': md5 };
    return await this.#commit(async (condition) => {
      const request = { method: 'PUT', objectName, headers: { ...headers, ...condition } } as const;
      await this.#connection.send(request, readBody(body), sha256);
    });
  }

  async inParts(file: string, parts: ByteRange[]): Promise<'created' | 'exists'> {
    const { objectName } = this.#upload;
    const connection = this.#connection;
    const uploadId = await connection.attempt(this.#task, () =>
      connection.client.initiateNewMultipartUpload(connection.place.bucket, objectName, this.#headers),
    );
    const query = `uploadId=${encodeURIComponent(uploadId)}`;
    try {
      const etags: string[] = [];
      for (const [index, bytes] of parts.entries()) {
        const body = { file, bytes };
        const { md5, sha256 } = await digestOf(body, !connection.secure);
        const request = {
          method: 'PUT',
          objectName,
          query: `partNumber=${index + 1}&${query}`,
          headers: { 'content-length': bytes.end - bytes.start + 1, 'content-md5': md5 },
        } as const;
        const answer = await connection.attempt(this.#task, () =>
          connection.send(request, readBody(body), sha256),
        );
        etags.push(answer.etag ?? '');
      }
      // Others may have been quicker, and not every server knows the condition on joining parts.
      if (this.#conditional && (await this.#there()) !== undefined) {
        await this.#abort(uploadId);
        return 'exists';
      }
      const outcome = await this.#commit(async (headers) => {
        const answer = await connection.ask({ method: 'POST', objectName, query, headers }, joinOf(etags));
        // Joining takes its time, so the server may have begun to answer 200 before it failed.
        const [, code] = /<Error>[\s\S]*?<Code>\s*(\w+)\s*<\/Code>/.exec(answer) ?? [];
        if (code !== undefined) throw Object.assign(new Error('the parts could not be joined'), { code });
      });
      if (outcome === 'exists') await this.#abort(uploadId);
      return outcome;
    } catch (error) {
      await this.#abort(uploadId);
      throw error;
    }
  }

  /** The request after which the object is there, repeated until it is known how it went. */
  async #commit(
    request: (condition: Record<string, string>) => Promise<void>,
  ): Promise<'created' | 'exists'> {
    const ifAbsent = this.#upload.options.ifAbsent === true;
    return await this.#connection.attempt(this.#task, async () => {
      try {
        await request(this.#conditional ? { 'if-none-match': '*' } : {});
        return 'created';
      } catch (error) {
        const trouble = s3Trouble(error);
        if (trouble === 'not-implemented' && this.#conditional) {
          this.#conditional = false;
          await request({});
          return 'created';
        }
        // The parts are joined already, or another writer was quicker, or the server hung up on a body that it did not want.
        const gone = systemCodeOf(error) === 'NoSuchUpload';
        const lost = ['precondition-failed', 'conflict', 'unreachable', 'silent', 'busy'].includes(trouble);
        if (gone || (ifAbsent && lost)) {
          const there = await this.#there().catch(() => undefined);
          if (there?.putId === this.#putId) return 'created';
          if (ifAbsent && there !== undefined) return 'exists';
        }
        throw error;
      }
    });
  }

  #there(): Promise<{ putId: string | undefined } | undefined> {
    return this.#upload.putIdThere();
  }

  async #abort(uploadId: string): Promise<void> {
    const signal = AbortSignal.timeout(ABORT_WITHIN_MS);
    const task = { ...this.#task, what: `give up ${this.#upload.objectName}`, signal };
    await this.#connection
      .attempt(task, () => abortUpload(this.#connection, this.#upload.objectName, uploadId))
      // The error that led here is the one to tell; the parts are swept by a later check.
      .catch(() => undefined);
  }
}

function headersOf(options: PutOptions, settings: S3Settings): Record<string, string | number> {
  const headers: Record<string, string | number> = { 'content-type': options.contentType };
  if (Object.keys(options.tags ?? {}).length > 0) headers['x-amz-tagging'] = taggingOf(options.tags ?? {});
  if (settings.encryption === 'AES256') headers['x-amz-server-side-encryption'] = 'AES256';
  else if (settings.encryption !== undefined) {
    headers['x-amz-server-side-encryption'] = 'aws:kms';
    headers['x-amz-server-side-encryption-aws-kms-key-id'] = settings.encryption.kms;
  }
  if (settings.storageClass !== undefined) headers['x-amz-storage-class'] = settings.storageClass;
  for (const [name, value] of Object.entries(options.metadata ?? {})) headers[`x-amz-meta-${name}`] = value;
  return headers;
}

function joinOf(etags: string[]): string {
  const parts = etags.map(
    (etag, index) =>
      `<Part><PartNumber>${index + 1}</PartNumber><ETag>${etag.replaceAll('"', '&quot;')}</ETag></Part>`,
  );
  return `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`;
}
