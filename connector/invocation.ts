import type { Pool } from 'undici';
import { messageOf, systemCodeOf } from '@faascam/core/errors';
import { redact } from '@faascam/core/redact';
import { headers as headerNames } from '@faascam/core/subjects';
import type { Outcome, StreamPolicy } from './policy.ts';

/** What of a message becomes a call. */
export interface Invocation {
  functionName: string;
  subject: string;
  body: Uint8Array;
  headers: Iterable<readonly [string, readonly string[]]>;
}

const MAX_REASON_CHARS = 300;

/**
 * Calls a function through the gateway: `POST /function/<name>`, the body as it is, the message's headers as HTTP
 * headers. Never throws: whatever happens is an outcome. When `signal` is aborted the call is cut off.
 */
export async function invoke(
  pool: Pool,
  basePath: string,
  invocation: Invocation,
  policy: Pick<StreamPolicy, 'timeoutMs' | 'contentType'>,
  signal: AbortSignal,
): Promise<Outcome> {
  const over = new AbortController();
  const cut = (): void => over.abort();
  const timer = setTimeout(() => over.abort(TIMED_OUT), policy.timeoutMs);
  signal.addEventListener('abort', cut, { once: true });
  if (signal.aborted) cut();
  try {
    const answer = await pool.request({
      path: `${basePath}/function/${encodeURIComponent(invocation.functionName)}`,
      method: 'POST',
      headers: httpHeaders(invocation, policy.contentType),
      body: invocation.body,
      signal: over.signal,
    });
    if (answer.statusCode >= 200 && answer.statusCode < 300) {
      // Nobody reads it, but the connection is free only once it is read.
      await answer.body.dump();
      return { kind: 'answered', status: answer.statusCode, text: '' };
    }
    return { kind: 'answered', status: answer.statusCode, text: await firstLine(answer.body) };
  } catch (error) {
    if (over.signal.reason === TIMED_OUT) return { kind: 'timeout', afterMs: policy.timeoutMs };
    return {
      kind: 'unreachable',
      cause: oneLine(messageOf(error)) || (systemCodeOf(error) ?? 'no reason given'),
    };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', cut);
  }
}

const TIMED_OUT = new Error('The call took too long.');

/** Headers that HTTP itself makes, or that would say something of the connection to the gateway. */
const OWN_TO_HTTP = new Set([
  'authorization',
  'connection',
  'content-length',
  'content-type',
  'cookie',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** The HTTP headers of a call: the message's own as far as HTTP can carry them, and whence it came. */
export function httpHeaders(
  { subject, body, headers }: Omit<Invocation, 'functionName'>,
  contentType: StreamPolicy['contentType'],
): Record<string, string | string[]> {
  const passed: Record<string, string | string[]> = {};
  for (const [name, values] of headers) {
    const lower = name.toLowerCase();
    // `Nats-...` is between publisher and server (deduplication, expectations) and means nothing to a function.
    if (!TOKEN.test(name) || OWN_TO_HTTP.has(lower) || lower.startsWith('nats-')) continue;
    const printable = values.filter((value) => PRINTABLE.test(value));
    if (printable.length > 0) passed[lower] = printable;
  }
  return {
    ...passed,
    'content-type': contentType === 'image/jpeg' && body.length === 0 ? 'application/json' : contentType,
    [headerNames.topic.toLowerCase()]: subject,
    'x-connector': 'faascam-connector',
  };
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const PRINTABLE = /^[\x20-\x7e]*$/;

/** The start of an answer's first line: why the function refused, for a log and the dead letter. */
async function firstLine(body: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const chunk of body) {
    text += chunk.toString('utf8');
    // Leaving the loop ends the stream; an error page may be long.
    if (text.length > 4 * MAX_REASON_CHARS) break;
  }
  return oneLine(text);
}

/** The first line of a text, as a NATS header can hold it. */
function oneLine(text: string): string {
  const [line = ''] = redact(text)
    .trim()
    .split(/[\r\n]/, 1);
  return line.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, MAX_REASON_CHARS);
}
