import { setMaxListeners } from 'node:events';
import type { JsMsg } from '@nats-io/jetstream';
import { MalformedInputError, messageOf } from '@faascam/core/errors';
import { clipWanted, parseMessage, type ClipWanted } from '@faascam/core/messages';
import { subjects } from '@faascam/core/subjects';
import { fulfil, pin, type ClipDesk } from './clip-request.ts';
import type { WaitingRequest } from './kept-requests.ts';

const RETRY_MS = 2000;

interface AtWork {
  over: Promise<void>;
  /** What NATS asked with, by sequence in its stream; none for a request that only this disk knows of. */
  messages: Map<number, JsMsg>;
}

/** A camera's requests that are being fulfilled, and the messages that they came with. */
export class RequestsAtWork {
  readonly #desk: ClipDesk;
  readonly #letGo: AbortSignal;
  readonly #onWaiting: (count: number) => void;
  readonly #atWork = new Map<string, AtWork>();
  readonly #begun: Promise<void>;
  #begin: () => void = () => undefined;

  /** `letGo` ends all work; what is then not stored comes again. */
  constructor(desk: ClipDesk, letGo: AbortSignal, onWaiting: (count: number) => void) {
    this.#desk = desk;
    this.#letGo = letGo;
    // Each request listens.
    setMaxListeners(0, letGo);
    this.#onWaiting = onWaiting;
    this.#begun = new Promise((resolve) => (this.#begin = resolve));
  }

  /** Lets those that were taken so far, and all that come, go on: until then they only hold their footage. */
  begin(): void {
    this.#begin();
  }

  /** Takes up what this disk knows of. */
  async takeKept(): Promise<void> {
    for (const request of this.#desk.requests.all) {
      await pin(this.#desk, request);
      this.#start(request);
    }
  }

  /** Takes up a request. Never rejects: whatever goes wrong, it is answered, or comes again. */
  async take(message: JsMsg): Promise<void> {
    const { camera, requests, log } = this.#desk;
    try {
      const wanted = parseMessage(clipWanted, message.data, message.subject);
      requireOwn(wanted, camera, message.subject);
      const atWork = this.#atWork.get(wanted.eventId);
      if (atWork !== undefined) {
        atWork.messages.set(message.seq, message);
        return;
      }
      await pin(this.#desk, wanted);
      const { footage } = this.#desk;
      const taken = { wantedAtUs: wantedAtUs(message), pinnedAtUs: Math.round(footage.dates.nowUs()) };
      this.#start(await requests.keep(wanted, { ...taken, epoch: footage.epochOf(wanted) }), message);
    } catch (error) {
      if (error instanceof MalformedInputError) {
        log.error(`A request for footage was left out: ${error.message}`);
        if (this.#isOpen) message.term();
      } else {
        log.warn(`A request for footage could not be kept and comes again: ${messageOf(error)}`);
        if (this.#isOpen) message.nak(RETRY_MS);
      }
    }
  }

  /** Tells NATS that the requests are at work still: nobody else needs to see to them. */
  holdMessages(): void {
    for (const atWork of this.#atWork.values()) this.#reply(atWork, (message) => message.working());
  }

  /** Resolves when none is at work any more. */
  async over(): Promise<void> {
    await Promise.all([...this.#atWork.values()].map(({ over }) => over));
  }

  #start(request: WaitingRequest, message?: JsMsg): void {
    const atWork: AtWork = { messages: new Map(), over: Promise.resolve() };
    if (message !== undefined) atWork.messages.set(message.seq, message);
    this.#atWork.set(request.eventId, atWork);
    this.#onWaiting(this.#atWork.size);
    atWork.over = this.#work(request, atWork).finally(() => {
      this.#atWork.delete(request.eventId);
      this.#onWaiting(this.#atWork.size);
    });
  }

  async #work(request: WaitingRequest, atWork: AtWork): Promise<void> {
    const { log, clock } = this.#desk;
    await this.#begun;
    for (;;) {
      try {
        const outcome = await fulfil(this.#desk, request, this.#letGo);
        // What the next start completes comes to this one as well, as long as it runs.
        this.#reply(atWork, (message) => (outcome === 'stored' ? message.ack() : message.nak(RETRY_MS)));
        return;
      } catch (error) {
        if (!this.#letGo.aborted) {
          log.warn(`A request for footage failed and is tried again: ${messageOf(error)}`);
          await clock.sleep(RETRY_MS, this.#letGo).catch(() => undefined);
        }
        if (this.#letGo.aborted) {
          this.#reply(atWork, (message) => message.nak());
          return;
        }
      }
    }
  }

  /** Without an answer a request comes again, which is as good as can be when the connection is gone. */
  get #isOpen(): boolean {
    return !this.#desk.messaging.nc.isClosed();
  }

  #reply({ messages }: AtWork, send: (message: JsMsg) => void): void {
    if (!this.#isOpen) return;
    for (const message of messages.values()) send(message);
  }
}

function requireOwn(wanted: ClipWanted, camera: string, subject: string): void {
  if (subject !== subjects.clipsWanted(wanted.camera)) {
    throw new MalformedInputError(`${subject} names another camera, ${wanted.camera}`);
  }
  if (wanted.event.id !== wanted.eventId || !wanted.eventId.startsWith(`${camera}-`)) {
    throw new MalformedInputError(`${subject} names an event that is not its own, ${wanted.eventId}`);
  }
}

/** When NATS got the request. */
function wantedAtUs(message: JsMsg): number {
  return Math.round(message.info.timestampNanos / 1000);
}
