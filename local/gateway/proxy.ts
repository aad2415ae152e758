import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { Pool } from 'undici';
import { messageOf } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';

export interface ForwardOptions {
  name: string;
  pool: Pool;
  /** Path and query as the function shall see them. */
  path: string;
  /** Until the answer begins; 0 means for ever. Its body may take longer: a clip plays as slowly as a person watches. */
  timeoutMs: number;
  log: Logger;
}

/** Headers that concern one connection only (RFC 9110, 7.6.1), and those that the next hop's client makes itself. */
const PER_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
  'host',
]);

const TIMED_OUT = new Error('The function did not answer in time.');

/** Passes a call on to a function and its answer back, streaming both; whoever leaves ends the other side's stream. */
export async function forward(
  request: IncomingMessage,
  response: ServerResponse,
  options: ForwardOptions,
): Promise<void> {
  const over = new AbortController();
  const timer =
    options.timeoutMs > 0 ? setTimeout(() => over.abort(TIMED_OUT), options.timeoutMs) : undefined;
  response.once('close', () => over.abort());
  try {
    const answer = await options.pool.request({
      path: options.path,
      method: request.method ?? 'GET',
      headers: { ...passedOn(request.headers), ...forwarded(request) },
      body: hasBody(request.headers) ? request : null,
      signal: over.signal,
    });
    clearTimeout(timer);
    response.writeHead(answer.statusCode, passedOn(answer.headers));
    await pipeline(answer.body, response);
  } catch (error) {
    clearTimeout(timer);
    if (response.headersSent || response.destroyed) {
      // Too late for an answer: a cut connection is what tells the caller.
      if (!over.signal.aborted)
        options.log.warn({ function: options.name, err: messageOf(error) }, 'an answer broke off');
      response.destroy();
      return;
    }
    const timedOut = over.signal.reason === TIMED_OUT;
    const [status, text] = timedOut
      ? [504, `${options.name} did not answer within ${options.timeoutMs} ms.`]
      : [502, `Can't reach service for: ${options.name}.`];
    if (!timedOut) options.log.warn({ function: options.name, err: messageOf(error) }, 'a call failed');
    answerText(response, status, text);
  }
}

/** Answers with a line of text. */
export function answerText(
  response: ServerResponse,
  status: number,
  text: string,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...headers });
  response.end(text);
}

function hasBody(headers: IncomingHttpHeaders): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}

function passedOn(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  const named = new Set(
    (typeof headers.connection === 'string' ? headers.connection : '')
      .split(',')
      .map((name) => name.trim().toLowerCase()),
  );
  const kept: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !PER_HOP.has(name) && !named.has(name)) kept[name] = value;
  }
  return kept;
}

/** What OpenFaaS's gateway tells a function of the original request. */
function forwarded(request: IncomingMessage): Record<string, string> {
  const { host, 'x-forwarded-for': forwardedFor } = request.headers;
  const { remoteAddress } = request.socket;
  return {
    ...(host === undefined ? {} : { 'x-forwarded-host': host }),
    // Behind what a proxy in front has told of whoever asked it: the last is the one that we know ourselves.
    ...(remoteAddress === undefined
      ? {}
      : { 'x-forwarded-for': [forwardedFor, remoteAddress].flat().filter(Boolean).join(', ') }),
  };
}
