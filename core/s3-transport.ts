import { AsyncLocalStorage } from 'node:async_hooks';
import * as http from 'node:http';
import { buffer } from 'node:stream/consumers';

/** Answers of a server that may do better the next time; of these the client would only tell the status. */
const PASSING = new Set([408, 429, 499, 500, 502, 503, 504, 507, 520]);
/** A full disk comes by a status alone, from some servers. */
const FULL = 507;

/** A server's answer that it cannot do it now. */
export class S3BusyError extends Error {
  override readonly name = 'S3BusyError';
  /** S3's error code; `HTTP 503` and the like when the answer has none. */
  readonly code: string;
  /** The server asks for so much patience. */
  readonly retryAfterMs: number | undefined;

  constructor(code: string, retryAfterMs: number | undefined) {
    super(`the server answered ${code}`);
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

const signals = new AsyncLocalStorage<AbortSignal | undefined>();

/** Runs the action; the requests that it makes end when the signal fires. */
export function withSignal<T>(signal: AbortSignal | undefined, action: () => Promise<T>): Promise<T> {
  return signals.run(signal, action);
}

export interface TransportOptions {
  idleTimeoutMs: number;
  /** Hears of every answer as it begins. */
  heard: (response: http.IncomingMessage) => void;
}

/**
 * Node's `request` as the S3 client calls it, with what the client lacks: an end for a server that has fallen silent,
 * signals, and answers such as 503 told as `S3BusyError` with their code and `Retry-After`.
 */
export function s3Request(request: typeof http.request, options: TransportOptions): typeof http.request {
  type Callback = (response: http.IncomingMessage) => void;
  function made(options: http.RequestOptions | string | URL, callback?: Callback): http.ClientRequest;
  function made(url: string | URL, options: http.RequestOptions, callback?: Callback): http.ClientRequest;
  function made(
    target: http.RequestOptions | string | URL,
    second?: http.RequestOptions | Callback,
  ): http.ClientRequest {
    if (typeof target === 'string' || target instanceof URL || typeof second === 'object') {
      throw new TypeError('the S3 client makes requests by options');
    }
    const signal = signals.getStore();
    let answer: http.IncomingMessage | undefined;
    const made = request(signal === undefined ? target : { ...target, signal }, (response) => {
      answer = response;
      options.heard(response);
      if (!PASSING.has(response.statusCode ?? 0)) second?.(response);
      else void busyErrorOf(response).then((error) => made.emit('error', error));
    });
    made.setTimeout(options.idleTimeoutMs, () => {
      // Bytes lie here unread: it is the reader who takes his time, like a film that is paused.
      if (answer !== undefined && answer.readableLength > 0) made.setTimeout(options.idleTimeoutMs);
      else made.destroy(Object.assign(new Error('the server fell silent'), { code: 'ETIMEDOUT' }));
    });
    return made;
  }
  return made;
}

async function busyErrorOf(response: http.IncomingMessage): Promise<S3BusyError> {
  const status = response.statusCode ?? 0;
  // An answer that breaks off says no less than one without a body.
  const text = await buffer(response).then(String, () => '');
  const [, code] = /<Code>\s*(\w+)\s*<\/Code>/.exec(text) ?? [];
  const fallback = status === FULL ? 'InsufficientStorage' : `HTTP ${status}`;
  return new S3BusyError(code ?? fallback, retryAfterMs(response.headers['retry-after']));
}

/** The header holds seconds or a date (RFC 9110, 10.2.3). */
function retryAfterMs(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}
