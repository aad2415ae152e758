import { Readable } from 'node:stream';
import type { FunctionContext } from '@faascam/core/function';
import { MalformedInputError, messageOf } from '@faascam/core/errors';
import { redact } from '@faascam/core/redact';

/** What goes back to the caller. `fault` is what the log should say about a failed call, with its stack if any. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: Buffer | string | Readable | undefined;
  fault?: { sentence: string; stack?: string };
}

type Verdict = { kind: 'succeeded'; value: unknown } | { kind: 'failed'; value: unknown };

/** The `context` of one call. Like in the official template, the first verdict counts and status is 200 until set. */
export class CallContext implements FunctionContext {
  #status = 200;
  #headers: Record<string, string> = {};
  #verdict: Verdict | undefined;

  status(code?: number): this {
    if (code !== undefined) this.#status = code;
    return this;
  }

  headers(values?: Record<string, string>): this {
    if (values !== undefined) this.#headers = { ...values };
    return this;
  }

  succeed(value?: unknown): this {
    this.#verdict ??= { kind: 'succeeded', value };
    return this;
  }

  fail(value?: unknown): this {
    this.#verdict ??= { kind: 'failed', value };
    return this;
  }

  /** The answer, once the handler's promise has resolved to `returned`. */
  answer(returned: unknown): Answer {
    // A handler that gives no verdict answers with what it returns, as under the official template.
    const verdict = this.#verdict ?? { kind: 'succeeded', value: returned === this ? undefined : returned };
    if (verdict.kind === 'succeeded') return succeeded(this.#status, this.#headers, verdict.value);
    return failed(verdict.value, this.#status);
  }
}

function succeeded(status: number, headers: Record<string, string>, value: unknown): Answer {
  const typed = (type: string, body: Answer['body']): Answer => ({
    status,
    headers: hasContentType(headers) ? headers : { ...headers, 'content-type': type },
    body,
  });
  if (value === undefined || value === null) return { status, headers, body: undefined };
  if (typeof value === 'string') return typed('text/plain; charset=utf-8', value);
  if (Buffer.isBuffer(value)) return typed('application/octet-stream', value);
  if (value instanceof Uint8Array) return typed('application/octet-stream', Buffer.from(value));
  if (value instanceof Readable) return typed('application/octet-stream', value);
  return typed('application/json; charset=utf-8', JSON.stringify(value));
}

function hasContentType(headers: Record<string, string>): boolean {
  return Object.keys(headers).some((name) => name.toLowerCase() === 'content-type');
}

/**
 * The answer to a handler that threw or called `fail` with `thrown`: 400 for malformed input, else `status` if that is
 * an error's, else 500. The text is one line; of errors that were not made for people's eyes it tells no more than the class.
 */
export function failed(thrown: unknown, status = 500): Answer {
  const code = codeOf(thrown);
  const sentence = oneLine(messageOf(thrown));
  const malformed = code === 'malformed-input' || thrown instanceof MalformedInputError;
  const answerStatus = malformed ? 400 : status >= 400 ? status : 500;
  const meantForPeople = code !== undefined && FAASCAM_CODE.test(code);
  const text =
    meantForPeople || !(thrown instanceof Error)
      ? sentence
      : `The function failed (${thrown.name}); its log says more.`;
  return {
    status: answerStatus,
    headers: { 'content-type': 'text/plain; charset=utf-8' },
    body: text,
    fault: {
      sentence,
      ...(thrown instanceof Error && thrown.stack !== undefined && answerStatus >= 500
        ? { stack: bounded(redact(thrown.stack), MAX_STACK_CHARS) }
        : {}),
    },
  };
}

// faascam's codes are words in lower case; those of Node's own errors (ENOENT, ERR_INVALID_ARG_TYPE) are not.
const FAASCAM_CODE = /^[a-z]+(-[a-z]+)*$/;
// The watchdog stops reading a log at a line over 64 kB.
const MAX_STACK_CHARS = 4000;
const MAX_SENTENCE_CHARS = 500;

/** By its `code`, not its class: the handler's bundle may hold a copy of the class. */
function codeOf(thrown: unknown): string | undefined {
  return typeof thrown === 'object' && thrown !== null && 'code' in thrown && typeof thrown.code === 'string'
    ? thrown.code
    : undefined;
}

function oneLine(text: string): string {
  const line = redact(text)
    .split(/[\r\n]/, 1)[0]
    ?.trim();
  return bounded(
    line === undefined || line === '' ? 'The function failed without a reason.' : line,
    MAX_SENTENCE_CHARS,
  );
}

function bounded(text: string, chars: number): string {
  return text.length > chars ? `${text.slice(0, chars)}...` : text;
}
