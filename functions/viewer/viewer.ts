import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import type { Clock } from '@faascam/core/clock';
import { FaascamError, messageOf, StoreError, UsageError } from '@faascam/core/errors';
import { placeOf } from '@faascam/core/event-order';
import { bodyBytes, headerOf, type FunctionContext, type FunctionEvent } from '@faascam/core/function';
import type { Logger } from '@faascam/core/log';
import type { ObjectStore } from '@faascam/core/store';
import type { NatsAccess } from '@faascam/core/nats-access';
import { errorAnswer, NotFoundError, send, type Answer, type Asked } from './answer.ts';
import { operationsOf } from './api/areas.ts';
import { everybodyIsAdmin, suffices, type Authorizer, type Identity } from './api/authorizer.ts';
import { cameraScope } from './api/camera-scope.ts';
import { documentOf } from './api/document.ts';
import { InputError } from './api/input.ts';
import { documentOperation } from './api/openapi.ts';
import type { StoredNews } from './api/stream.ts';
import { OperationTable } from './api/operation-table.ts';
import type { Operation } from './api/operation.ts';
import type { Gate } from './auth/gate.ts';
import { Gatekeeper } from './auth/gatekeeper.ts';
import { Login } from './auth/login.ts';
import { loginOperations } from './auth/operations.ts';
import { PushSweep } from './auth/push-sweep.ts';
import type { AskNats } from './auth/session-registry.ts';
import { BoxHubs } from './box-hubs.ts';
import { EventIndex } from './event-index.ts';
import { LiveGuards } from './live-guards.ts';
import { LiveLink } from './live-link.ts';
import { DeniedError, NatsAwayError, NatsLink } from './nats-link.ts';
import { NewsHub } from './news.ts';
import { beginNews } from './news-source.ts';
import { pageAnswer } from './page-answer.ts';
import type { PageFiles } from './page-files.ts';
import { guardStream } from './stream-guard.ts';

/** Below what a function's call may last, see `exec_timeout`. */
const STREAM_MS = 50_000;

export interface ViewerOptions {
  store: ObjectStore;
  page: PageFiles;
  nats: NatsAccess;
  clock: Clock;
  log: Logger;
  /** How people log in, given what is asked of NATS for it; default: everybody may do everything. */
  gate?: (nats: AskNats) => Gate;
  /** Signs tokens for agents' live servers, who share it; default: none are given. */
  liveSecret?: string;
  /** How long an answer may go on that has no end of its own; default 50 s. */
  streamMs?: number;
  /** What share links are signed with; default: something that ends with this viewer. */
  shareSecret?: () => Promise<Buffer>;
  /** Who may do what, where that is not `gate`'s to say. */
  authorizer?: Authorizer;
}

/** The page and its API over one store and one NATS. Whoever opened the store closes it, after the viewer. */
export class Viewer {
  readonly #page: PageFiles;
  readonly #store: ObjectStore;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #news: NewsHub;
  readonly #boxes: BoxHubs;
  readonly #index: EventIndex;
  readonly #nats: NatsLink;
  readonly #live: LiveLink;
  readonly #guards = new LiveGuards();
  readonly #sweep: PushSweep | undefined;
  readonly #table: OperationTable;
  readonly #authorizer: Authorizer;

  constructor(options: ViewerOptions) {
    const {
      store,
      page,
      nats,
      clock,
      log,
      gate: gateOf,
      authorizer,
      liveSecret = '',
      streamMs = STREAM_MS,
    } = options;
    this.#page = page;
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
    this.#index = new EventIndex({ store, clock, log, hearsStored: () => this.#nats.connected });
    this.#nats = new NatsLink({
      access: nats,
      clock,
      log,
      onStored: (id, removed) => {
        this.noteStored(id, removed);
      },
      onConnected: () => {
        this.#index.forgetListings();
      },
    });
    this.#live = new LiveLink(this.#nats);
    const gate = gateOf?.(this.#nats);
    const keeper = gate === undefined ? undefined : new Gatekeeper(gate);
    this.#authorizer = authorizer ?? keeper ?? everybodyIsAdmin;
    this.#news = new NewsHub({
      begin: () =>
        beginNews(this.#nats, {
          clock,
          log,
          tell: (news) => {
            this.#news.tell(news);
          },
        }),
    });
    this.#boxes = new BoxHubs(this.#nats);
    const passing = randomBytes(32);
    const shareSecret = options.shareSecret ?? (() => Promise.resolve(passing));
    const operations = [
      ...operationsOf({
        ...{ live: this.#live, guards: this.#guards, liveSecret, streamMs, shareSecret },
        ...{ store, index: this.#index, nats: this.#nats, clock, log, news: this.#news },
        boxes: this.#boxes,
        noteStored: (id, removed) => {
          this.noteStored(id, removed);
        },
      }),
      ...(gate === undefined || keeper === undefined ? [] : loginOperations(gate, new Login(gate, keeper))),
    ];
    this.#table = new OperationTable([...operations, documentOperation(operations)]);
    this.#sweep = gate && new PushSweep(gate, { nats: this.#nats, clock, log });
    this.#nats.start();
    this.#index.start();
  }

  /** Answers one call. Every fault becomes an answer with a sentence; what was not foreseen is logged. */
  async handle(event: FunctionEvent, context: FunctionContext): Promise<FunctionContext> {
    const asked: Asked = { method: event.method.toUpperCase(), header: (name) => headerOf(event, name) };
    const answer = await this.#answer(event, asked);
    const elsewhere = { liveUrls: this.#nats.liveUrls, mediaOrigin: await this.#mediaOrigin() };
    return send(asked, answer, context, elsewhere);
  }

  /** Where clips come from in place of the viewer; without keys, which whoever asks for one is told of, nowhere. */
  async #mediaOrigin(): Promise<string | undefined> {
    try {
      return await this.#store.direct?.origin();
    } catch (error) {
      this.#log.warn({ fault: messageOf(error) }, 'no addresses of the bucket can be made');
      return undefined;
    }
  }

  /** The event was stored just now. Heard from NATS as well, where there is one. */
  noteStored(id: string, removed = false): void {
    this.#index.noteStored(id);
    const place = placeOf(id);
    if (place === undefined) return;
    const data: StoredNews = { id, camera: place.camera, removed, atUs: this.#clock.nowUs() };
    this.#news.tell({ kind: 'stored', camera: place.camera, data });
  }

  /** The API's document, OpenAPI 3.1. */
  document(): ReturnType<typeof documentOf> {
    return documentOf(this.#table.operations);
  }

  async close(): Promise<void> {
    this.#news.close();
    this.#boxes.close();
    this.#guards.close();
    await this.#sweep?.close();
    await this.#index.close();
    this.#live.close();
    await this.#nats.close();
  }

  async #answer(event: FunctionEvent, asked: Asked): Promise<Answer> {
    const match = this.#table.find(asked.method, event.path);
    if (match.kind === 'bad') return errorAnswer(400, 'The address is not properly encoded.');
    if (match.kind === 'other-method') return otherMethodAnswer(asked.method, match.methods);
    if (match.kind === 'unknown') return await this.#pageAnswer(event.path, asked);
    const { operation, params } = match;
    try {
      return await this.#allowed(operation, params, event, asked);
    } catch (error) {
      return this.#faultAnswer(operation, error);
    }
  }

  async #pageAnswer(path: string, asked: Asked): Promise<Answer> {
    const answer = await pageAnswer(this.#page, asked, path);
    // The page may speak to the agents that are known when it is loaded.
    if (answer !== undefined) await this.#nats.healths().catch(() => []);
    if (answer === undefined) return errorAnswer(404, 'There is nothing at this address.');
    const shows = asked.method === 'GET' || asked.method === 'HEAD';
    return shows ? answer : otherMethodAnswer(asked.method, ['GET', 'HEAD']);
  }

  /** The one place where an operation is done for somebody. */
  async #allowed(
    operation: Operation,
    params: Record<string, string>,
    event: FunctionEvent,
    asked: Asked,
  ): Promise<Answer> {
    const { id, needs } = operation;
    const path = `/${event.path.replace(/^\/+/, '')}`;
    const identity = await this.#authorizer.identify({ ...asked, path, operation: id, needs });
    if ('sentence' in identity) {
      const { status, sentence, headers } = identity;
      const answer = errorAnswer(status, sentence);
      return { ...answer, headers: { ...answer.headers, ...headers } };
    }
    if (!suffices(identity.role, needs)) {
      const sentence =
        identity.role === 'public'
          ? 'Log in first.'
          : `This takes the role ${needs}, and ${identity.name} has the role ${identity.role}.`;
      return errorAnswer(identity.role === 'public' ? 401 : 403, sentence);
    }
    const { cameras, headers } = identity;
    const scope = cameras === undefined ? 'within' : cameraScope(operation, params, cameras);
    if (scope === 'elsewhere') return errorAnswer(404, 'There is no such camera or event that you may see.');
    if (scope === 'unbound') return errorAnswer(403, 'Who may see some cameras alone may not do this.');
    const allowed = async (): Promise<boolean> => {
      const now = await this.#authorizer.identify({ ...asked, path, operation: id, needs, again: true });
      return !('sentence' in now) && suffices(now.role, needs) && isSame(now, identity);
    };
    const answer = await operation.run({
      ...{ asked, identity, params, allowed },
      query: event.query,
      body: bodyBytes(event),
    });
    if (answer.body instanceof Readable) guardStream(answer.body, allowed);
    return headers === undefined ? answer : { ...answer, headers: { ...headers, ...answer.headers } };
  }

  #faultAnswer({ id, method }: Operation, error: unknown): Answer {
    if (error instanceof InputError) return errorAnswer(error.status, error.message);
    if (error instanceof DeniedError) return errorAnswer(403, error.message);
    if (error instanceof StoreError && method !== 'GET' && DENIED.has(error.code)) {
      return errorAnswer(403, `The viewer may not change what is stored. ${error.message}`);
    }
    if (error instanceof FaascamError && error.code === 'no-event') return errorAnswer(404, error.message);
    if (error instanceof FaascamError && error.code === 'event-removed')
      return errorAnswer(409, error.message);
    if (error instanceof UsageError) return errorAnswer(503, error.message);
    if (error instanceof NotFoundError) return errorAnswer(404, error.message);
    if (error instanceof StoreError || error instanceof NatsAwayError) {
      this.#log.warn({ operation: id, code: error.code, fault: error.message }, 'not answered');
      return errorAnswer(503, error.message);
    }
    this.#log.error({ operation: id, err: error, fault: messageOf(error) }, 'not answered');
    return errorAnswer(500, 'The viewer failed to answer this; its log says why.');
  }
}

/** Whether it is who asked, with the same cameras to see. */
function isSame(now: Identity, then: Identity): boolean {
  return now.name === then.name && String(now.cameras) === String(then.cameras);
}

const DENIED: ReadonlySet<string> = new Set(['store-denied', 'store-not-writable']);

function otherMethodAnswer(method: string, methods: string[]): Answer {
  const allowed = methods.join(', ');
  const refusal = errorAnswer(405, `${method} is not possible at this address; possible: ${allowed}.`);
  return { ...refusal, headers: { ...refusal.headers, Allow: allowed } };
}
