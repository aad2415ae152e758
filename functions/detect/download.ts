import { mkdir, open, rename, rm, stat, writeFile, type FileHandle } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { FaascamError, messageOf, systemCodeOf } from '@faascam/core/errors';
import { differenceFrom, isMissing, measure, type Expected, type Measured } from './digest.ts';

export interface DownloadProgress {
  receivedBytes: number;
  totalBytes: number;
}

export interface Download {
  /** For messages: `the model x`. */
  what: string;
  address: string;
  /** Where the file goes; while it comes it is `<path>.part`. */
  path: string;
  expected: Expected;
  /** Where to keep the whole digest of what came. */
  pinPath?: string;
  signal?: AbortSignal;
  onProgress?: (progress: DownloadProgress) => void;
  /** Gives up when no byte comes for this long. 30 s outlast a phone's change of cells. */
  stallTimeoutMs?: number;
}

/** Tries in one call. Each but the first goes on where the last one broke off, and only if that one brought something. */
const mostTries = 5;

/**
 * Downloads a file of known size and digest, resuming what an earlier call left. It takes its name only when it is whole
 * and right; a wrong one is removed.
 * Throws `FaascamError`: `download-offline`, `download-refused` (the server says no), `download-broken` (the transfer broke
 * off; call again to go on), `download-wrong` (size or digest), `download-no-space`, `download-not-writable`; or the signal's reason.
 */
export async function download(task: Download): Promise<Measured> {
  const part = `${task.path}.part`;
  try {
    await mkdir(dirname(task.path), { recursive: true });
  } catch (cause) {
    throw notWritten(task, cause);
  }
  await fetchAll(task, part);
  const found = await measure(part);
  const difference =
    found === undefined ? 'it vanished while it was checked' : differenceFrom(task.expected, found);
  if (found === undefined || difference !== undefined) throw await refuse(task, part, difference ?? '');
  if (task.pinPath !== undefined) {
    await writeFile(task.pinPath, `${found.sha256}  ${basename(task.path)}\n`);
  }
  await rename(part, task.path);
  return found;
}

async function fetchAll(task: Download, part: string): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const before = await sizeOf(part);
    if (before === task.expected.sizeBytes) return;
    // Longer than it can ever be: what lies there is something else.
    if (before > task.expected.sizeBytes) await rm(part);
    try {
      await fetchRest(task, part, before > task.expected.sizeBytes ? 0 : before);
      return;
    } catch (error) {
      task.signal?.throwIfAborted();
      const resumable = error instanceof FaascamError && error.code === 'download-broken';
      const got = (await sizeOf(part)) > before;
      if (!resumable || !got || tries === mostTries) throw error;
    }
  }
}

/** One request for what is still missing, appended to the part file. */
async function fetchRest(task: Download, part: string, from: number): Promise<void> {
  const stallTimeoutMs = task.stallTimeoutMs ?? 30_000;
  const stalled = new AbortController();
  const timer = setTimeout(
    () => stalled.abort(new Error(`no byte came for ${Math.round(stallTimeoutMs / 1000)} s`)),
    stallTimeoutMs,
  );
  const signal = task.signal ? AbortSignal.any([task.signal, stalled.signal]) : stalled.signal;
  try {
    const response = await request(task, from, signal);
    if (response.status === 416 && from > 0) {
      // The server has no such rest: what lies here is not the start of its file.
      await response.body?.cancel();
      await rm(part, { force: true });
      await fetchRest(task, part, 0);
      return;
    }
    const start = await startOf(task, response, from);
    await append(task, part, start, response, () => timer.refresh());
  } finally {
    clearTimeout(timer);
  }
}

async function request(task: Download, from: number, signal: AbortSignal): Promise<Response> {
  try {
    return await fetch(task.address, {
      signal,
      headers: {
        // A compressed body would have neither the size nor the ranges that we count by.
        'Accept-Encoding': 'identity',
        ...(from > 0 ? { Range: `bytes=${from}-` } : {}),
      },
    });
  } catch (cause) {
    task.signal?.throwIfAborted();
    const { host } = new URL(task.address);
    const reason = cause instanceof Error && cause.cause !== undefined ? cause.cause : cause;
    throw new FaascamError(
      'download-offline',
      `${host} cannot be reached for ${task.what} (${systemCodeOf(reason) ?? messageOf(reason)}): ${byHand(task)}`,
      { cause },
    );
  }
}

/** From which byte on the response's body is. Throws when it is no part of the file that is wanted. */
async function startOf(task: Download, response: Response, from: number): Promise<number> {
  if (response.status !== 200 && response.status !== 206) {
    await response.body?.cancel();
    const advice = response.status >= 500 || response.status === 429 ? 'try again later.' : byHand(task);
    throw new FaascamError(
      'download-refused',
      `The server answered ${response.status} to ${task.address} for ${task.what}: ${advice}`,
    );
  }
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '');
  const start = response.status === 206 ? Number(range?.[1] ?? Number.NaN) : 0;
  const rest = Number(response.headers.get('content-length') ?? Number.NaN);
  const total = range?.[2] === undefined || range[2] === '*' ? start + rest : Number(range[2]);
  const misplaced = Number.isNaN(start) || start > from;
  const otherSize = !Number.isNaN(total) && total !== task.expected.sizeBytes;
  if (misplaced || otherSize) {
    await response.body?.cancel();
    const difference = misplaced
      ? 'the server sent another part of it than was asked for'
      : `it has ${total} bytes instead of ${task.expected.sizeBytes}`;
    throw await refuse(task, `${task.path}.part`, difference);
  }
  return start;
}

async function append(
  task: Download,
  part: string,
  start: number,
  response: Response,
  onChunk: () => void,
): Promise<void> {
  const totalBytes = task.expected.sizeBytes;
  let file: FileHandle;
  try {
    file = await open(part, start > 0 ? 'r+' : 'w');
  } catch (cause) {
    await response.body?.cancel();
    throw notWritten(task, cause);
  }
  let receivedBytes = start;
  try {
    task.onProgress?.({ receivedBytes, totalBytes });
    for await (const chunk of chunksOf(task, response)) {
      onChunk();
      if (receivedBytes + chunk.length > totalBytes) {
        throw await refuse(task, part, `more than ${totalBytes} bytes came`);
      }
      await write(task, file, chunk, receivedBytes);
      receivedBytes += chunk.length;
      task.onProgress?.({ receivedBytes, totalBytes });
    }
    await file.sync();
  } finally {
    await file.close();
  }
  if (receivedBytes < totalBytes)
    throw brokenOff(task, `it ended after ${receivedBytes} of ${totalBytes} bytes`);
}

async function* chunksOf(task: Download, response: Response): AsyncGenerator<Uint8Array> {
  const body: AsyncIterable<Uint8Array> | null = response.body;
  if (body === null) return;
  try {
    yield* body;
  } catch (cause) {
    // What goes wrong with a chunk that was taken is no business of the transfer: only a failed read ends up here.
    task.signal?.throwIfAborted();
    throw brokenOff(task, messageOf(cause), cause);
  }
}

async function write(task: Download, file: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  try {
    for (let done = 0; done < chunk.length;) {
      done += (await file.write(chunk, done, chunk.length - done, position + done)).bytesWritten;
    }
  } catch (cause) {
    throw notWritten(task, cause);
  }
}

/** Removes what came, and says what is wrong with it. */
async function refuse(task: Download, part: string, difference: string): Promise<FaascamError> {
  await rm(part, { force: true });
  return new FaascamError(
    'download-wrong',
    `What came from ${task.address} is not ${task.what} (${difference}); it was removed. Try again, or get the file from a source that you trust.`,
  );
}

function brokenOff(task: Download, reason: string, cause?: unknown): FaascamError {
  return new FaascamError(
    'download-broken',
    `The download of ${task.what} broke off (${reason}): try again, it goes on where it ended.`,
    { cause },
  );
}

function notWritten(task: Download, cause: unknown): FaascamError {
  if (systemCodeOf(cause) === 'ENOSPC' || systemCodeOf(cause) === 'EDQUOT') {
    const megabytes = Math.ceil(task.expected.sizeBytes / 1e6);
    return new FaascamError(
      'download-no-space',
      `The disk is full: ${task.what} needs ${megabytes} MB in ${dirname(task.path)}.`,
      { cause },
    );
  }
  return new FaascamError(
    'download-not-writable',
    `${task.what} cannot be written to ${dirname(task.path)} (${messageOf(cause)}): check the folder's owner and rights.`,
    { cause },
  );
}

function byHand({ address, path }: Download): string {
  return `go online and try again, or download ${address} elsewhere and put it at ${path}`;
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isMissing(error)) return 0;
    throw error;
  }
}
