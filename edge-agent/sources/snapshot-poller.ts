import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { isWholeJpeg } from './http-format.ts';
import { HttpClient, readBody, withoutLogin } from './http-client.ts';
import { connectionError, SourceError, statusError } from './source-error.ts';
import type { OpenOptions, SourceInput } from './source-input.ts';
import { lastingPictures } from './stream-options.ts';

/** More than any camera's picture. */
const MOST_BYTES = 32e6;
/** So many pictures in a row may fail before the stream ends; whoever opened it tries again with growing waits. */
const MOST_FAILURES = 3;
const BOUNDARY = 'faascam';

/**
 * Opens a camera that only gives single pictures: asks for one every `pollMs`, never for a second one before the first
 * has come, and passes them to ffmpeg as a stream. A picture that is the same as before is passed on again, so that
 * the stream's time goes on. Rejects with `SourceError` when the first picture does not come.
 */
export async function openSnapshots(address: string, options: OpenOptions): Promise<SourceInput> {
  const poller = new SnapshotPoller(new URL(address), options.settings.pollMs);
  try {
    await poller.start(options.signal);
  } catch (error) {
    await poller.close();
    throw error;
  }
  return {
    args: [
      ...['-protocol_whitelist', 'pipe', '-f', 'mpjpeg'],
      ...['-use_wallclock_as_timestamps', '1', '-fpsprobesize', '0', '-i', 'pipe:0'],
    ],
    copy: lastingPictures(options.settings.pollMs),
    jpeg: true,
    stdin: poller.pictures,
    failure: () => poller.failure,
    close: () => poller.close(),
  };
}

class SnapshotPoller {
  /** `multipart` with a length in each part: ffmpeg knows a picture's end without waiting for the next one. */
  readonly pictures = new PassThrough();
  failure: SourceError | undefined;
  readonly #address: URL;
  readonly #pollMs: number;
  readonly #client: HttpClient;
  readonly #closed = new AbortController();
  #polling: Promise<void> = Promise.resolve();
  #last: Buffer | undefined;

  constructor(address: URL, pollMs: number) {
    this.#address = withoutLogin(address);
    this.#pollMs = pollMs;
    this.#client = new HttpClient(address);
    // ffmpeg may end before we do.
    this.pictures.on('error', () => undefined);
  }

  async start(signal: AbortSignal): Promise<void> {
    const startedMs = performance.now();
    this.#write(await this.#ask(AbortSignal.any([signal, this.#closed.signal])));
    this.#polling = this.#poll(startedMs);
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#polling;
    this.#client.close();
    this.pictures.destroy();
  }

  async #poll(startedMs: number): Promise<void> {
    const { signal } = this.#closed;
    let dueMs = startedMs;
    let failures = 0;
    const goesOn = (): boolean => !signal.aborted;
    while (goesOn()) {
      const nowMs = performance.now();
      // A late picture moves those after it: what a slow camera missed is not made up for.
      dueMs = Math.max(dueMs + this.#pollMs, nowMs);
      try {
        await sleep(dueMs - nowMs, undefined, { signal });
        this.#write(await this.#ask(signal));
        failures = 0;
      } catch (error) {
        if (!goesOn()) return;
        failures += 1;
        const failure = error instanceof SourceError ? error : connectionError(error);
        if (failures < MOST_FAILURES && failure.retry === 'soon' && failure.code !== 'not-found') continue;
        this.failure = failure;
        this.pictures.end();
        return;
      }
    }
  }

  async #ask(signal: AbortSignal): Promise<Buffer> {
    const answer = await this.#client.ask(this.#address, { signal });
    // We set no condition, but a cache on the way may.
    if (answer.status === 304 && this.#last !== undefined) {
      answer.body.resume();
      return this.#last;
    }
    if (answer.status !== 200) {
      answer.body.destroy();
      throw statusError(answer.status);
    }
    const jpeg = await readBody(answer, { mostBytes: MOST_BYTES });
    if (!isWholeJpeg(jpeg)) {
      throw new SourceError(
        'not-a-picture',
        `serves no whole JPEG picture under this path (${answer.headers['content-type'] ?? 'no content type'}): ` +
          'check the path in its source',
        'soon',
      );
    }
    this.#last = jpeg;
    return jpeg;
  }

  /** A picture that ffmpeg has no room for is left out: it would only come late, with a wrong time. */
  #write(jpeg: Buffer): void {
    if (this.pictures.writableNeedDrain) return;
    const header = `--${BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: ${jpeg.length}\r\n\r\n`;
    this.pictures.write(Buffer.concat([Buffer.from(header), jpeg, Buffer.from('\r\n')]));
  }
}
