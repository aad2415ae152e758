import type { Clock } from '@faascam/core/clock';
import type { Logger } from '@faascam/core/log';
import type { CameraSettings } from '@faascam/core/settings';
import type { LivePublisher } from '../frames/live-publisher.ts';
import { RateLimit } from '../rate-limit.ts';
import type { Footage } from '../ring/footage.ts';
import { sourceArgs } from '../sources/source-args.ts';
import { parseSource, shownSource, type Source } from '../sources/source.ts';
import type { CameraStatus } from './camera-status.ts';
import { causeOf, type Cause } from './cause.ts';
import { captureArgs } from './ffmpeg-args.ts';
import { LiveSession } from './live-session.ts';
import { reconnectAfter } from './reconnect-policy.ts';
import { runSession, type SessionEnd } from './session.ts';

export interface RecorderOptions {
  camera: string;
  settings: CameraSettings;
  footage: Footage;
  publisher: LivePublisher;
  status: CameraStatus;
  clock: Clock;
  /** Names the camera. */
  log: Logger;
  signal: AbortSignal;
  /** Neither frame nor segment for this long is a stall. Default 10 s. */
  stallMs?: number;
  /** No frame for this long: the camera is lost, and said to be. Default 10 s. */
  lostMs?: number;
  /** 0..1, for the waits between tries. */
  random?: () => number;
}

const STALL_MS = 10_000;
const LOST_MS = 10_000;

/**
 * Watches a camera until the signal is aborted: footage into its ring, frames to NATS. Connects again whenever the
 * stream ends, stalls or was never there, without ever giving up. Rejects only when ffmpeg cannot be run at all.
 */
export async function recordCamera(options: RecorderOptions): Promise<void> {
  await new Recorder(options).run();
}

class Recorder {
  readonly #options: RecorderOptions;
  readonly #source: Source;
  readonly #limit: RateLimit;
  #analysis: 'quick' | 'thorough' = 'quick';
  /** When the last frame came, and its capture time. Undefined while there is nothing to lose. */
  #last: { arrivedUs: number; capturedAtUs: number } | undefined;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#source = parseSource(options.settings.source);
    this.#limit = new RateLimit(options.clock, 600_000);
    // Whoever watched before may have been killed without a last word: if the camera is gone too, it is ours to say.
    const before = options.footage.ring.newest;
    if (before) this.#last = { arrivedUs: options.clock.nowUs(), capturedAtUs: before.endUs };
  }

  async run(): Promise<void> {
    const { signal, status } = this.#options;
    const over = new AbortController();
    const watch = this.#watchForLoss(AbortSignal.any([signal, over.signal]));
    try {
      await this.#keepStreaming();
    } finally {
      over.abort();
      await watch;
      status.state = 'stopped';
      status.cause = undefined;
      await this.#lose();
      this.#options.footage.stopped();
    }
  }

  async #keepStreaming(): Promise<void> {
    const { clock, signal, status, footage } = this.#options;
    const goesOn = (): boolean => !signal.aborted;
    let failures = 0;
    for (let session = 0; goesOn(); session++) {
      status.restarts = session;
      status.state = 'connecting';
      const { cause, streamedMs } = await this.#session();
      if (!goesOn()) return;
      const random = (this.#options.random ?? Math.random)();
      const next = reconnectAfter({ failures, streamedMs, retry: cause.retry, random });
      failures = next.failures;
      status.state = 'waiting';
      status.cause = cause.message;
      this.#limit.tell(cause.code, (keptBack) =>
        this.#options.log.warn({ cause: cause.code, retryInMs: next.waitMs, keptBack }, cause.message),
      );
      if (cause.code === 'not-described') this.#analysis = 'thorough';
      if (cause.code === 'disk-full') await footage.ring.evict();
      await clock.sleep(next.waitMs, signal).catch(() => undefined);
    }
  }

  async #session(): Promise<{ cause: Cause; streamedMs: number }> {
    const { settings, footage, clock, log, signal } = this.#options;
    const incoming = await footage.openSession();
    const live = new LiveSession({
      footage,
      incoming,
      notBeforeUs: footage.ring.newest?.endUs,
      onFrame: (jpeg, capturedAtUs, arrivedUs) => this.#frame(jpeg, capturedAtUs, arrivedUs),
    });
    const end = await runSession({
      args: captureArgs({
        source: sourceArgs(this.#source, 'live', this.#analysis),
        frames: settings.frames,
        segmentMs: settings.ring.segmentMs,
        incoming,
      }),
      incoming,
      stallMs: this.#options.stallMs ?? STALL_MS,
      clock,
      log,
      signal: AbortSignal.any([signal, live.jumped]),
      onFrame: (frame) => live.frame(frame),
      onFramesEnd: () => live.framesEnded(),
      onSegment: (segment) => live.segment(segment),
    });
    await live.end();
    return { cause: this.#causeOf(end, live), streamedMs: end.streamedMs };
  }

  #causeOf(end: SessionEnd, live: LiveSession): Cause {
    return causeOf({
      ending: live.jumped.aborted && end.ending === 'stopped' ? 'clock-jumped' : end.ending,
      complaints: end.complaints,
      exit: end.exit,
      camera: this.#options.camera,
      shown: shownSource(this.#source),
      sourceKind: this.#source.kind,
      streamed: end.frames > 0,
    });
  }

  #frame(jpeg: Buffer, capturedAtUs: number, arrivedUs: number): void {
    const { status, publisher, log } = this.#options;
    if (status.state !== 'streaming') {
      status.state = 'streaming';
      status.cause = undefined;
      this.#limit.tell('streaming', () => log.info('The camera streams.'));
    }
    status.lastFrameAtUs = capturedAtUs;
    this.#last = { arrivedUs, capturedAtUs };
    publisher.frame(jpeg, capturedAtUs);
  }

  async #watchForLoss(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const lostMs = this.#options.lostMs ?? LOST_MS;
    while (!signal.aborted) {
      const silentMs = this.#last === undefined ? 0 : (clock.nowUs() - this.#last.arrivedUs) / 1000;
      if (silentMs > lostMs) await this.#lose();
      await clock.sleep(Math.min(500, lostMs / 4), signal).catch(() => undefined);
    }
  }

  /** Says that the camera is gone, once: one frame interval after the last frame, when the next one was due. */
  async #lose(): Promise<void> {
    const last = this.#last;
    if (last === undefined) return;
    this.#last = undefined;
    this.#options.footage.lost();
    await this.#options.publisher.lost(
      last.capturedAtUs + Math.round(1e6 / this.#options.settings.frames.fps),
    );
  }
}
