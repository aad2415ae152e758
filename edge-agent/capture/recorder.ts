import type { Clock } from '@faascam/core/clock';
import type { Logger } from '@faascam/core/log';
import type { CameraSettings } from '@faascam/core/camera-settings';
import { FrameFlow } from '../frames/frame-flow.ts';
import type { FramePublisher } from '../frames/live-publisher.ts';
import type { Footage } from '../ring/footage.ts';
import type { LiveTap } from '../live/live-tap.ts';
import { parseSource, type Source } from '../sources/source.ts';
import type { CameraStatus } from './camera-status.ts';
import { StreamKeeper, type StreamStatus } from './stream-keeper.ts';

export interface RecorderOptions {
  camera: string;
  settings: CameraSettings;
  footage: Footage;
  publisher: FramePublisher;
  /** Who is shown what is recorded. */
  tap?: LiveTap | undefined;
  status: CameraStatus;
  clock: Clock;
  /** Names the camera. */
  log: Logger;
  signal: AbortSignal;
  /** Whether `exec:` sources may run programs. Default: no. */
  allowExec?: boolean;
  /** Neither frame nor segment for this long is a stall. Default: the camera's setting. */
  stallMs?: number;
  /** No frame for this long: the camera is lost, and said to be. Default 10 s. */
  lostMs?: number;
  /** 0..1, for the waits between tries. */
  random?: () => number;
}

const LOST_MS = 10_000;

/**
 * Watches a camera until the signal is aborted: footage into its ring, frames to NATS. Connects again whenever the
 * stream ends, stalls or was never there, without ever giving up. Rejects when a source is none, or ffmpeg cannot be
 * run at all.
 */
export async function recordCamera(options: RecorderOptions): Promise<void> {
  await new Recorder(options).run();
}

class Recorder {
  readonly #options: RecorderOptions;
  readonly #keepers: StreamKeeper[];
  readonly #flow: FrameFlow;
  readonly #states: StreamStatus[] = [];
  readonly #closeFeedback: () => void;
  readonly #failed = new AbortController();
  /** When media last came, and until when they tell of the camera. Undefined while there is nothing to lose. */
  #last: { arrivedUs: number; capturedAtUs: number } | undefined;

  constructor(options: RecorderOptions) {
    this.#options = options;
    const { settings, publisher, status, clock, footage } = options;
    const main = parseSource(settings.source);
    const sub = settings.substream === '' ? undefined : parseSource(settings.substream);
    const feedback = publisher.openFeedback();
    this.#closeFeedback = () => feedback.close();
    const flow = new FrameFlow({
      ...{ settings: settings.frames, publisher, status, clock },
      eventOpen: () => feedback.eventOpen,
    });
    this.#flow = flow;
    this.#keepers =
      sub === undefined
        ? [this.#keeper(main, footage, flow)]
        : [this.#keeper(main, footage, undefined), this.#keeper(sub, undefined, flow)];
    // Whoever watched before may have been killed without a last word: if the camera is gone too, it is ours to say.
    const before = footage.ring.newest;
    if (before) this.#last = { arrivedUs: clock.nowUs(), capturedAtUs: before.endUs };
  }

  async run(): Promise<void> {
    const { signal, status } = this.#options;
    const over = new AbortController();
    const watch = this.#watchForLoss(AbortSignal.any([signal, over.signal]));
    try {
      const streams = this.#keepers.map((keeper) =>
        keeper.run().catch((error: unknown) => {
          this.#failed.abort();
          throw error;
        }),
      );
      for (const result of await Promise.allSettled(streams)) {
        if (result.status === 'rejected') throw result.reason;
      }
    } finally {
      over.abort();
      this.#closeFeedback();
      await watch;
      status.state = 'stopped';
      status.cause = undefined;
      status.causeCode = undefined;
      this.#flow.flush();
      await this.#lose();
      this.#options.footage.stopped();
    }
  }

  #keeper(source: Source, footage: Footage | undefined, flow: FrameFlow | undefined): StreamKeeper {
    const { camera, settings, clock, log, signal } = this.#options;
    const { dates } = this.#options.footage;
    const status: StreamStatus = { state: 'connecting', restarts: 0 };
    this.#states.push(status);
    return new StreamKeeper({
      ...{ camera, source, settings, footage, flow, status, clock, dates },
      tap: footage === undefined ? undefined : this.#options.tap,
      log:
        flow === undefined || footage === undefined ? log.child({ stream: footage ? 'main' : 'sub' }) : log,
      allowExec: this.#options.allowExec ?? false,
      stallMs: this.#options.stallMs ?? settings.stallMs,
      random: this.#options.random ?? Math.random,
      signal: AbortSignal.any([signal, this.#failed.signal]),
      onStatus: () => this.#tellStatus(),
      onFrame: (capturedAtUs, arrivedUs) => this.#seen(capturedAtUs, arrivedUs),
      onAlive: () => {
        if (this.#last !== undefined) this.#last = { ...this.#last, arrivedUs: clock.nowUs() };
      },
    });
  }

  #seen(capturedAtUs: number, arrivedUs: number): void {
    this.#last = { arrivedUs, capturedAtUs };
  }

  /** The camera is as well as the worse of its streams. */
  #tellStatus(): void {
    const { status } = this.#options;
    const order = ['waiting', 'connecting', 'streaming'] as const;
    const worst = order.flatMap((state) => this.#states.filter((stream) => stream.state === state))[0];
    if (worst === undefined) return;
    status.state = worst.state;
    status.cause = worst.cause;
    status.causeCode = worst.causeCode;
    status.decoding = this.#states.find(({ decoding }) => decoding !== undefined)?.decoding;
    status.restarts = this.#states.reduce((sum, { restarts }) => sum + restarts, 0);
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
    // Of a burst, later frames may have come than of the camera's own session.
    const lastUs = Math.max(last.capturedAtUs, this.#flow.newestUs);
    const lostAtUs = lastUs + Math.round(1e6 / this.#options.settings.frames.fps);
    this.#flow.lost(lostAtUs);
    await this.#options.publisher.lost(lostAtUs);
  }
}
