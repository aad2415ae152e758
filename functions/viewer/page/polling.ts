import { ShapeError, type Check } from './shape.ts';
import { errorAnswer } from './api.ts';

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

/** Asks the API for JSON. Throws `AnswerError`. */
export async function ask<T>(url: string, check: Check<T>): Promise<T> {
  let response: Response;
  try {
    response = await fetch(url, { cache: 'no-cache', signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (cause) {
    throw new AnswerError(0, 'The viewer does not answer.', { cause });
  }
  let body: unknown;
  try {
    body = await response.json();
    if (response.ok) return check(body, 'the answer');
  } catch (cause) {
    const sentence =
      cause instanceof ShapeError
        ? 'The viewer is of another version than this page: reload it.'
        : `The viewer does not answer properly (${String(response.status)}).`;
    throw new AnswerError(response.status, sentence, { cause });
  }
  throw new AnswerError(response.status, sentenceOf(body, response.status));
}

function sentenceOf(body: unknown, status: number): string {
  try {
    return errorAnswer(body, 'the error').error;
  } catch {
    return `The viewer refused (${String(status)}).`;
  }
}

/**
 * Runs `task` now and again `everyMs` after it has ended, as long as the page is visible; coming back to it runs
 * it at once. `task` must not reject.
 */
export function repeat(everyMs: number, task: () => Promise<void>): { now: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running = false;
  let again = false;
  const run = (): void => {
    clearTimeout(timer);
    if (document.hidden) return;
    if (running) {
      again = true;
      return;
    }
    running = true;
    again = false;
    void task().finally(() => {
      running = false;
      timer = setTimeout(run, again ? 0 : everyMs);
    });
  };
  document.addEventListener('visibilitychange', run);
  run();
  return { now: run };
}
