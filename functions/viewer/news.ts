import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';

/** One piece of news: its kind, its camera, and what there is to say as JSON. */
export interface News {
  kind: 'event' | 'stored' | 'camera' | 'boxes';
  camera: string;
  data: object;
}

interface Numbered extends News {
  id: string;
  number: number;
}

export interface NewsOptions {
  /** Called when the first listener comes, and, some time after the last has gone, to undo it. */
  begin: () => () => void;
  /** How long after its last listener news are still kept, for one that comes back. In ms. */
  lingerMs?: number;
  /** After so long a stream ends by itself. In ms. */
  endAfterMs?: number;
  heartbeatMs?: number;
  /** A browser comes back after so long. In ms. */
  comeBackMs?: number;
}

/** Of an answer that is such a stream. */
export const streamHeaders = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-store',
  // nginx would keep news back until there are many.
  'X-Accel-Buffering': 'no',
} as const;

/** News kept for listeners that come back. */
const KEPT = 500;
/** A listener that has so much unread is too slow: it is ended, and comes back to what was kept. */
const MOST_UNREAD_BYTES = 128 * 1024;
const MOST_LISTENERS = 200;
const COME_BACK_MS = 1000;
const LINGER_MS = 30_000;
/** Below what a gateway, a proxy and the end of a function wait for. */
const END_AFTER_MS = 25_000;
const HEARTBEAT_MS = 10_000;

interface Listener {
  stream: Readable;
  ended: boolean;
  cameras: readonly string[] | undefined;
  timers: NodeJS.Timeout[];
}

/**
 * What happens, to whoever listens: server-sent events (WHATWG HTML, 9.2) out of one source for all listeners, which is asked
 * only while there are some.
 */
export class NewsHub {
  readonly #options: Required<NewsOptions>;
  /** News of another hub, or of this one before a pause, have another mark: they cannot be gone on from. */
  #mark = '';
  #number = 0;
  #kept: Numbered[] = [];
  readonly #listeners = new Set<Listener>();
  #end: (() => void) | undefined;
  #lingering: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: NewsOptions) {
    this.#options = {
      ...{ lingerMs: LINGER_MS, endAfterMs: END_AFTER_MS, heartbeatMs: HEARTBEAT_MS },
      comeBackMs: COME_BACK_MS,
      ...options,
    };
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  /** Whether news are of use to anybody. */
  get wanted(): boolean {
    return this.#end !== undefined;
  }

  tell(news: News): void {
    if (!this.wanted) return;
    this.#number += 1;
    const numbered = { ...news, number: this.#number, id: `${this.#mark}-${this.#number}` };
    this.#kept.push(numbered);
    if (this.#kept.length > KEPT) this.#kept.shift();
    for (const listener of this.#listeners) this.#send(listener, numbered);
  }

  /**
   * A stream of what happens from now on, or since `lastId`. When that is too long ago to be known it begins with `reset`:
   * who listens should ask for everything anew. Undefined: too many listen.
   */
  listen({
    lastId,
    cameras,
  }: {
    lastId?: string | undefined;
    cameras?: readonly string[] | undefined;
  }): Readable | undefined {
    if (this.#closed || this.#listeners.size >= MOST_LISTENERS) return undefined;
    this.#begin();
    const stream = new Readable({ read: () => undefined });
    const listener: Listener = { stream, ended: false, cameras, timers: [] };
    this.#listeners.add(listener);
    stream.once('close', () => this.#leave(listener));
    const missed = this.#since(lastId);
    push(
      listener,
      `retry: ${this.#options.comeBackMs}\n${this.#position(missed === undefined ? 'reset' : 'hello')}`,
    );
    for (const news of missed ?? []) this.#send(listener, news);
    listener.timers.push(
      setInterval(() => push(listener, ': still here\n\n'), this.#options.heartbeatMs),
      setTimeout(() => finish(listener), this.#options.endAfterMs),
    );
    return stream;
  }

  /** Ends all streams, and lets go of the source. */
  close(): void {
    this.#closed = true;
    for (const listener of this.#listeners) finish(listener);
    this.#rest();
  }

  /** A message without news: what a listener that comes back goes on from. */
  #position(kind: 'hello' | 'reset'): string {
    return `id: ${this.#mark}-${this.#number}\nevent: ${kind}\ndata: {}\n\n`;
  }

  /** What was told after `lastId`; undefined where that is not known any more. */
  #since(lastId: string | undefined): Numbered[] | undefined {
    if (lastId === undefined) return [];
    const [mark, text = ''] = lastId.split('-', 2);
    const number = /^\d{1,15}$/.test(text) ? Number(text) : -1;
    const first = this.#number - this.#kept.length;
    if (mark !== this.#mark || number < first || number > this.#number) return undefined;
    return this.#kept.filter((news) => news.number > number);
  }

  #send(listener: Listener, { id, kind, camera, data }: Numbered): void {
    const { stream, cameras } = listener;
    if (cameras !== undefined && !cameras.includes(camera)) return;
    push(listener, `id: ${id}\nevent: ${kind}\ndata: ${JSON.stringify(data)}\n\n`);
    // It reads too slowly to ever catch up: what it has not read is not worth its memory.
    if (stream.readableLength > MOST_UNREAD_BYTES) stream.destroy();
  }

  #leave(listener: Listener): void {
    for (const timer of listener.timers) clearTimeout(timer);
    this.#listeners.delete(listener);
    if (this.#listeners.size > 0 || this.#closed) return;
    clearTimeout(this.#lingering);
    this.#lingering = setTimeout(() => this.#rest(), this.#options.lingerMs);
    this.#lingering.unref();
  }

  #begin(): void {
    clearTimeout(this.#lingering);
    if (this.#end !== undefined) return;
    this.#mark = randomBytes(6).toString('hex');
    this.#end = this.#options.begin();
  }

  #rest(): void {
    clearTimeout(this.#lingering);
    this.#end?.();
    this.#end = undefined;
    this.#kept = [];
    this.#number = 0;
  }
}

function push({ stream, ended }: Listener, text: string): void {
  if (!ended && !stream.destroyed) stream.push(text);
}

/** Ends the stream once all was read. */
function finish(listener: Listener): void {
  if (listener.ended || listener.stream.destroyed) return;
  listener.ended = true;
  listener.stream.push(null);
}
