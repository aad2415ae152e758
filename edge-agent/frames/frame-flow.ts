import type { Clock } from '@faascam/core/clock';
import type { CameraSettings } from '@faascam/core/camera-settings';
import type { CameraStatus } from '../capture/camera-status.ts';
import { FrameGate } from './frame-gate.ts';
import { FramePacer } from './frame-pacer.ts';
import type { FramePublisher } from './live-publisher.ts';

export interface CapturedFrame {
  jpeg: Buffer;
  thumbnail?: Uint8Array | undefined;
  capturedAtUs: number;
}

/** Frames a second are counted over this long. */
const RATE_WINDOW_US = 5_000_000;

/** The way of one camera's frames to NATS: those that show something new, and what goes with them. */
export class FrameFlow {
  readonly #gate: FrameGate<CapturedFrame>;
  readonly #pacer: FramePacer<CapturedFrame>;
  readonly #status: CameraStatus;
  readonly #clock: Clock;
  readonly #eventOpen: () => boolean;
  readonly #seenAtUs: number[] = [];
  #lostAtUs = Number.NEGATIVE_INFINITY;

  constructor(options: {
    settings: CameraSettings['frames'];
    publisher: Pick<FramePublisher, 'frame'>;
    status: CameraStatus;
    clock: Clock;
    /** Whether the functions have an event open for this camera. */
    eventOpen: () => boolean;
  }) {
    this.#gate = new FrameGate(options.settings);
    // Twice the usual rate: what was held back is made good soon, and each frame is still looked at.
    this.#pacer = new FramePacer({
      intervalMs: 500 / options.settings.fps,
      clock: options.clock,
      send: ({ jpeg, capturedAtUs }) => options.publisher.frame(jpeg, capturedAtUs),
    });
    this.#status = options.status;
    this.#clock = options.clock;
    this.#eventOpen = options.eventOpen;
  }

  /** The newest frame that was taken; nothing before it counts any more. */
  get newestUs(): number {
    return this.#gate.seenUs;
  }

  /** Whether a frame shows something new, or something happens anyway. */
  isWorthALook(frame: Pick<CapturedFrame, 'thumbnail'>): boolean {
    this.#gate.eventOpen = this.#eventOpen();
    return this.#eventOpen() || this.#gate.showsChange(frame);
  }

  /** Whether something happens at this time. */
  activeAt(capturedAtUs: number): boolean {
    this.#gate.eventOpen = this.#eventOpen();
    return this.#gate.activeAt(capturedAtUs);
  }

  /** Sends what waits for its turn at once. */
  flush(): void {
    this.#pacer.flush();
  }

  /**
   * The camera is said to be lost at this time: what waits goes out before that, and what was taken before but comes
   * only now would confuse the order. A loss from before the first frame is of whoever watched before, maybe by a clock
   * that was an hour ahead: it holds nothing back.
   */
  lost(atUs: number): void {
    if (this.newestUs > Number.NEGATIVE_INFINITY) this.#lostAtUs = atUs;
    this.#pacer.flush();
  }

  /** Takes the camera's next frame. */
  take(frame: CapturedFrame): void {
    if (frame.capturedAtUs <= this.#lostAtUs) return;
    this.#gate.eventOpen = this.#eventOpen();
    const passed = this.#gate.offer(frame);
    for (const each of passed) this.#pacer.push(each);
    this.#status.lastFrameAtUs = Math.max(frame.capturedAtUs, this.#status.lastFrameAtUs ?? 0);
    this.#status.active = this.#gate.activeAt(frame.capturedAtUs);
    const nowUs = this.#clock.nowUs();
    this.#seenAtUs.push(nowUs);
    while (nowUs - (this.#seenAtUs[0] ?? nowUs) >= RATE_WINDOW_US) this.#seenAtUs.shift();
    this.#status.framesPerSecond = Math.round((this.#seenAtUs.length * 1e7) / RATE_WINDOW_US) / 10;
  }
}
