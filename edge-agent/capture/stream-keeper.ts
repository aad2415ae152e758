import { existsSync } from 'node:fs';
import type { Clock } from '@faascam/core/clock';
import { messageOf } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import { redact } from '@faascam/core/redact';
import type { CameraSettings } from '@faascam/core/camera-settings';
import type { FrameFlow } from '../frames/frame-flow.ts';
import { thumbnailOf } from '../frames/thumbnail.ts';
import { RateLimit } from '../rate-limit.ts';
import type { LiveTap } from '../live/live-tap.ts';
import type { Footage } from '../ring/footage.ts';
import { openInput, SourceError, type SourceInput } from '../sources/input.ts';
import { reachOf } from '../sources/reach.ts';
import type { Analysis } from '../sources/source-args.ts';
import { shownSource, type Source } from '../sources/source.ts';
import { AutoDecoder } from './auto-decoder.ts';
import type { Dates } from '../timebase.ts';
import type { CameraStatus } from './camera-status.ts';
import { waitForReturn } from './camera-return.ts';
import { causeOf, type Cause } from './cause.ts';
import { framePictureOf, type FrameOutput } from './ffmpeg-args.ts';
import { decoderChoices, processor, type DecoderChoice } from './hardware.ts';
import { LiveSession, type LiveFrame } from './live-session.ts';
import { reconnectAfter } from './reconnect-policy.ts';
import { SegmentFollower } from './segment-follower.ts';
import { runSession, type SessionEnd } from './session.ts';

/** What is known of one stream of a camera. */
export type StreamStatus = Pick<CameraStatus, 'state' | 'cause' | 'causeCode' | 'decoding' | 'restarts'>;

export interface StreamKeeperOptions {
  camera: string;
  source: Source;
  settings: CameraSettings;
  allowExec: boolean;
  /** Where the stream is recorded, if it is. */
  footage?: Footage | undefined;
  /** Who is shown what is recorded. */
  tap?: LiveTap | undefined;
  /** Where its frames go, if it gives frames. */
  flow?: FrameFlow | undefined;
  status: StreamStatus;
  /** Called when the status has changed. */
  onStatus: () => void;
  /** Called for each frame, also for those that are not worth sending. */
  onFrame: (capturedAtUs: number, arrivedUs: number) => void;
  /** Called when only keyframes are looked at, none came for a while, and the camera still sends. */
  onAlive: () => void;
  clock: Clock;
  dates: Dates;
  log: Logger;
  signal: AbortSignal;
  stallMs: number;
  random: () => number;
}

interface Ended {
  cause: Cause;
  streamedMs: number;
}

/** What ffmpeg says of a full disk, for a stream that is not even begun because of it. */
const NO_SPACE = 'No space left on device';

/** After these, the decoder of choice may be what is wrong. */
const DECODER_FAULTS = new Set(['failed', 'unknown-codec', 'stalled', 'no-answer']);

/**
 * Keeps one stream of a camera running until the signal is aborted: connects again whenever it ends, stalls or was never
 * there, without ever giving up. Rejects only when ffmpeg cannot be run at all.
 */
export class StreamKeeper {
  readonly #options: StreamKeeperOptions;
  readonly #limit: RateLimit;
  readonly #decoders: DecoderChoice[];
  #analysis: Analysis = 'quick';
  /** Whether keyframes come often enough for `auto`. Assumed until seen otherwise. */
  #keyframesAreNear = true;
  /** How much of decoding every picture this host can do. */
  #pace: 'one-core' | 'all-cores' | 'keyframes' = 'one-core';

  constructor(options: StreamKeeperOptions) {
    this.#options = options;
    this.#limit = new RateLimit(options.clock, 600_000);
    this.#decoders = decoderChoices(options.settings.hardware, existsSync);
  }

  async run(): Promise<void> {
    const { clock, signal, status, source, footage } = this.#options;
    const goesOn = (): boolean => !signal.aborted;
    let failures = 0;
    for (let session = 0; goesOn(); session++) {
      status.restarts = session;
      this.#become('connecting');
      const begunUs = clock.nowUs();
      const { cause, streamedMs } = await this.#session();
      if (!goesOn()) return;
      const random = this.#options.random();
      const lastedMs = (clock.nowUs() - begunUs) / 1000;
      const next = reconnectAfter({ failures, streamedMs, lastedMs, retry: cause.retry, random });
      failures = next.failures;
      // We hung up ourselves, and said so: there is nobody to be gentle with.
      if (cause.code === 'decoding-changed') continue;
      this.#become('waiting', cause);
      this.#limit.tell(cause.code, (keptBack) =>
        this.#options.log.warn({ cause: cause.code, retryInMs: next.waitMs, keptBack }, cause.message),
      );
      if (cause.code === 'not-described') this.#analysis = 'thorough';
      if (cause.code === 'disk-full') {
        footage?.ranOutOfRoom();
        await footage?.ring.evict();
      }
      await waitForReturn({ waitMs: next.waitMs, reach: reachOf(source), clock, signal });
    }
  }

  async #session(): Promise<Ended> {
    const { source, settings, allowExec, signal } = this.#options;
    let input: SourceInput;
    try {
      input = await openInput(source, {
        pace: 'live',
        analysis: this.#analysis,
        settings,
        allowExec,
        signal,
      });
    } catch (error) {
      return { cause: this.#causeOfOpening(error), streamedMs: 0 };
    }
    try {
      return await this.#play(input);
    } finally {
      await input.close();
    }
  }

  async #play(input: SourceInput): Promise<Ended> {
    const { settings, footage, flow, clock, dates, log, signal } = this.#options;
    const incoming = await footage?.openSession();
    const output = flow === undefined ? undefined : this.#frameOutput(input);
    if (output === undefined && incoming === undefined) return { cause: this.#diskFull(), streamedMs: 0 };
    const changeDecoding = new AbortController();
    const follower =
      output?.mode === 'keyframes' &&
      settings.decode === 'auto' &&
      this.#keyframesAreNear &&
      incoming !== undefined
        ? new SegmentFollower(incoming, clock)
        : undefined;
    const live = new LiveSession({
      ...(footage && incoming ? { recording: { footage, incoming } } : {}),
      follower,
      hasFrames: output !== undefined,
      // Dates of other epochs say nothing of these.
      notBeforeUs: footage?.ring.newestOf(dates.epoch)?.endUs,
      ...{ clock, dates },
      onFrame: (frame) => this.#frame(frame, auto),
      onBehind: () => {
        if (output?.mode !== 'all') return;
        this.#decodeLess();
        changeDecoding.abort();
      },
    });
    const auto =
      follower === undefined || flow === undefined || output === undefined
        ? undefined
        : new AutoDecoder({
            ...{ flow, follower, live, picture: output.picture, fps: settings.frames.fps, clock, log },
            onFarApart: () => {
              this.#decodeAll();
              changeDecoding.abort();
            },
          });
    this.#options.status.decoding = output && decodingOf(output);
    const running = runSession({
      capture: {
        input,
        ...(output === undefined ? {} : { frames: output }),
        ...(incoming === undefined ? {} : { segments: { segmentMs: settings.ring.segmentMs, incoming } }),
      },
      ...(input.stdin === undefined ? {} : { stdin: input.stdin }),
      // Pictures that are asked for come no faster than that.
      stallMs: input.jpeg ? Math.max(this.#options.stallMs, 2 * settings.pollMs) : this.#options.stallMs,
      clock,
      log,
      signal: AbortSignal.any([signal, live.jumped, changeDecoding.signal]),
      onFrame:
        output?.mode === 'pass-through'
          ? async (frame) => live.frame({ ...frame, thumbnail: await thumbnailOf(frame.jpeg) })
          : (frame) => live.frame(frame),
      onGrowth: () => {
        if (output?.mode === 'keyframes') this.#options.onAlive();
      },
      onFramesEnd: () => live.framesEnded(),
      onSegment: async (segment) => {
        await live.segment(segment);
        if (flow === undefined) this.#become('streaming');
      },
    });
    const tapped =
      incoming === undefined
        ? undefined
        : this.#options.tap?.open({ incoming, capturedAtUs: (streamUs) => live.dateOf(streamUs) });
    let end: SessionEnd;
    try {
      end = await running;
    } finally {
      await tapped?.close();
      await auto?.end();
      await live.end();
    }
    // What runs beside ffmpeg knows better why it had nothing more to read; but not when it was us who ended it.
    const failure = end.ending === 'ended' ? input.failure?.() : undefined;
    const cause =
      failure === undefined
        ? this.#causeOf(end, live.jumped.aborted, changeDecoding.signal.aborted)
        : this.#causeOfOpening(failure);
    this.#judgeDecoder(end, cause);
    return { cause, streamedMs: end.streamedMs };
  }

  #frameOutput(input: SourceInput): FrameOutput {
    const { settings, footage } = this.#options;
    const { frames, decode, rotate, crop } = settings;
    const passOn = input.jpeg && rotate === 0 && crop === undefined && decode !== 'all';
    // A stream that is not recorded is the small one: there is nothing to save, and no segment to look back in.
    const keyframes = decode === 'keyframes' || this.#pace === 'keyframes';
    const auto = decode === 'auto' && this.#keyframesAreNear && footage !== undefined;
    return {
      mode: passOn ? 'pass-through' : keyframes || auto ? 'keyframes' : 'all',
      picture: framePictureOf(settings),
      fps: frames.fps,
      thumbnails: true,
      decoder: this.#decoders[0] ?? processor,
      manyThreads: this.#pace === 'all-cores',
    };
  }

  #frame(frame: LiveFrame, auto: AutoDecoder | undefined): void {
    if (this.#options.status.state !== 'streaming') {
      this.#become('streaming');
      this.#limit.tell('streaming', () => this.#options.log.info('The camera streams.'));
    }
    this.#options.onFrame(frame.capturedAtUs, frame.arrivedUs);
    if (auto === undefined) this.#options.flow?.take(frame);
    else auto.keyframe(frame);
  }

  #become(state: CameraStatus['state'], cause?: Cause): void {
    const { status } = this.#options;
    if (status.state === state && status.causeCode === cause?.code) return;
    status.state = state;
    status.cause = cause?.message;
    status.causeCode = cause?.code;
    this.#options.onStatus();
  }

  #decodeLess(): void {
    const all = this.#pace === 'one-core';
    this.#pace = all ? 'all-cores' : 'keyframes';
    this.#options.log.warn(
      all
        ? 'One core cannot decode every picture of this camera: all of them do from now on.'
        : 'This host cannot decode every picture of this camera, so only keyframes are looked at: give it a substream, or hardware decoding.',
    );
  }

  #decodeAll(): void {
    if (!this.#keyframesAreNear) return;
    this.#keyframesAreNear = false;
    this.#options.log.info('Keyframes are more than 2 s apart: all pictures are decoded.');
  }

  /** Hardware that gives no picture is given up for this run. */
  #judgeDecoder(end: SessionEnd, cause: Cause): void {
    const [decoder, next] = this.#decoders;
    if (next === undefined || decoder?.hardware === undefined) return;
    if (end.frames > 0 || !DECODER_FAULTS.has(cause.code)) return;
    this.#decoders.shift();
    this.#options.log.warn(
      { complaints: end.complaints.slice(-3) },
      `Hardware decoding (${decoder.hardware}) gives no picture; ${next.hardware ?? 'the processor'} decodes instead.`,
    );
  }

  #causeOf(end: SessionEnd, jumped: boolean, decodingChanged: boolean): Cause {
    const stopped = end.ending === 'stopped';
    return causeOf({
      ending:
        stopped && jumped ? 'clock-jumped' : stopped && decodingChanged ? 'decoding-changed' : end.ending,
      complaints: end.complaints,
      exit: end.exit,
      camera: this.#options.camera,
      shown: shownSource(this.#options.source),
      sourceKind: this.#options.source.kind,
      streamed: end.frames > 0 || end.segments > 0,
    });
  }

  #diskFull(): Cause {
    return causeOf({
      ...{ ending: 'ended', complaints: [NO_SPACE], exit: '', streamed: false },
      camera: this.#options.camera,
      shown: shownSource(this.#options.source),
      sourceKind: this.#options.source.kind,
    });
  }

  #causeOfOpening(error: unknown): Cause {
    const { camera, source, signal } = this.#options;
    const known = error instanceof SourceError;
    if (!known && !signal.aborted) {
      this.#options.log.error({ err: error }, 'The source could not be opened.');
    }
    const says = known ? error.message : `cannot be opened: ${messageOf(error)}`;
    return {
      code: known ? error.code : 'failed',
      message: redact(`Camera ${camera} (${shownSource(source)}) ${says}.`),
      retry: known ? error.retry : 'soon',
    };
  }
}

function decodingOf({ mode, decoder }: FrameOutput): NonNullable<CameraStatus['decoding']> {
  const { hardware } = decoder;
  return { mode, ...(mode === 'pass-through' || hardware === undefined ? {} : { hardware }) };
}
