import { randomUUID } from 'node:crypto';
import { FaascamError } from '@faascam/core/errors';
import { liveReply, type LiveReply, type LiveRequest } from '@faascam/core/live-messages';
import { parseMessage } from '@faascam/core/messages';
import { headers, subjects } from '@faascam/core/subjects';
import { NoRespondersError, RequestError, TimeoutError, type Subscription } from '@nats-io/transport-node';
import type { LatestFrame, NatsLink } from './nats-link.ts';

/** The camera's agent shows nothing, and says why. */
export class LiveRefusedError extends FaascamError {
  override readonly name = 'LiveRefusedError';
  readonly status: number;

  constructor(status: number, code: string, message: string) {
    super(code, message);
    this.status = status;
  }
}

/** An agent waits up to 5 s for a camera's picture before it answers an offer. */
const ANSWER_MS = 8000;
/** Pictures are asked for again and again, for a little longer than until the next time. */
const WATCH_EVERY_MS = 3000;
const WATCH_S = 6;
/** For so long after a picture was asked for the camera stays watched. */
const HOLD_MS = 3000;
const FIRST_PICTURE_MS = 4000;

interface Watched {
  subscription: Subscription;
  timer: NodeJS.Timeout;
  takers: Set<(frame: LatestFrame) => void>;
  /** Its newest picture. */
  seen: { newest: LatestFrame | undefined };
}

/** Live view by way of NATS, for whoever cannot reach an agent: offers and answers, and pictures while somebody looks. */
export class LiveLink {
  readonly #nats: Pick<NatsLink, 'asking'>;
  readonly #watched = new Map<string, Promise<Watched>>();

  constructor(nats: Pick<NatsLink, 'asking'>) {
    this.#nats = nats;
  }

  /** What the camera's agent replies. Throws `LiveRefusedError`, `NatsAwayError`. */
  async ask(camera: string, request: LiveRequest): Promise<Exclude<LiveReply, { kind: 'refused' }>> {
    const reply = await this.#nats.asking(async ({ nc }) => {
      try {
        const { data } = await nc.request(subjects.liveControl(camera), JSON.stringify(request), {
          ...{ timeout: ANSWER_MS, noMux: true, reply: subjects.liveAnswer(camera, randomUUID()) },
        });
        return parseMessage(liveReply, data, `The answer of camera ${camera}'s agent`);
      } catch (error) {
        if (isUnanswered(error)) return undefined;
        throw error;
      }
    });
    if (reply === undefined)
      throw new LiveRefusedError(
        503,
        'no-agent',
        `No agent shows camera ${camera} live: it is away, or live view is switched off there.`,
      );
    if (reply.kind === 'refused') throw new LiveRefusedError(reply.status, reply.code, reply.message);
    return reply;
  }

  /** The camera's pictures as they come, until the answer is called. Throws as `ask` does. */
  async watch(camera: string, taker: (frame: LatestFrame) => void): Promise<() => void> {
    const watched = await this.#watch(camera);
    watched.takers.add(taker);
    if (watched.seen.newest !== undefined) taker(watched.seen.newest);
    return () => {
      if (watched.takers.delete(taker) && watched.takers.size === 0) this.#leave(camera, watched);
    };
  }

  /** The camera's newest picture, which stays fresh while it is asked for. Throws as `ask` does. */
  async newest(camera: string): Promise<LatestFrame | undefined> {
    const hold = await this.watch(camera, () => undefined);
    setTimeout(hold, HOLD_MS).unref();
    return await new Promise((resolve) => {
      let leave: (() => void) | undefined;
      const done = (frame: LatestFrame | undefined): void => {
        clearTimeout(timer);
        resolve(frame);
        leave?.();
        leave = () => undefined;
      };
      const timer = setTimeout(() => {
        done(undefined);
      }, FIRST_PICTURE_MS);
      this.watch(camera, done).then(
        (left) => {
          if (leave === undefined) leave = left;
          else left();
        },
        () => {
          done(undefined);
        },
      );
    });
  }

  close(): void {
    for (const watched of this.#watched.values()) {
      watched.then(({ timer }) => clearInterval(timer)).catch(() => undefined);
    }
    this.#watched.clear();
  }

  async #watch(camera: string): Promise<Watched> {
    const known = this.#watched.get(camera);
    if (known !== undefined) return await known;
    const begun = this.#begin(camera);
    this.#watched.set(camera, begun);
    begun.catch(() => this.#watched.delete(camera));
    return await begun;
  }

  async #begin(camera: string): Promise<Watched> {
    const request = { v: 1, kind: 'watch', seconds: WATCH_S } as const;
    const takers = new Set<(frame: LatestFrame) => void>();
    const seen: { newest: LatestFrame | undefined } = { newest: undefined };
    const subscription = await this.#nats.asking(({ nc }) =>
      Promise.resolve(
        nc.subscribe(subjects.livePictures(camera), {
          callback: (error, message) => {
            const capturedAtUs = Number(message.headers?.get(headers.capturedAt));
            if (error !== null || message.data.length === 0) return;
            const frame = {
              jpeg: Buffer.from(message.data),
              capturedAtUs: Number.isSafeInteger(capturedAtUs) && capturedAtUs > 0 ? capturedAtUs : undefined,
              tag: `live-${capturedAtUs}`,
            };
            seen.newest = frame;
            for (const taker of [...takers]) taker(frame);
          },
        }),
      ),
    );
    const timer = setInterval(() => {
      // Whoever waits for the next picture sees that none comes.
      this.ask(camera, request).catch(() => undefined);
    }, WATCH_EVERY_MS);
    const watched: Watched = { subscription, timer, takers, seen };
    try {
      await this.ask(camera, request);
    } catch (error) {
      this.#end(watched);
      throw error;
    }
    return watched;
  }

  #leave(camera: string, watched: Watched): void {
    this.#watched.delete(camera);
    this.#end(watched);
  }

  #end({ subscription, timer }: Watched): void {
    clearInterval(timer);
    subscription.unsubscribe();
  }
}

/** Nobody is there who could, or nobody did in time. */
function isUnanswered(error: unknown): boolean {
  if (error instanceof NoRespondersError || error instanceof TimeoutError) return true;
  return error instanceof RequestError && error.isNoResponders();
}
