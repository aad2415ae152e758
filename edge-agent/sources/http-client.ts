import http from 'node:http';
import https from 'node:https';
import { systemCodeOf } from '@faascam/core/errors';
import { authorization, chooseChallenge, parseChallenges, type Challenge, type Login } from './http-auth.ts';
import { loginOf } from './network-url.ts';
import { connectionError, SourceError } from './source-error.ts';

/** A camera that takes longer than this to begin its answer does not answer. */
const ANSWER_MS = 10_000;
const MOST_REDIRECTS = 4;

export interface HttpAnswer {
  status: number;
  headers: http.IncomingHttpHeaders;
  /** Where the answer came from, after redirects; without user and password. */
  url: URL;
  /** Read it or destroy it. */
  body: http.IncomingMessage;
}

export interface HttpRequest {
  method?: 'GET' | 'POST';
  headers?: Record<string, string>;
  body?: string;
  signal: AbortSignal;
}

/**
 * Asks one camera over HTTP, one request after the other over one connection, with the basic or digest authentication
 * that it wants. Follows redirects to other HTTP addresses, but gives user and password to the camera's own host alone.
 *
 * Certificates are not checked: cameras make their own, and ffmpeg, which fetches the stream, does not check either.
 */
export class HttpClient {
  readonly #camera: URL;
  readonly #login: Login | undefined;
  readonly #agents = {
    'http:': new http.Agent({ keepAlive: true, maxSockets: 1 }),
    'https:': new https.Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false }),
  };
  #challenge: Challenge | undefined;
  #count = 0;

  /** `address` is where the camera is, with user and password if it wants them. */
  constructor(address: URL) {
    this.#camera = address;
    this.#login = loginOf(address);
  }

  /** Rejects with `SourceError` when there is no answer, and with the signal's reason. Any status is an answer. */
  async ask(address: URL, request: HttpRequest): Promise<HttpAnswer> {
    let url = withoutLogin(address);
    let redirects = 0;
    let mayLogIn = true;
    for (;;) {
      const body = await this.#send(url, request);
      const status = body.statusCode ?? 0;
      const { location } = body.headers;
      if (status >= 300 && status < 400 && status !== 304 && location !== undefined) {
        await discard(body);
        redirects += 1;
        url = redirected(url, location, redirects);
      } else if (status === 401 && mayLogIn && this.#challenged(url, body)) {
        await discard(body);
        mayLogIn = false;
      } else {
        return { status, headers: body.headers, url, body };
      }
    }
  }

  /** Whether the camera wants an authentication that ffmpeg does not know: a digest other than MD5's. */
  get isBeyondFfmpeg(): boolean {
    const algorithm = this.#challenge?.parameters.get('algorithm') ?? 'MD5';
    return this.#challenge?.scheme === 'digest' && !/^MD5\b/i.test(algorithm);
  }

  /** Ends the connection. */
  close(): void {
    for (const agent of Object.values(this.#agents)) agent.destroy();
  }

  /** The camera's own host, and not in clear text where it was to be encrypted. */
  #isCamera(url: URL): boolean {
    return (
      url.hostname === this.#camera.hostname &&
      (this.#camera.protocol === 'http:' || url.protocol === 'https:')
    );
  }

  /** Takes up the server's challenge; false if there is none that we could answer. */
  #challenged(url: URL, answer: http.IncomingMessage): boolean {
    if (this.#login === undefined || !this.#isCamera(url)) return false;
    this.#challenge = chooseChallenge(parseChallenges(answer.headers['www-authenticate'] ?? ''));
    this.#count = 0;
    return this.#challenge !== undefined;
  }

  #authorization(url: URL, method: string): Record<string, string> {
    if (this.#login === undefined || this.#challenge === undefined || !this.#isCamera(url)) return {};
    this.#count += 1;
    const path = `${url.pathname}${url.search}`;
    return {
      authorization: authorization(this.#challenge, this.#login, { method, path, count: this.#count }),
    };
  }

  async #send(url: URL, request: HttpRequest): Promise<http.IncomingMessage> {
    const { signal, body, method = 'GET' } = request;
    signal.throwIfAborted();
    const secure = url.protocol === 'https:';
    const impatient = new AbortController();
    return await new Promise<http.IncomingMessage>((resolve, reject) => {
      const options = {
        method,
        agent: this.#agents[secure ? 'https:' : 'http:'],
        headers: { accept: '*/*', ...request.headers, ...this.#authorization(url, method) },
        // Cameras are careless with line ends and header characters.
        insecureHTTPParser: true,
        signal: AbortSignal.any([signal, impatient.signal]),
      };
      const outgoing = secure ? https.request(url, options) : http.request(url, options);
      const patience = setTimeout(() => impatient.abort(), ANSWER_MS);
      outgoing.once('response', (answer) => {
        clearTimeout(patience);
        // Whoever reads the body hears of it; nobody else needs to.
        answer.on('error', () => undefined);
        resolve(answer);
      });
      outgoing.on('error', (error) => {
        clearTimeout(patience);
        if (signal.aborted) reject(signal.reason instanceof Error ? signal.reason : error);
        else if (impatient.signal.aborted)
          reject(connectionError(Object.assign(error, { code: 'ETIMEDOUT' })));
        else if (systemCodeOf(error) === 'ECONNRESET' && outgoing.reusedSocket) {
          // The camera had closed the idle connection just then: not its answer to this request.
          this.#send(url, request).then(resolve, reject);
        } else reject(connectionError(error));
      });
      outgoing.end(body);
    });
  }
}

/**
 * The whole body, at most `mostBytes` of it. Rejects with `SourceError` `too-large`, `cut-off`, or `timeout` when
 * nothing more came for `silenceMs`.
 */
export async function readBody(
  answer: HttpAnswer,
  options: { mostBytes: number; silenceMs?: number },
): Promise<Buffer> {
  const { body } = answer;
  const chunks: Buffer[] = [];
  let length = 0;
  const silence = new AbortController();
  const patience = setTimeout(() => {
    silence.abort();
    body.destroy();
  }, options.silenceMs ?? ANSWER_MS);
  try {
    for await (const chunk of body) {
      if (!Buffer.isBuffer(chunk)) continue;
      patience.refresh();
      chunks.push(chunk);
      length += chunk.length;
      if (length > options.mostBytes) {
        throw new SourceError(
          'too-large',
          `sends more than ${Math.round(options.mostBytes / 1e6)} MB for one answer: check the path in its source`,
          'slow',
        );
      }
    }
  } catch (error) {
    if (error instanceof SourceError) throw error;
    throw connectionError(
      silence.signal.aborted ? Object.assign(new Error('silent'), { code: 'ETIMEDOUT' }) : error,
    );
  } finally {
    clearTimeout(patience);
  }
  return Buffer.concat(chunks);
}

/** The address without user and password. */
export function withoutLogin(address: URL): URL {
  const url = new URL(address.href);
  url.username = '';
  url.password = '';
  return url;
}

function redirected(from: URL, location: string, redirects: number): URL {
  const to = URL.canParse(location, from.href) ? new URL(location, from.href) : undefined;
  if (to === undefined || !['http:', 'https:'].includes(to.protocol)) {
    throw new SourceError(
      'bad-redirect',
      'sends us to an address that is no web address: check the path in its source',
      'slow',
    );
  }
  if (redirects > MOST_REDIRECTS) {
    throw new SourceError('bad-redirect', 'sends us from address to address in a circle', 'slow');
  }
  return withoutLogin(to);
}

/** Reads a short body to its end, so that the connection can be used again; ends the connection for a long one. */
async function discard(body: http.IncomingMessage): Promise<void> {
  let length = 0;
  const patience = setTimeout(() => body.destroy(), 2000);
  try {
    for await (const chunk of body) {
      if (Buffer.isBuffer(chunk)) length += chunk.length;
      if (length > 64_000) break;
    }
  } catch {
    // The next request gets a connection of its own.
  } finally {
    clearTimeout(patience);
  }
}
