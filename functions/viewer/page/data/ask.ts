import { errorAnswer } from '../api.ts';
import { addressOf } from '../place.ts';
import { ShapeError, type Check } from '../shape.ts';
import { words } from '../words/words.ts';

/** The viewer did not give what was asked for: `message` is a sentence for people. */
export class AnswerError extends Error {
  override readonly name = 'AnswerError';
  /** 0 when no answer came at all. */
  readonly status: number;

  constructor(status: number, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.status = status;
  }
}

const TIMEOUT_MS = 15_000;

/** Asks the API for JSON; `url` is relative to the page's own address. Throws `AnswerError`. */
export async function ask<T>(url: string, check: Check<T>): Promise<T> {
  const response = await answerOf(url, { cache: 'no-cache' });
  const body = await bodyOf(response);
  try {
    return check(body, 'the answer');
  } catch (cause) {
    if (!(cause instanceof ShapeError)) throw cause;
    throw new AnswerError(response.status, words.value.faults.version, { cause });
  }
}

/** Asks for something to be done. Gives what was answered, or undefined where that is nothing. Throws `AnswerError`. */
export async function tell(
  method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  url: string,
  body?: unknown,
): Promise<unknown> {
  const headers: Record<string, string> = Object.fromEntries(ownHeaders);
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  const response = await answerOf(url, init);
  return response.status === 204 ? undefined : await bodyOf(response);
}

/** Headers that go with everything that is to be done, such as the session's token against forged requests. */
export const ownHeaders = new Map<string, string>();

/** Called with the status of each refusal: a session may have ended. */
export const refusals = new Set<(status: number) => void>();

async function answerOf(url: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(addressOf(url), { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (cause) {
    throw new AnswerError(0, words.value.faults.away, { cause });
  }
  if (response.ok) return response;
  for (const heard of refusals) heard(response.status);
  throw new AnswerError(response.status, sentenceIn(await bodyOf(response), response.status));
}

async function bodyOf(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch (cause) {
    throw new AnswerError(response.status, words.value.faults.improper(response.status), { cause });
  }
}

function sentenceIn(body: unknown, status: number): string {
  try {
    return errorAnswer(body, 'the error').error;
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    return words.value.faults.refused(status);
  }
}

/** What to tell people of an error. What was not foreseen is a fault of the page, told in the console. */
export function sentenceOf(error: unknown): string {
  if (error instanceof AnswerError) return error.message;
  console.error(error);
  return words.value.faults.page;
}
