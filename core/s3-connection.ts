import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as http from 'node:http';
import * as https from 'node:https';
import { rootCertificates } from 'node:tls';
import { buffer } from 'node:stream/consumers';
import { Client } from 'minio';
import type { Readable } from 'node:stream';
import { systemClock } from './clock.ts';
import { systemCodeOf, UsageError } from './errors.ts';
import { S3Credentials, type S3Keys } from './s3-credentials.ts';
import { isAboutKeys, s3ErrorOf, s3Trouble, type S3Deed, type S3Place } from './s3-errors.ts';
import { nextTryMs } from './s3-retry.ts';
import { S3BusyError, s3Request, withSignal } from './s3-transport.ts';
import type { S3Settings } from './store-settings.ts';

/** Whoever reads waits for the answer, and comes again: enough for a connection that was dead already. */
const READ_RETRY_MS = 1000;

export interface S3Request {
  method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Under the bucket; without one, the bucket itself. */
  objectName?: string;
  query?: string;
  headers?: Record<string, string | number>;
}

/** What is done with the store, for `attempt`. */
export interface S3Task extends S3Deed {
  /** Whether something is written, which nobody waits for, so that it is repeated for longer. */
  writes?: boolean;
  signal?: AbortSignal | undefined;
}

/**
 * A bucket of an S3 server, through the `minio` client. `attempt` gives every call what the client lacks: keys that
 * change, repetition of what failed for a passing reason, signals, and errors in words. The client's own retries
 * are off: they would send a stream that was read already. Whoever opened it closes it.
 */
export class S3Connection {
  readonly place: S3Place;
  readonly secure: boolean;
  readonly client: KeyedClient;
  readonly #settings: S3Settings;
  readonly #credentials: S3Credentials;
  readonly #agent: http.Agent;
  /** For addresses at `browserEndpoint`; it asks nothing. */
  #signer: KeyedClient | undefined;

  /** Throws `UsageError` for settings that cannot be right. */
  constructor(settings: S3Settings, env: NodeJS.ProcessEnv) {
    const url = endpointOf(settings.endpoint);
    if (settings.browserEndpoint !== '') endpointOf(settings.browserEndpoint, 'browserEndpoint');
    this.#settings = settings;
    this.secure = url.protocol === 'https:';
    this.#credentials = new S3Credentials(settings, env);
    this.place = {
      endpoint: settings.endpoint,
      bucket: settings.bucket,
      region: settings.region,
      pathStyle: settings.pathStyle,
      keysFrom: this.#credentials.from,
      extras: (['encryption', 'storageClass'] as const)
        .filter((name) => settings[name] !== undefined)
        .map((name) => `store.${name}`),
      clockAheadMs: 0,
    };
    this.#agent = this.secure
      ? new https.Agent({ keepAlive: true, ...trustOf(settings.caFile) })
      : new http.Agent({ keepAlive: true });
    const transport = {
      idleTimeoutMs: settings.idleTimeoutMs,
      heard: (response: http.IncomingMessage): void => {
        const date = Date.parse(response.headers.date ?? '');
        if (Number.isFinite(date)) this.place.clockAheadMs = date - Date.now();
      },
    };
    this.client = new KeyedClient({
      ...addressOf(url),
      region: settings.region,
      pathStyle: settings.pathStyle,
      ...this.#credentials.get(),
      transport: { request: s3Request(this.secure ? https.request : http.request, transport) },
      transportAgent: this.#agent,
      retryOptions: { disableRetry: true },
    });
  }

  /** Runs the action, again where that may help, and gives its error in words. */
  async attempt<T>(task: S3Task, action: () => Promise<T>): Promise<T> {
    let firstFailure: number | undefined;
    for (let tries = 1; ; tries++) {
      task.signal?.throwIfAborted();
      this.client.use(this.#credentials.get());
      const { version } = this.#credentials;
      try {
        return await withSignal(task.signal, action);
      } catch (error) {
        task.signal?.throwIfAborted();
        if (isAboutKeys(error)) {
          this.#credentials.refresh();
          if (this.#credentials.version !== version) continue;
        }
        firstFailure ??= performance.now();
        const waitMs = nextTryMs({
          trouble: s3Trouble(error),
          tries,
          sinceFirstFailureMs: performance.now() - firstFailure,
          retryMs: Math.min(this.#settings.retryMs, task.writes === true ? Infinity : READ_RETRY_MS),
          retryAfterMs: error instanceof S3BusyError ? error.retryAfterMs : undefined,
          chance: Math.random(),
        });
        if (waitMs === undefined) throw s3ErrorOf(error, task, this.place);
        await systemClock.sleep(waitMs, task.signal);
      }
    }
  }

  /** One request with a small body, and its whole answer. */
  async ask(request: S3Request, body = ''): Promise<string> {
    const bucketName = this.place.bucket;
    const response = await this.client.makeRequestAsync({ ...request, bucketName }, body, [200, 204]);
    return (await buffer(response)).toString();
  }

  /**
   * An address by which whoever has it reads the object at `browserEndpoint`, for so many seconds from a time on; `told` are
   * headers that the answer is to have, as S3 names them.
   */
  async presigned(
    objectName: string,
    told: Record<string, string>,
    expiresS: number,
    from: Date,
  ): Promise<string> {
    const url = endpointOf(this.#settings.browserEndpoint, 'browserEndpoint');
    this.#signer ??= new KeyedClient({
      ...addressOf(url),
      region: this.#settings.region,
      pathStyle: this.#settings.pathStyle,
      ...this.#credentials.get(),
    });
    this.#signer.use(this.#credentials.get());
    return await this.#signer.presignedUrl('GET', this.place.bucket, objectName, expiresS, told, from);
  }

  /** One PUT of a stream. `sha256` in hex. */
  async send(request: S3Request, body: Buffer | Readable, sha256: string): Promise<http.IncomingHttpHeaders> {
    try {
      const response = await this.client.makeRequestStreamAsync(
        { ...request, bucketName: this.place.bucket },
        body,
        // Over TLS the client leaves the payload out of the signature.
        this.secure ? '' : sha256,
        [200],
        this.place.region,
      );
      await buffer(response);
      return response.headers;
    } finally {
      if (!Buffer.isBuffer(body)) body.destroy();
    }
  }

  close(): void {
    this.#agent.destroy();
  }
}

class KeyedClient extends Client {
  /** The keys of requests that begin from now on. */
  use({ accessKey, secretKey, sessionToken }: S3Keys): void {
    this.accessKey = accessKey;
    this.secretKey = secretKey;
    if (sessionToken === undefined) delete this.sessionToken;
    else this.sessionToken = sessionToken;
  }
}

function addressOf(url: URL): { endPoint: string; port: number; useSSL: boolean } {
  const useSSL = url.protocol === 'https:';
  const port = url.port === '' ? (useSSL ? 443 : 80) : Number(url.port);
  return { endPoint: url.hostname.replaceAll(/^\[|\]$/g, ''), port, useSSL };
}

function endpointOf(endpoint: string, setting = 'endpoint'): URL {
  const url = new URL(endpoint);
  if (url.pathname === '/' && url.search === '' && url.username === '') return url;
  throw new UsageError(
    'bad-setting',
    `store.${setting} must be a scheme, a host and perhaps a port, like https://s3.example.com:9000.`,
  );
}

/** Trust in the usual authorities and in that of `caFile`. */
function trustOf(caFile: string | undefined): { ca?: string[] } {
  if (caFile === undefined) return {};
  let text: string;
  try {
    text = readFileSync(caFile, 'utf8');
  } catch (cause) {
    throw new UsageError(
      'bad-setting',
      `The file ${caFile} of store.caFile cannot be read (${systemCodeOf(cause) ?? 'unknown error'}): correct its path or its rights.`,
      { cause },
    );
  }
  try {
    // Reads the first one only; enough to tell a key or a bundle of another format.
    new X509Certificate(text);
  } catch (cause) {
    throw new UsageError(
      'bad-setting',
      `The file ${caFile} of store.caFile holds no certificate in PEM form (BEGIN CERTIFICATE).`,
      { cause },
    );
  }
  return { ca: [...rootCertificates, text] };
}
