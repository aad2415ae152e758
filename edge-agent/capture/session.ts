import { spawn, type ChildProcess } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Clock } from '@faascam/core/clock';
import { messageOf, ProgramError, systemCodeOf } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import { redact } from '@faascam/core/redact';
import { RateLimit } from '../rate-limit.ts';
import type { Ending } from './cause.ts';
import { running, whyNotStarted } from './child-start.ts';
import { captureArgs, pipes, type CaptureArgs } from './ffmpeg-args.ts';
import { firstPictureUs } from './first-picture.ts';
import { FrameReader, type FrameParts } from './frame-reader.ts';
import { parseFrameTime } from './frame-time.ts';
import { LineSplitter } from './lines.ts';
import { PacketTimes } from './packet-times.ts';
import { PictureSampler } from './picture-sampler.ts';
import { bytesOf, pipeOf } from './pipe.ts';
import { parseSegmentLine } from './segment-list.ts';

export interface SampledFrame {
  jpeg: Buffer;
  /** Brightness at `THUMBNAIL` size, where the session makes it. */
  thumbnail?: Uint8Array | undefined;
  /** Microseconds of the stream's own time. */
  streamUs: number;
  arrivedUs: number;
}

/** A file of whole groups of pictures, in microseconds of the stream's own time. */
export interface ClosedSegment {
  path: string;
  startUs: number;
  endUs: number;
  /** When ffmpeg had the picture that begins the next one. */
  arrivedUs: number;
}

export interface SessionOptions {
  /** What ffmpeg reads and makes. The directory of its segments must exist. */
  capture: CaptureArgs;
  /** What ffmpeg reads on its standard input. Its end ends the stream. It is destroyed when the session is over. */
  stdin?: Readable;
  /**
   * No frame for this long, or no footage, is a stall. Before the first, three times as long. Keyframes may be further
   * apart: where they alone are decoded, footage that grows will do.
   */
  stallMs: number;
  clock: Clock;
  log: Logger;
  /** Ends the session: ffmpeg closes its newest segment, which still arrives. */
  signal: AbortSignal;
  /** Called in order, one at a time; ffmpeg waits meanwhile. */
  onFrame?(frame: SampledFrame): void | Promise<void>;
  /** Called when footage grows while neither frame nor segment comes: keyframes may be far apart. */
  onGrowth?(): void;
  /** Called when no more frames come; segments may still. */
  onFramesEnd?(): void;
  /** Called in order, one at a time. The file is the callee's. */
  onSegment?(segment: ClosedSegment): void | Promise<void>;
}

export interface SessionEnd {
  ending: Ending;
  /** The last lines that ffmpeg complained with. */
  complaints: string[];
  /** `exit code 0`, `signal SIGKILL`. */
  exit: string;
  frames: number;
  segments: number;
  /** From the first frame to the last, by our clock. */
  streamedMs: number;
}

/** ffmpeg gets this long to close its segment before it is killed. */
const KILL_AFTER_MS = 3000;
const KEPT_COMPLAINTS = 40;
/** After so long without media one looks whether footage grows: in time for those who call a silent camera lost. */
const GROWTH_AFTER_MS = 3000;
/** Stall times that a group of pictures may last. */
const LONGEST_GROUP = 6;

/**
 * Runs one ffmpeg from start to end. Resolves when it is gone and all that it wrote was handed over.
 * Rejects with `ProgramError` when ffmpeg cannot be run, and with what `onFrame` threw.
 */
export async function runSession(options: SessionOptions): Promise<SessionEnd> {
  // A process group of its own: an interrupt from the terminal reaches us, and we end it in order.
  const child = await running(() =>
    spawn('ffmpeg', captureArgs(options.capture), {
      stdio: ['pipe', 'pipe', 'pipe', 'pipe', 'pipe', 'pipe'],
      detached: true,
    }),
  ).catch((error: unknown) => {
    options.stdin?.destroy();
    return cannotRun(error);
  });
  return await new Session(options, child).run();
}

class Session {
  readonly #options: SessionOptions;
  readonly #child: ChildProcess;
  readonly #limit: RateLimit;
  readonly #reader: FrameReader;
  readonly #sampler: PictureSampler | undefined;
  readonly #complaints: string[] = [];
  #ending: Ending = 'ended';
  #ended = false;
  #frames = 0;
  #firstFrameUs: number | undefined;
  #lastFrameUs = 0;
  /** When a frame came, and when footage did: a closed segment, or growth of the newest. */
  #frameSeenUs: number;
  #footageSeenUs: number;
  /** When a segment was last closed, or a frame taken. */
  #closedUs: number;
  #busy = false;
  #segments = 0;
  #growth: { name: string; sizeBytes: number } | undefined;

  constructor(options: SessionOptions, child: ChildProcess) {
    this.#options = options;
    this.#child = child;
    this.#limit = new RateLimit(options.clock);
    this.#frameSeenUs = this.#footageSeenUs = this.#closedUs = options.clock.nowUs();
    const { frames } = options.capture;
    if (frames?.mode === 'pass-through') this.#sampler = new PictureSampler(frames.fps);
    this.#reader = this.#frameReader();
  }

  async run(): Promise<SessionEnd> {
    const { signal } = this.#options;
    // Closed pipes show in the exit.
    this.#child.stdin?.on('error', () => undefined);
    const feeding = this.#feed();
    const exited = exitOf(this.#child);
    const stop = (): void => this.#end('stopped');
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    const over = new AbortController();
    const watch = this.#watchMedia(over.signal);
    try {
      const [exit, ...rest] = await Promise.allSettled([
        exited,
        this.#readFrames(),
        this.#readSegments(),
        this.#readComplaints(),
      ]);
      for (const part of [exit, ...rest]) if (part.status === 'rejected') throw part.reason;
      return {
        ending: this.#ending,
        complaints: this.#complaints,
        exit: exit.status === 'fulfilled' ? exit.value : '',
        frames: this.#frames,
        segments: this.#segments,
        streamedMs: this.#firstFrameUs === undefined ? 0 : (this.#lastFrameUs - this.#firstFrameUs) / 1000,
      };
    } finally {
      this.#ended = true;
      over.abort();
      signal.removeEventListener('abort', stop);
      this.#options.stdin?.destroy();
      await Promise.all([watch, feeding]);
    }
  }

  /** ffmpeg's end breaks the pipe, which is no fault; the input's fault is its owner's to tell. */
  async #feed(): Promise<void> {
    const { stdin } = this.#options;
    if (stdin === undefined || this.#child.stdin === null) return;
    await pipeline(stdin, this.#child.stdin).catch(() => undefined);
  }

  /** Asks ffmpeg to end, once; kills it when it does not. */
  #end(why: Ending): void {
    if (this.#ending !== 'ended') return;
    this.#ending = why;
    this.#child.kill('SIGTERM');
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), KILL_AFTER_MS);
    this.#child.once('exit', () => clearTimeout(kill));
  }

  #frameReader(): FrameReader {
    const { capture, clock } = this.#options;
    const { frames } = capture;
    const packets = new PacketTimes();
    return new FrameReader({
      child: this.#child,
      parseTime: this.#sampler === undefined ? parseFrameTime : (line) => packets.parse(line),
      thumbnails: frames?.thumbnails === true && frames.mode !== 'pass-through',
      clock,
      onFrame: (frame) => this.#take(frame),
      onFault: (fault) => this.#end(fault === 'garbled' ? 'garbled' : 'stopped'),
    });
  }

  async #readFrames(): Promise<void> {
    try {
      await this.#reader.run();
    } finally {
      this.#options.onFramesEnd?.();
    }
  }

  #take({ jpeg, time, thumbnail }: FrameParts): void | Promise<void> {
    const takenUs = this.#options.clock.nowUs();
    this.#frameSeenUs = takenUs;
    // After junk, times and pictures no longer belong together.
    if (this.#ending === 'garbled') return;
    if (time?.streamUs === undefined) {
      this.#complain('a frame without a time was left out');
      return;
    }
    const { streamUs, arrivedUs } = time;
    if (this.#sampler?.takes(streamUs) === false) return;
    this.#frames += 1;
    this.#firstFrameUs ??= arrivedUs;
    this.#lastFrameUs = arrivedUs;
    this.#closedUs = takenUs;
    const taken = this.#options.onFrame?.({ jpeg, thumbnail, streamUs, arrivedUs });
    if (taken !== undefined) return this.#whileTaken(taken, takenUs);
  }

  async #whileTaken(taken: Promise<void>, beganUs: number): Promise<void> {
    this.#busy = true;
    try {
      await taken;
    } finally {
      this.#busy = false;
      this.#frameSeenUs = this.#closedUs = this.#options.clock.nowUs();
      // ffmpeg waited for us meanwhile, and wrote nothing.
      this.#footageSeenUs += this.#frameSeenUs - beganUs;
    }
  }

  async #readSegments(): Promise<void> {
    const lines = new LineSplitter();
    for await (const chunk of bytesOf(pipeOf(this.#child, pipes.segments))) {
      for (const line of lines.push(chunk)) await this.#takeSegment(line);
    }
    for (const line of lines.end()) await this.#takeSegment(line);
  }

  async #takeSegment(line: string): Promise<void> {
    const arrivedUs = this.#options.clock.nowUs();
    const listed = parseSegmentLine(line);
    if (listed === undefined) {
      this.#complain(`a line of ffmpeg's segment list was left out: ${JSON.stringify(line)}`);
      return;
    }
    const path = join(this.#options.capture.segments?.incoming ?? '', listed.name);
    let { startUs } = listed;
    if (this.#segments === 0) startUs = Math.max(startUs, (await this.#firstPictureUs(path)) ?? startUs);
    this.#segments += 1;
    this.#footageSeenUs = this.#closedUs = arrivedUs;
    if (startUs >= listed.endUs) return;
    try {
      await this.#options.onSegment?.({ path, startUs, endUs: listed.endUs, arrivedUs });
    } catch (error) {
      this.#complain(`a segment could not be kept: ${messageOf(error)}`);
    }
  }

  /** ffmpeg lets the first segment begin with the stream, even if its first picture comes later. */
  async #firstPictureUs(path: string): Promise<number | undefined> {
    // The first keyframe that was decoded need not be the first that was recorded.
    if (this.#options.capture.frames?.mode === 'all') return await this.#reader.first;
    return await firstPictureUs(path);
  }

  async #readComplaints(): Promise<void> {
    const lines = new LineSplitter();
    const note = (line: string): void => {
      if (line.trim() === '') return;
      this.#complaints.push(redact(line));
      if (this.#complaints.length > KEPT_COMPLAINTS) this.#complaints.shift();
      this.#options.log.debug({ ffmpeg: redact(line) }, 'ffmpeg complains');
    };
    for await (const chunk of bytesOf(pipeOf(this.#child, pipes.complaints))) lines.push(chunk).forEach(note);
    lines.end().forEach(note);
  }

  /** Judges by media: that a process runs, or a connection stands, says nothing. */
  async #watchMedia(signal: AbortSignal): Promise<void> {
    const { clock, stallMs } = this.#options;
    while (!this.#ended) {
      try {
        await clock.sleep(Math.min(1000, stallMs / 5), signal);
      } catch {
        return; // the session is over
      }
      if (!this.#busy && (await this.#isSilent())) this.#end('stalled');
    }
  }

  async #isSilent(): Promise<boolean> {
    const { clock, stallMs, capture } = this.#options;
    const { frames, segments } = capture;
    const patience = this.#frames === 0 && this.#segments === 0 ? 3 * stallMs : stallMs;
    const silentMs = (sinceUs: number): number => (clock.nowUs() - sinceUs) / 1000;
    if (segments !== undefined) {
      // Between two closed segments lies a group of pictures, which may be long: the newest one grows meanwhile.
      const looks = silentMs(this.#footageSeenUs) > Math.min(patience / 2, GROWTH_AFTER_MS);
      if (looks && (await this.#grew())) {
        this.#footageSeenUs = clock.nowUs();
        this.#options.onGrowth?.();
      }
      if (silentMs(this.#footageSeenUs) > patience) return true;
      // Sound alone lets it grow as well, so not for ever.
      if (silentMs(this.#closedUs) > LONGEST_GROUP * patience) return true;
      if (frames === undefined || frames.mode === 'keyframes') return false;
    }
    // Few frames were asked for, perhaps.
    return silentMs(this.#frameSeenUs) > Math.max(patience, 3000 / (frames?.fps ?? 3000));
  }

  async #grew(): Promise<boolean> {
    const incoming = this.#options.capture.segments?.incoming;
    if (incoming === undefined) return false;
    const newest = (await readdir(incoming).catch(() => []))
      .filter((name) => name.endsWith('.mkv'))
      .sort()
      .at(-1);
    if (newest === undefined) return false;
    const sizeBytes = (await stat(join(incoming, newest)).catch(() => undefined))?.size ?? 0;
    const grown = { name: newest, sizeBytes };
    const before = this.#growth;
    this.#growth = grown;
    // The first look has nothing to compare with; the next one comes soon enough.
    return before !== undefined && (before.name !== newest || sizeBytes > before.sizeBytes);
  }

  #complain(what: string): void {
    this.#limit.tell(what.slice(0, 40), (keptBack) => this.#options.log.warn({ keptBack }, what));
  }
}

function cannotRun(cause: unknown): never {
  if (systemCodeOf(cause) !== 'ENOENT')
    throw new ProgramError('program-failed', `ffmpeg could not be started, ${whyNotStarted(cause)}.`, {
      cause,
    });
  const message = 'ffmpeg could not be run: install it with: sudo apt-get install ffmpeg';
  throw new ProgramError('program-missing', message, { cause });
}

function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      resolve(signal === null ? `exit code ${code ?? 0}` : `signal ${signal}`),
    );
  });
}
