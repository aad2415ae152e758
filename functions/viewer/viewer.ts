import type { Clock } from '@faascam/core/clock';
import { messageOf, StoreError } from '@faascam/core/errors';
import { headerOf, type FunctionContext, type FunctionEvent } from '@faascam/core/function';
import type { Logger } from '@faascam/core/log';
import type { ObjectStore } from '@faascam/core/store';
import type { NatsAccess } from '@faascam/core/nats-access';
import { headers as ours } from '@faascam/core/subjects';
import { software } from '@faascam/core/version';
import { errorAnswer, jsonAnswer, NotFoundError, send, type Answer, type Asked } from './answer.ts';
import { cameraViews } from './camera-view.ts';
import { isUnchanged } from './conditions.ts';
import { EventIndex } from './event-index.ts';
import { NatsAwayError, NatsLink } from './nats-link.ts';
import type { CamerasAnswer, StatusAnswer } from './page/api.ts';
import type { PageFiles } from './page-files.ts';
import { eventsQueryOf, routeOf, type Route } from './routes.ts';
import { objectAnswer } from './stored-object.ts';

export interface ViewerOptions {
  store: ObjectStore;
  page: PageFiles;
  nats: NatsAccess;
  clock: Clock;
  log: Logger;
}

/** The page and its API over one store and one NATS. Whoever opened the store closes it, after the viewer. */
export class Viewer {
  readonly #store: ObjectStore;
  readonly #page: PageFiles;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #index: EventIndex;
  readonly #nats: NatsLink;

  constructor({ store, page, nats, clock, log }: ViewerOptions) {
    this.#store = store;
    this.#page = page;
    this.#clock = clock;
    this.#log = log;
    this.#index = new EventIndex({ store, clock, log, hearsStored: () => this.#nats.connected });
    this.#nats = new NatsLink({
      access: nats,
      clock,
      log,
      onStored: (id) => {
        this.#index.noteStored(id);
      },
      onConnected: () => {
        this.#index.forgetListings();
      },
    });
    this.#nats.start();
  }

  /** Answers one call. Every fault becomes an answer with a sentence; what was not foreseen is logged. */
  async handle(event: FunctionEvent, context: FunctionContext): Promise<FunctionContext> {
    const asked: Asked = { method: event.method.toUpperCase(), header: (name) => headerOf(event, name) };
    return send(asked, await this.#answer(event, asked), context);
  }

  /** The event was stored just now. Heard from NATS as well, where there is one. */
  noteStored(id: string): void {
    this.#index.noteStored(id);
  }

  async close(): Promise<void> {
    await this.#nats.close();
  }

  async #answer(event: FunctionEvent, asked: Asked): Promise<Answer> {
    if (asked.method !== 'GET' && asked.method !== 'HEAD') {
      const refusal = errorAnswer(405, `The viewer only shows: ${asked.method} is not possible.`);
      return { ...refusal, headers: { ...refusal.headers, Allow: 'GET, HEAD' } };
    }
    const route = routeOf(event.path);
    try {
      return await this.#routed(route, event, asked);
    } catch (error) {
      return this.#faultAnswer(route, error);
    }
  }

  async #routed(route: Route, event: FunctionEvent, asked: Asked): Promise<Answer> {
    switch (route.kind) {
      case 'page':
        return this.#page.page(asked);
      case 'asset':
        return this.#page.asset(asked, route.name, route.digest) ?? unknownAnswer();
      case 'events':
        return await this.#events(event, asked);
      case 'event':
        return await objectAnswer(this.#store, asked, route.id, route.name, event.query['download'] === '1');
      case 'cameras':
        return jsonAnswer(asked, await this.#cameras());
      case 'frame':
        return await this.#frame(asked, route.camera);
      case 'status':
        return jsonAnswer(asked, await this.#status());
      case 'bad':
        return errorAnswer(400, route.error);
      case 'unknown':
        return unknownAnswer();
    }
  }

  async #events(event: FunctionEvent, asked: Asked): Promise<Answer> {
    const query = eventsQueryOf(event.query);
    if ('error' in query) return errorAnswer(400, query.error);
    return jsonAnswer(asked, await this.#index.page(query));
  }

  async #cameras(): Promise<CamerasAnswer> {
    if (!this.#nats.connected) return { cameras: [], notice: this.#nats.notice };
    const views = cameraViews(await this.#nats.healths(), this.#clock.nowUs());
    return { cameras: views, notice: undefined };
  }

  async #frame(asked: Asked, camera: string): Promise<Answer> {
    const frame = await this.#nats.frame(camera);
    if (frame === undefined)
      throw new NotFoundError(`Camera ${camera} has sent no picture for the last minute.`);
    const version = { etag: `"${frame.tag}"` };
    const headers: Record<string, string> = { 'Cache-Control': 'no-store', ETag: version.etag };
    if (frame.capturedAtUs !== undefined) headers[ours.capturedAt] = String(frame.capturedAtUs);
    if (isUnchanged(version, asked.header('if-none-match'), undefined)) {
      return { status: 304, headers, body: undefined };
    }
    return { status: 200, headers: { ...headers, 'Content-Type': 'image/jpeg' }, body: frame.jpeg };
  }

  async #status(): Promise<StatusAnswer> {
    let cameras: string[] = [];
    let storeNotice: string | undefined;
    try {
      cameras = await this.#index.cameras();
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      storeNotice = error.message;
    }
    return {
      software,
      node: process.version,
      store: { description: this.#store.description, notice: storeNotice },
      messaging: { connected: this.#nats.connected, notice: this.#nats.notice },
      events: { listed: this.#index.listed, unreadable: this.#index.unreadable },
      cameras,
      labels: this.#index.labels(),
    };
  }

  #faultAnswer(route: Route, error: unknown): Answer {
    if (error instanceof NotFoundError) return errorAnswer(404, error.message);
    if (error instanceof StoreError || error instanceof NatsAwayError) {
      this.#log.warn({ route: route.kind, code: error.code, fault: error.message }, 'not answered');
      return errorAnswer(503, error.message);
    }
    this.#log.error({ route: route.kind, err: error, fault: messageOf(error) }, 'not answered');
    return errorAnswer(500, 'The viewer failed to answer this; its log says why.');
  }
}

function unknownAnswer(): Answer {
  return errorAnswer(404, 'There is nothing at this address.');
}
