import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { systemCodeOf } from '@faascam/core/errors';
import { redact } from '@faascam/core/redact';
import { running, whyNotStarted } from '../capture/child-start.ts';
import { SourceError } from './source-error.ts';

/** A program gets this long to write its first byte: cameras of a Raspberry Pi take two seconds to start. */
const FIRST_BYTE_MS = 20_000;
/** And this long to end by itself. */
const KILL_AFTER_MS = 2000;
const KEPT_COMPLAINT = 300;

export interface ChildStream {
  /** The program's standard output. */
  stdout: Readable;
  /** Why it ended, if it did so by itself and with an error. */
  failure: () => SourceError | undefined;
  /** Ends the program and all that it started; resolves when it is gone. */
  close: () => Promise<void>;
}

/**
 * Starts a program whose standard output is a stream, and waits for its first byte. It runs in a process group of its
 * own, so that a shell's children end with it. `what` names it in errors: `has a command that`.
 * Rejects with `SourceError` that holds its last complaint, and with the signal's reason.
 */
export async function startStream(options: {
  program: string;
  args: readonly string[];
  what: string;
  signal: AbortSignal;
}): Promise<ChildStream> {
  const { program, args, what, signal } = options;
  signal.throwIfAborted();
  const child = await running(() =>
    spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true }),
  ).catch((error: unknown) => {
    throw notStarted(what, error);
  });
  const exit = exitOf(child);
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-4 * KEPT_COMPLAINT);
  });
  let ended: { code: number | null } | undefined;
  let closing = false;
  const gone = exit.then((how) => void (ended = how));
  const failure = (): SourceError | undefined => {
    if (ended === undefined || closing || ended.code === 0) return undefined;
    return programError(what, complaint, ended);
  };
  const close = async (): Promise<void> => {
    closing = true;
    signalGroup(child, 'SIGTERM');
    const kill = setTimeout(() => signalGroup(child, 'SIGKILL'), KILL_AFTER_MS);
    await gone;
    clearTimeout(kill);
    // A shell that has ended may have left a child that did not listen.
    signalGroup(child, 'SIGKILL');
    child.stdout.destroy();
    child.stderr.destroy();
  };

  const over = new AbortController();
  const begun = once(child.stdout, 'readable', { signal: over.signal }).then(
    () => 'begun' as const,
    () => 'over' as const,
  );
  const patience = AbortSignal.any([signal, AbortSignal.timeout(FIRST_BYTE_MS)]);
  const late = once(patience, 'abort', { signal: over.signal }).catch(() => undefined);
  const first = await Promise.race([
    begun,
    gone.then(() => 'gone' as const),
    late.then(() => 'late' as const),
  ]);
  over.abort();
  // `readable` comes also at the end of an output that had nothing in it.
  if (first === 'begun' && child.stdout.readableLength > 0) return { stdout: child.stdout, failure, close };
  const failed = await settled(gone, first);
  const error = failed ? (failure() ?? emptyError(what, complaint)) : silentError(what, complaint);
  await close();
  signal.throwIfAborted();
  throw error;
}

/** Whether the program has ended: an output that is over says that it is about to. */
async function settled(gone: Promise<void>, first: string): Promise<boolean> {
  if (first === 'late') return false;
  const patience = new AbortController();
  const wait = new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => resolve(false), KILL_AFTER_MS);
    patience.signal.addEventListener('abort', () => clearTimeout(timer));
  });
  const ended = await Promise.race([gone.then(() => true), wait]);
  patience.abort();
  return ended;
}

function exitOf(child: ChildProcess): Promise<{ code: number | null }> {
  return new Promise((resolve) => {
    child.once('error', () => resolve({ code: null }));
    // `close` and not `exit`: the last complaint may come after the exit. But a grandchild can hold the pipes open.
    child.once('exit', (code) => {
      setImmediate(() => resolve({ code }));
    });
  });
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    // The whole group has ended.
    if (systemCodeOf(error) !== 'ESRCH') throw error;
  }
}

function notStarted(what: string, cause: unknown): SourceError {
  const code = systemCodeOf(cause);
  if (code === 'ENOENT') return new SourceError('no-program', `${what} is not installed`, 'slow', { cause });
  // A host that is short of descriptors or processes now may soon have some.
  const retry = code === 'EACCES' ? 'slow' : 'soon';
  return new SourceError('program-failed', `${what} cannot be started, ${whyNotStarted(cause)}`, retry, {
    cause,
  });
}

function programError(what: string, complaint: string, ended: { code: number | null }): SourceError {
  const how = ended.code === null ? 'was killed' : `ended with exit code ${ended.code}`;
  return new SourceError('program-failed', `${what} ${how}${lastOf(complaint)}`, 'soon');
}

function emptyError(what: string, complaint: string): SourceError {
  return new SourceError('program-failed', `${what} ended without a picture${lastOf(complaint)}`, 'soon');
}

function silentError(what: string, complaint: string): SourceError {
  return new SourceError('program-failed', `${what} gives no picture${lastOf(complaint)}`, 'soon');
}

/** The last lines of what a program complained of, without secrets, for the end of a sentence. */
function lastOf(complaint: string): string {
  const lines = redact(complaint)
    .trim()
    .split(/\s*\n\s*/);
  const text = lines.slice(-2).join('; ').slice(-KEPT_COMPLAINT);
  return text === '' ? '' : `: ${text.replace(/\.$/, '')}`;
}
