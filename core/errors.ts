/**
 * The errors that a person may meet. `message` is one sentence that says what was being done, with which
 * camera or object, and what to do next; it never holds a secret. `code` is stable and meant for programs.
 */
export class FaascamError extends Error {
  override readonly name: string = 'FaascamError';
  readonly code: string;

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** What the user wrote is wrong: a flag, a config key, a file that is not what it should be. */
export class UsageError extends FaascamError {
  override readonly name = 'UsageError';
}

/** Input from outside (a message, a JPEG, a header) is malformed: final, trying again cannot help. */
export class MalformedInputError extends FaascamError {
  override readonly name = 'MalformedInputError';

  constructor(message: string, options?: { cause?: unknown }) {
    super('malformed-input', message, options);
  }
}

export type StoreErrorCode =
  | 'store-unreachable'
  | 'store-denied'
  | 'store-not-writable'
  | 'store-full'
  | 'store-failed'
  /** The store has no such ability: another way must do. */
  | 'not-supported';

/** The clip store did not do what was asked of it. A missing object is no error: see `ObjectStore`. */
export class StoreError extends FaascamError {
  override readonly name = 'StoreError';
  override readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, options?: { cause?: unknown }) {
    super(code, message, options);
    this.code = code;
  }
}

/** A program that faascam needs (ffmpeg, nats-server) is missing, too old, or ended. */
export class ProgramError extends FaascamError {
  override readonly name = 'ProgramError';
}

/** The text of anything thrown, for a log or another error's message. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The system's code of a Node error (`ENOENT`, `ENOSPC`), or undefined. */
export function systemCodeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
