import { mkdtemp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock, type Clock } from '@faascam/core/clock';
import { FaascamError, messageOf } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import { ensureStreams, type Messaging } from '@faascam/core/messaging';
import type { CameraSettings } from '@faascam/core/camera-settings';
import { subjects } from '@faascam/core/subjects';
import { recordingTime } from './capture/capture-clock.ts';
import { causeOf } from './capture/cause.ts';
import { framePictureOf } from './capture/ffmpeg-args.ts';
import { processor } from './capture/hardware.ts';
import { probeRecording, recordingError } from './capture/recording.ts';
import { runSession } from './capture/session.ts';
import { Answers } from './frames/answers.ts';
import { frameHeaders, largestFrame, tooLargeMessage } from './frames/frame-message.ts';
import { RateLimit } from './rate-limit.ts';
import { Footage } from './ring/footage.ts';
import { sourceArgs } from './sources/source-args.ts';

export interface ReplayProgress {
  frames: number;
  /** How far into the recording, and its length; 0 if its file does not tell. */
  positionMs: number;
  durationMs: number;
}

export interface ReplayOptions {
  /** The agent's id, for receipts. */
  id: string;
  camera: string;
  /** `source` is not looked at. */
  settings: CameraSettings;
  /** Where the footage goes, from `openReplayFootage`; whoever serves clips from it needs the same. */
  footage: Footage;
  /** The recording's path. */
  recording: string;
  /** Capture time of the recording's first instant, in microseconds. */
  startUs: number;
  /** Frames without an answer at the same time. Default 4: each function works on one while the next is on its way. */
  maxInFlight?: number;
  messaging: Messaging;
  clock?: Clock;
  log: Logger;
  signal: AbortSignal;
  onProgress?: (progress: ReplayProgress) => void;
}

export interface ReplayResult {
  /** Frames published. */
  frames: number;
  /** How many of them got no detections, because they were dropped on the way. */
  unanswered: number;
  /** Frames that were too large for NATS, and not published. */
  tooLarge: number;
  /** From the recording's first instant to its end. */
  durationMs: number;
}

/** ffmpeg that gives nothing for this long, while we wait for it, hangs. */
const STALL_MS = 60_000;
const MAX_IN_FLIGHT = 4;
const PUBLISH_TIMEOUT_MS = 5000;
const PUBLISH_AGAIN_MS = 1000;

/**
 * Footage for one replay, empty and in a directory of its own, so that replays of one camera do not meet. The recording
 * is at hand anyway, so nothing is dropped for its age. The caller removes it: `footage.remove()`.
 */
export async function openReplayFootage(options: {
  dataDirectory: string;
  camera: string;
  settings: CameraSettings;
  log: Logger;
}): Promise<Footage> {
  const parent = join(options.dataDirectory, 'replay');
  await mkdir(parent, { recursive: true });
  return await Footage.open({
    directory: await mkdtemp(join(parent, `${options.camera}-`)),
    ring: { ...options.settings.ring, minutes: Number.MAX_SAFE_INTEGER },
    pace: 'replay',
    log: options.log,
  });
}

/**
 * Replays a recording as fast as its frames are worked on: each sampled frame is published with its capture time, none
 * is dropped here, and at the end the camera is said to be lost. Resolves when the detections of every frame, and of
 * that last message, were seen.
 *
 * Serve the clips of its events meanwhile, and after it until they are stored, with `serveClips` and the same footage.
 * Throws `UsageError` when the recording is no video, and rejects with the signal's reason.
 */
export async function replayRecording(options: ReplayOptions): Promise<ReplayResult> {
  const { camera, recording, footage, messaging, log, signal } = options;
  const clock = options.clock ?? systemClock;
  const { durationMs } = await probeRecording(recording, camera);
  await ensureStreams(messaging.jsm);
  const answers = await Answers.open({ camera, messaging, clock, log });
  try {
    return await new Replay(options, clock, answers, durationMs).run();
  } finally {
    await answers.close();
    const endUs = footage.ring.newest?.endUs;
    if (footage.state.kind !== 'ended' && !signal.aborted) footage.ended(endUs ?? options.startUs);
  }
}

class Replay {
  readonly #options: ReplayOptions;
  readonly #clock: Clock;
  readonly #answers: Answers;
  readonly #durationMs: number;
  /** Makes the messages of two replays different, also if they are of one recording. */
  readonly #nonce = Math.random().toString(36).slice(2, 10);
  readonly #limit: RateLimit;
  #frames = 0;
  #tooLarge = 0;
  #lastUs = 0;

  constructor(options: ReplayOptions, clock: Clock, answers: Answers, durationMs: number) {
    this.#options = options;
    this.#clock = clock;
    this.#limit = new RateLimit(clock);
    this.#answers = answers;
    this.#durationMs = durationMs;
  }

  async run(): Promise<ReplayResult> {
    const { footage, startUs, settings, signal, onProgress } = this.#options;
    await this.#play();
    const endUs = footage.ring.newest?.endUs ?? startUs;
    footage.ended(endUs);
    // Before the last word, or a function that takes only the newest message would never see the frame before it.
    await this.#answers.until(0, signal);
    await this.#publish('lost', new Uint8Array(0), this.#lastUs + Math.round(1e6 / settings.frames.fps));
    await this.#answers.until(0, signal);
    const durationMs = (endUs - startUs) / 1000;
    onProgress?.({ frames: this.#frames, positionMs: durationMs, durationMs });
    const { unanswered } = this.#answers;
    return { frames: this.#frames, unanswered, tooLarge: this.#tooLarge, durationMs };
  }

  async #play(): Promise<void> {
    const { camera, recording, footage, settings, log, signal } = this.#options;
    const times = recordingTime(this.#options.startUs);
    const incoming = await footage.openSession();
    if (incoming === undefined) {
      throw new FaascamError(
        'disk-full',
        `There is no room for the footage of ${recording}: free some space.`,
      );
    }
    const { input, copy } = sourceArgs({ kind: 'file', path: recording }, 'replay');
    let segments = 0;
    try {
      const end = await runSession({
        capture: {
          input: { args: input, copy },
          frames: {
            ...{ mode: 'all', picture: framePictureOf(settings), fps: settings.frames.fps },
            ...{ thumbnails: false, decoder: processor },
          },
          segments: { segmentMs: settings.ring.segmentMs, incoming },
        },
        stallMs: STALL_MS,
        clock: this.#clock,
        log,
        signal,
        onFrame: ({ jpeg, streamUs }) => this.#frame(jpeg, times.at(streamUs)),
        onSegment: async ({ path, startUs, endUs }) => {
          const joinsPrevious = segments > 0;
          segments += 1;
          await footage.add(path, { startUs: times.at(startUs), endUs: times.at(endUs), joinsPrevious });
        },
      });
      signal.throwIfAborted();
      const cause = causeOf({
        ...{ ending: end.ending, complaints: end.complaints, exit: end.exit, camera, shown: recording },
        ...{ sourceKind: 'file', streamed: end.frames > 0 },
      });
      if (end.frames === 0 || cause.code !== 'stream-ended') throw recordingError(cause);
    } finally {
      await rm(incoming, { recursive: true, force: true });
    }
  }

  async #frame(jpeg: Buffer, capturedAtUs: number): Promise<void> {
    const { camera, messaging, log, signal, maxInFlight, onProgress, startUs } = this.#options;
    if (jpeg.length > largestFrame(messaging.nc.info?.max_payload)) {
      this.#tooLarge += 1;
      this.#limit.tell('too-large', () => log.warn({ camera }, tooLargeMessage(jpeg.length)));
      return;
    }
    await this.#answers.until((maxInFlight ?? MAX_IN_FLIGHT) - 1, signal);
    await this.#publish('image', jpeg, capturedAtUs);
    this.#frames += 1;
    this.#lastUs = capturedAtUs;
    onProgress?.({
      frames: this.#frames,
      positionMs: (capturedAtUs - startUs) / 1000,
      durationMs: this.#durationMs,
    });
  }

  /** Publishes until NATS has it. A repeated message is the same to NATS, so none arrives twice. */
  async #publish(kind: 'image' | 'lost', body: Uint8Array, capturedAtUs: number): Promise<void> {
    const { id: agent, camera, messaging, log, signal } = this.#options;
    const headers = frameHeaders({ kind, capturedAtUs, seq: this.#frames + 1, agent });
    this.#answers.expect(capturedAtUs);
    for (;;) {
      try {
        const msgID = `${camera}-${this.#nonce}-${this.#frames}`;
        await messaging.js.publish(subjects.frames(camera), body, {
          headers,
          msgID,
          timeout: PUBLISH_TIMEOUT_MS,
        });
        return;
      } catch (error) {
        signal.throwIfAborted();
        if (messaging.nc.isClosed()) throw error;
        log.warn({ camera }, `A frame could not be sent to NATS and is sent again: ${messageOf(error)}`);
        await this.#clock.sleep(PUBLISH_AGAIN_MS, signal);
      }
    }
  }
}
