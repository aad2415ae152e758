import { join } from 'node:path';
import type { Clock } from '@faascam/core/clock';
import { FaascamError, messageOf, systemCodeOf, UsageError } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import { redact } from '@faascam/core/redact';
import type { CameraSettings } from '@faascam/core/camera-settings';
import { viewOf, type View } from '@faascam/core/view';
import type { Attestor, ChainState } from './attestor.ts';
import type { CameraStatus } from './capture/camera-status.ts';
import { recordCamera, type RecorderOptions } from './capture/recorder.ts';
import { serveClips, type ClipServiceOptions } from './clips/clip-service.ts';
import type { ClipUplink } from './clips/clip-uplink.ts';
import { KeptRequests } from './clips/kept-requests.ts';
import { LivePublisher } from './frames/live-publisher.ts';
import { LiveTap } from './live/live-tap.ts';
import { Restream } from './restream/restream.ts';
import type { Quota } from './ring/eviction.ts';
import { Footage } from './ring/footage.ts';
import type { Room } from './ring/room.ts';
import type { Dates } from './timebase.ts';
import type { NatsLink } from './uplink.ts';

/** Shorter times, for tests. */
export type UnitTiming = Pick<RecorderOptions, 'stallMs' | 'lostMs' | 'random'> &
  Pick<ClipServiceOptions, 'graceMs' | 'offerWaitsMs' | 'ackWaitMs'>;

export interface UnitOptions {
  /** The agent's id. */
  agent: string;
  camera: string;
  /** Footage goes to a folder of the camera's name in it. */
  ringDirectory: string;
  room: Room;
  nats: NatsLink;
  /** Signs what is offered. */
  attestor: Attestor;
  /** What all cameras' clips share. */
  uplink: ClipUplink;
  configRevision: () => string | undefined;
  allowExec: boolean;
  clock: Clock;
  dates: Dates;
  log: Logger;
  timing: UnitTiming;
}

/** Waits before a camera that could not even be begun is tried again. */
const WAITS_MS = [2000, 5000, 10_000, 30_000, 60_000];
/** A camera that ran this long was begun well: the waits begin anew. */
const GOOD_RUN_US = 60_000_000;

/**
 * One camera of the agent: its footage, its recording, and the clips cut out of it. Whatever is wrong with it is its own
 * business: it says so in its status and in the log, and tries again where that can help; nothing is ever thrown.
 */
export class CameraUnit {
  readonly status: CameraStatus = { state: 'connecting', restarts: 0, active: false, framesPerSecond: 0 };
  readonly publisher: LivePublisher;
  /** What the camera sends, for whoever wants to see it as it comes. */
  readonly tap: LiveTap;
  /** Where it is sent on to. */
  readonly restream: Restream;
  readonly #options: UnitOptions;
  readonly #log: Logger;
  readonly #serving = new AbortController();
  #footage: Footage | undefined;
  #clipsWaiting = 0;
  #view: View | undefined;
  #clips: Promise<void> = Promise.resolve();
  #recording: { stop: AbortController; over: Promise<void> } | undefined;

  constructor(options: UnitOptions) {
    const { agent, camera, nats, clock } = options;
    this.#options = options;
    this.#log = options.log.child({ camera });
    this.publisher = new LivePublisher({ agent, camera, nats, clock, log: this.#log });
    this.tap = new LiveTap(clock, this.#log);
    this.restream = new Restream({ camera, tap: this.tap, clock, log: this.#log });
  }

  /** Its chain of signed events; undefined until it was read, and while it is empty. */
  get chain(): ChainState | undefined {
    return this.#options.attestor.stateOf(this.#options.camera);
  }

  /** Undefined until it could be opened. */
  get footage(): Footage | undefined {
    return this.#footage;
  }

  /** Events whose clips are not stored yet. */
  get clipsWaiting(): number {
    return this.#clipsWaiting;
  }

  /** Records with these settings from now on. What was recorded with others has ended in order when this resolves. */
  async record(settings: CameraSettings): Promise<void> {
    await this.#endRecording();
    this.#view = viewOf(settings);
    const stop = new AbortController();
    this.#recording = { stop, over: this.#keepRecording(settings, stop.signal) };
    await this.restream.set(settings.restream);
  }

  /** Serves clips out of the footage that an earlier agent recorded of a camera that is taken out. */
  async serveWhatIsLeft(): Promise<void> {
    try {
      await this.#openFootage({ minutes: Infinity, megabytes: Infinity, pinnedMegabytes: Infinity });
      await this.endForGood(true);
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Keeps more or less footage from now on, or sends it on elsewhere; the recording goes on. */
  async keep({ ring, restream }: Pick<CameraSettings, 'ring' | 'restream'>): Promise<void> {
    await this.restream.set(restream);
    try {
      await this.#footage?.ring.setQuota(ring);
    } catch (error) {
      this.#log.warn(`Old footage could not be dropped: ${messageOf(error)}`);
    }
  }

  /**
   * Ends the recording: the newest segment is closed, the camera is said to be lost. Requests for clips go on to be
   * served. `servesWhatIsThere`: with what was recorded, instead of by the agent's next start.
   */
  async endForGood(servesWhatIsThere: boolean): Promise<void> {
    this.#footage?.endsForGood();
    if (servesWhatIsThere) this.#footage?.serveWhatIsThere();
    await this.restream.set([]);
    await this.#endRecording();
    this.#footage?.stopped();
    this.status.state = 'stopped';
    this.status.cause = undefined;
    this.status.causeCode = undefined;
  }

  /** Takes no more requests for clips, and resolves when those in work are done or their grace is over. */
  async close(): Promise<void> {
    this.#serving.abort();
    await this.#clips;
    this.#footage?.close();
  }

  async #endRecording(): Promise<void> {
    this.#recording?.stop.abort();
    await this.#recording?.over;
    this.#recording = undefined;
  }

  async #keepRecording(settings: CameraSettings, signal: AbortSignal): Promise<void> {
    const { camera, allowExec, clock, dates, timing } = this.#options;
    for (let failures = 0; !signal.aborted; failures++) {
      const beganUs = clock.nowUs();
      try {
        const footage = await this.#openFootage(settings.ring);
        footage.begins();
        // All that counts on dates begins anew with a new epoch.
        const { epochEnds } = dates;
        // What began without room for its footage begins anew when there is some.
        const over = new AbortController();
        const roomAgain = new AbortController();
        const watching = footage.roomAgain(AbortSignal.any([signal, over.signal])).then((room) => {
          if (room) roomAgain.abort();
        });
        try {
          await recordCamera({
            ...{ camera, settings, footage, publisher: this.publisher, status: this.status, allowExec },
            tap: this.tap,
            ...{ clock, log: this.#log, signal: AbortSignal.any([signal, roomAgain.signal, epochEnds]) },
            ...timing,
          });
        } finally {
          over.abort();
          await watching;
        }
        // A frame from before may seem to lie ahead.
        if (epochEnds.aborted) this.status.lastFrameAtUs = undefined;
      } catch (error) {
        if (this.#failed(error) === 'final') return;
        if (clock.nowUs() - beganUs > GOOD_RUN_US) failures = 0;
        const waitMs = WAITS_MS[Math.min(failures, WAITS_MS.length - 1)] ?? 60_000;
        await clock.sleep(waitMs, signal).catch(() => undefined);
      }
    }
  }

  async #openFootage(quota: Quota): Promise<Footage> {
    const { camera, ringDirectory, room, clock, dates } = this.#options;
    if (this.#footage !== undefined) {
      await this.#footage.ring.setQuota(quota);
      return this.#footage;
    }
    const footage = await Footage.open({
      ...{ directory: join(ringDirectory, camera), ring: quota, room },
      ...{ pace: 'live', log: this.#log, clock, dates },
    });
    this.#footage = footage;
    this.#clips = this.#serveClips(footage);
    return footage;
  }

  async #serveClips(footage: Footage): Promise<void> {
    const { agent, camera, nats, clock, timing, attestor, uplink, configRevision } = this.#options;
    const { signal } = this.#serving;
    // They are waited for also while there is nobody to serve them to. What is wrong with them shows when they are served.
    this.#clipsWaiting = await KeptRequests.countIn(join(footage.directory, 'requests')).catch(() => 0);
    const messaging = await nats.first(signal);
    if (messaging === undefined) return;
    await serveClips({
      ...{ id: agent, camera, footage, messaging, clock, log: this.#log, signal },
      ...{ attestor, uplink, configRevision, view: () => this.#view },
      onWaiting: (count) => (this.#clipsWaiting = count),
      ...timing,
    });
  }

  /** Says why it cannot record. `final`: trying again cannot help. */
  #failed(error: unknown): 'final' | 'again' {
    const final = error instanceof UsageError;
    const cause = redact(messageOf(error));
    this.status.state = final ? 'failed' : 'waiting';
    this.status.cause = cause;
    this.status.causeCode = error instanceof FaascamError ? error.code : (systemCodeOf(error) ?? 'failed');
    this.#log.error(
      { cause: this.status.causeCode },
      `The camera ${this.#options.camera} cannot run: ${cause}`,
    );
    return final ? 'final' : 'again';
  }
}
