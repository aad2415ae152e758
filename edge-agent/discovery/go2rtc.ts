import { z } from 'zod';
import { FaascamError, messageOf, systemCodeOf, UsageError } from '@faascam/core/errors';
import { printable } from './printable.ts';

/** go2rtc could not be asked. The message has no password. */
export class Go2rtcError extends FaascamError {
  override readonly name = 'Go2rtcError';
}

/** Where a go2rtc is: its API without login, the login as it goes into a URL (`user:password@` or nothing). */
export interface Go2rtcAddress {
  host: string;
  login: string;
}

export interface Go2rtcStream {
  /** `host:port` of the API. */
  host: string;
  login: string;
  name: string;
  /** What go2rtc knows of the stream: `rtsp`, or once somebody watches `H264, AAC`. */
  offers: string;
}

const PORT = 1984;
const LIMIT_MS = 5000;
/** A stream is some 200 bytes; nobody has so many. */
const LONGEST_ANSWER = 4 * 1024 * 1024;

/** Reads `[http://][user:password@]host[:1984][/]`. Throws `UsageError` `bad-go2rtc`. */
export function go2rtcAddress(text: string): Go2rtcAddress {
  const address = /^[a-z0-9]+:\/\//i.test(text) ? text.replace(/^go2rtc:/i, 'http:') : `http://${text}`;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url?.protocol !== 'http:' || url.hostname === '' || url.pathname !== '/') {
    throw new UsageError(
      'bad-go2rtc',
      'This is no address of a go2rtc: give its host, as 192.0.2.5 or host:1984.',
    );
  }
  // The default port of http is not the one that go2rtc is found on.
  const port = url.port === '' ? (/:80\/?$/.test(address) ? 80 : PORT) : url.port;
  const login = url.username === '' ? '' : `${url.username}:${url.password}@`;
  return { host: `${url.hostname}:${port}`, login };
}

const producer = z.object({
  url: z.string().catch(''),
  medias: z.array(z.string()).nullish().catch(undefined),
});
const streams = z.record(
  z.string(),
  z.object({ producers: z.array(producer).nullish().catch(undefined) }).nullable(),
);

/**
 * The streams that a go2rtc has, by its API. Throws `Go2rtcError`: `go2rtc-unreachable`, `go2rtc-refused` (it wants
 * another login), `go2rtc-garbled` (something else answers there).
 */
export async function go2rtcStreams(address: Go2rtcAddress, signal: AbortSignal): Promise<Go2rtcStream[]> {
  const { host, login } = address;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]);
  let status: number;
  let body: string;
  try {
    const response = await fetch(`http://${host}/api/streams`, {
      signal: limit,
      redirect: 'error',
      headers: login === '' ? {} : { authorization: `Basic ${basic(login)}` },
    });
    status = response.status;
    body = await textOf(response);
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof Go2rtcError) throw cause;
    throw new Go2rtcError('go2rtc-unreachable', `go2rtc at ${host} ${whyUnreachable(cause)}.`, { cause });
  }
  if (status === 401 || status === 403) {
    throw new Go2rtcError(
      'go2rtc-refused',
      `go2rtc at ${host} refused the login: give it as user:password@host, as in its api section.`,
    );
  }
  const parsed = status === 200 ? streams.safeParse(jsonOf(body)) : undefined;
  if (parsed?.success !== true) {
    throw new Go2rtcError(
      'go2rtc-garbled',
      `What answers at ${host} is no go2rtc (HTTP status ${status}): check host and port of its API, ${PORT} by default.`,
    );
  }
  return Object.entries(parsed.data).map(([name, stream]) => ({
    ...{ host, login, name },
    offers: offersOf(stream?.producers ?? []),
  }));
}

/** Producers' addresses have passwords in them; only their schemes are told. */
function offersOf(producers: readonly z.infer<typeof producer>[]): string {
  const codecs = producers
    .flatMap(({ medias }) => medias ?? [])
    .flatMap((media) => (/^(?:video|audio), recvonly,/.test(media) ? media.split(',').slice(2) : []))
    .map((codec) => codec.trim().split('/')[0] ?? '');
  const schemes = producers.map(({ url }) => /^([a-z0-9+.-]{1,20}):/i.exec(url)?.[1] ?? '');
  const known = [...new Set(codecs.some(Boolean) ? codecs : schemes)].filter((word) => word !== '');
  return printable(known.join(', '));
}

function whyUnreachable(cause: unknown): string {
  if (cause instanceof Error && cause.name === 'TimeoutError') return 'does not answer';
  const reason = cause instanceof Error && cause.cause !== undefined ? cause.cause : cause;
  switch (systemCodeOf(reason)) {
    case 'ECONNREFUSED':
      return 'does not listen: check that it runs, and the port of its API';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'has a host name that no name server knows';
    default:
      return `cannot be reached (${messageOf(reason)})`;
  }
}

function basic(login: string): string {
  return Buffer.from(decodeURIComponent(login.slice(0, -1))).toString('base64');
}

async function textOf(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  const body: AsyncIterable<unknown> | null = response.body;
  let text = '';
  if (body === null) return text;
  for await (const chunk of body) {
    if (chunk instanceof Uint8Array) text += decoder.decode(chunk, { stream: true });
    if (text.length > LONGEST_ANSWER) throw new Go2rtcError('go2rtc-garbled', 'go2rtc answers without end.');
  }
  return text + decoder.decode();
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The caller says that this is no go2rtc.
    return undefined;
  }
}
