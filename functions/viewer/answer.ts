import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { FaascamError } from '@faascam/core/errors';
import type { FunctionContext } from '@faascam/core/function';

/** What a request is answered with. A stream is read by whoever sends it, and destroyed if the caller goes away. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string | Buffer | Readable | undefined;
}

/** The request's method and headers, as far as answers depend on them. */
export interface Asked {
  method: string;
  /** A request header by name in any case; undefined if absent or empty. */
  header(name: string): string | undefined;
}

/** What else than the viewer the page may use. */
export interface Elsewhere {
  /** The agents' live servers. */
  liveUrls: readonly string[];
  /** Where clips come from, in place of the viewer. */
  mediaOrigin: string | undefined;
}

function contentPolicy({ liveUrls, mediaOrigin }: Elsewhere): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' blob:",
    // What Media Source Extensions play has an address of this kind.
    ["media-src 'self' blob:", mediaOrigin ?? []].flat().join(' '),
    ["connect-src 'self'", ...liveUrls.flatMap(originsOf)].join(' '),
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'self'",
    "require-trusted-types-for 'script'",
    // For the address of its service worker alone.
    'trusted-types faascam',
  ].join('; ');
}

/** For HTTP and WebSockets; nothing for what is no address. */
function originsOf(url: string): string[] {
  if (!URL.canParse(url)) return [];
  const { origin, protocol } = new URL(url);
  return protocol === 'http:' || protocol === 'https:' ? [origin, origin.replace(/^http/, 'ws')] : [];
}

/**
 * On every answer. The page brings all it needs: nothing is loaded from elsewhere, nothing inline runs, and text
 * can only enter it as text.
 */
const SECURITY_HEADERS = {
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), microphone=(), geolocation=()',
} as const;

/** JSON that is asked for again and again: unchanged, it costs no body. */
export function jsonAnswer(asked: Asked, value: unknown): Answer {
  const body = JSON.stringify(value);
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
  const headers = { 'Cache-Control': 'no-cache', ETag: etag };
  if (asked.header('if-none-match') === etag) return { status: 304, headers, body: undefined };
  return { status: 200, headers: { ...headers, 'Content-Type': 'application/json; charset=utf-8' }, body };
}

export function errorAnswer(status: number, sentence: string): Answer {
  return {
    status,
    headers: { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store' },
    body: JSON.stringify({ error: sentence }),
  };
}

/** Asked for something that is not there. */
export class NotFoundError extends FaascamError {
  override readonly name = 'NotFoundError';

  constructor(message: string) {
    super('not-found', message);
  }
}

/** Hands the answer to the function's context. An answer to HEAD has the headers of GET and no body. */
export function send(
  asked: Asked,
  answer: Answer,
  context: FunctionContext,
  elsewhere: Elsewhere = { liveUrls: [], mediaOrigin: undefined },
): FunctionContext {
  const { status, headers, body } = answer;
  const all: Record<string, string> = {
    'Content-Security-Policy': contentPolicy(elsewhere),
    ...SECURITY_HEADERS,
    ...headers,
  };
  if (typeof body === 'string' || Buffer.isBuffer(body)) {
    all['Content-Length'] = String(Buffer.byteLength(body));
  }
  if (asked.method !== 'HEAD') return context.status(status).headers(all).succeed(body);
  if (body instanceof Readable) body.destroy();
  return context.status(status).headers(all).succeed();
}
