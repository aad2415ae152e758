import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import type { Clock } from '@faascam/core/clock';
import { MalformedInputError, messageOf } from '@faascam/core/errors';
import { liveRequest, type LiveReply, type LiveRequest } from '@faascam/core/live-messages';
import type { LiveSettings } from '@faascam/core/live-settings';
import type { Logger } from '@faascam/core/log';
import { parseMessage } from '@faascam/core/messages';
import { cameraOf, subjects } from '@faascam/core/subjects';
import { PictureSampler } from '../capture/picture-sampler.ts';
import type { NatsLink } from '../uplink.ts';
import type { LiveCameras } from './live-cameras.ts';
import { LiveRefusal } from './live-refusal.ts';
import { PictureUplink } from './picture-uplink.ts';

export interface LiveControlOptions {
  settings: LiveSettings;
  cameras: LiveCameras;
  nats: NatsLink;
  clock: Clock;
  log: Logger;
}

interface Watched {
  untilUs: number;
  leave: () => void;
}

/**
 * Live view for those who cannot reach the agent by HTTP: it answers on `control.live.<camera>` for its own cameras, and
 * publishes pictures on `live.<camera>` while somebody asks for them.
 */
export class LiveControl {
  readonly #options: LiveControlOptions;
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #watched = new Map<string, Watched>();
  readonly #uplink: PictureUplink;
  readonly #timer: NodeJS.Timeout;

  constructor(options: LiveControlOptions) {
    this.#options = options;
    this.#uplink = new PictureUplink(options);
    this.#timer = setInterval(() => this.#forget(), 1000);
  }

  /** Answers for these cameras, and no longer for others. */
  serve(nc: Pick<NatsConnection, 'subscribe'>, cameras: Iterable<string>): void {
    const wanted = new Set(cameras);
    for (const [camera, subscription] of this.#subscriptions) {
      if (wanted.has(camera)) continue;
      subscription.unsubscribe();
      this.#subscriptions.delete(camera);
    }
    for (const camera of wanted) {
      if (this.#subscriptions.has(camera)) continue;
      const subscription = nc.subscribe(subjects.liveControl(camera), {
        callback: (error, message) => {
          if (error === null) void this.#answer(message);
          else
            this.#options.log.warn({ camera }, `Live view through NATS does not work: ${messageOf(error)}`);
        },
      });
      this.#subscriptions.set(camera, subscription);
    }
  }

  close(): void {
    clearInterval(this.#timer);
    for (const subscription of this.#subscriptions.values()) subscription.unsubscribe();
    this.#subscriptions.clear();
    for (const { leave } of this.#watched.values()) leave();
    this.#watched.clear();
  }

  /** Never rejects. */
  async #answer(message: Msg): Promise<void> {
    let reply: LiveReply;
    try {
      const what = `A message on ${message.subject}`;
      reply = await this.#do(cameraOf(message.subject), parseMessage(liveRequest, message.data, what));
    } catch (error) {
      reply = refusalOf(error);
      if (reply.kind === 'refused' && reply.status === 500)
        this.#options.log.error({ err: error }, 'a live view could not be served');
    }
    try {
      message.respond(JSON.stringify(reply));
    } catch (error) {
      // Of a NATS that takes only small messages, or that is being left. Whoever asked hears that nobody answers.
      this.#options.log.warn(`A request for live view cannot be answered: ${messageOf(error)}`);
    }
  }

  async #do(camera: string, request: LiveRequest): Promise<LiveReply> {
    const { cameras } = this.#options;
    if (request.kind === 'offer')
      return { v: 1, kind: 'answer', ...(await cameras.offer(camera, request.sdp)) };
    if (request.kind === 'end') cameras.webRtc.end(request.session);
    else this.#watch(camera, request.seconds);
    return { v: 1, kind: 'done' };
  }

  #watch(camera: string, seconds: number): void {
    const { cameras, clock, settings } = this.#options;
    const untilUs = clock.nowUs() + seconds * 1e6;
    const known = this.#watched.get(camera);
    if (known !== undefined) {
      known.untilUs = Math.max(known.untilUs, untilUs);
      return;
    }
    const pictures = cameras.picturesOf(camera);
    const leaveServer = cameras.enter();
    const sampler = new PictureSampler(settings.pictures.natsFps);
    const leave = pictures.subscribe(({ jpeg, capturedAtUs }) => {
      const atUs = capturedAtUs ?? Math.round(clock.nowUs());
      if (sampler.takes(atUs)) this.#uplink.offer(camera, { jpeg, capturedAtUs: atUs });
    });
    this.#watched.set(camera, {
      untilUs,
      leave: () => {
        leave();
        leaveServer();
        this.#uplink.forget(camera);
      },
    });
  }

  #forget(): void {
    const nowUs = this.#options.clock.nowUs();
    for (const [camera, { untilUs, leave }] of this.#watched) {
      if (untilUs > nowUs) continue;
      this.#watched.delete(camera);
      leave();
    }
  }
}

function refusalOf(error: unknown): LiveReply {
  const { status, code } =
    error instanceof LiveRefusal
      ? error
      : error instanceof MalformedInputError
        ? { status: 400, code: 'bad-request' }
        : { status: 500, code: 'failed' };
  const message = status === 500 ? 'The agent failed to show this; its log says why.' : messageOf(error);
  return { v: 1, kind: 'refused', status, code, message };
}
