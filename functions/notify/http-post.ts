import { readFileSync } from 'node:fs';
import { messageOf, systemCodeOf, UsageError } from '@faascam/core/errors';
import { Agent, request } from 'undici';
import { AddressRefusedError, guardedLookup, requireOpen } from './address-guard.ts';

export interface Post {
  url: string;
  headers: Record<string, string>;
  body: string | Buffer;
  timeoutMs: number;
  /** PEM; empty: the authorities that Node knows. */
  caFile: string;
  /** Whether the own network may be spoken to. */
  allowPrivate: boolean;
}

/** What came of a POST. `silent`: nobody answered; `address`: it was not sent. Texts are for people, without the URL. */
export type Posted =
  | { kind: 'answered'; status: number; text: string; retryAfterMs: number | undefined }
  | { kind: 'silent'; cause: string }
  | { kind: 'address'; cause: string };

const MOST_TEXT = 200;

/**
 * Posts once. Redirects are not followed: who is to be told is what the settings say. Throws `UsageError` for a file of
 * certificates that cannot be read.
 */
export async function post({ url, headers, body, timeoutMs, caFile, allowPrivate }: Post): Promise<Posted> {
  const ca = caFile === '' ? {} : { ca: certificates(caFile) };
  const agent = new Agent({
    connect: { ...ca, lookup: guardedLookup(allowPrivate), timeout: timeoutMs },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  });
  try {
    requireOpen(new URL(url), allowPrivate);
    const answer = await request(url, {
      method: 'POST',
      headers,
      body,
      dispatcher: agent,
      signal: AbortSignal.timeout(timeoutMs),
    });
    return {
      kind: 'answered',
      status: answer.statusCode,
      // The status says all; a text that breaks off or never ends is none.
      text: await firstText(answer.body).catch(() => ''),
      retryAfterMs: retryAfterOf(answer.headers['retry-after']),
    };
  } catch (error) {
    if (error instanceof AddressRefusedError) return { kind: 'address', cause: error.message };
    return { kind: 'silent', cause: causeOf(error, timeoutMs) };
  } finally {
    await agent.destroy();
  }
}

function certificates(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new UsageError('secret-missing', `The file ${path} (caFile) cannot be read: put it there.`, {
      cause,
    });
  }
}

/** The beginning of an answer, on one line: a target may say why it refuses. */
async function firstText(body: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const chunk of body) {
    text += chunk.toString('utf8');
    if (text.length > 4 * MOST_TEXT) break;
  }
  return text
    .replaceAll(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, MOST_TEXT);
}

/** Seconds, or a date (RFC 9110). */
function retryAfterOf(value: string | string[] | undefined): number | undefined {
  const text = Array.isArray(value) ? value[0] : value;
  if (text === undefined) return undefined;
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isFinite(ms) && ms > 0 ? ms : undefined;
}

function causeOf(error: unknown, timeoutMs: number): string {
  if (error instanceof DOMException && error.name === 'TimeoutError')
    return `no answer within ${timeoutMs} ms`;
  return messageOf(error) || (systemCodeOf(error) ?? 'no reason told');
}
