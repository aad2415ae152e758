import { messageOf } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import type { MatroskaTrack } from '@faascam/core/matroska-packets';
import { RateLimit } from '../rate-limit.ts';
import type { Clock } from '@faascam/core/clock';
import { GrowingSegments } from './growing-segments.ts';
import type { LivePacket, LiveStream, LiveTaker } from './live-stream.ts';
import type { StreamStart } from './matroska-stream.ts';

/** A session whose segments can be read. */
export interface TappedSession {
  /** Where its ffmpeg writes segments. */
  incoming: string;
  capturedAtUs(streamUs: number): number | undefined;
}

/** A group of pictures larger than this is not kept for those who come later: they wait for the next. */
const MOST_KEPT_BYTES = 32 * 1024 * 1024;

/**
 * What a camera sends, for any number of takers, from the one connection that is recorded: it is read out of the segments
 * as they are written. Without takers nothing is read. A taker gets the newest group of pictures at once.
 */
export class LiveTap {
  readonly #log: Logger;
  readonly #limit: RateLimit;
  readonly #takers = new Map<LiveTaker, 'joining' | 'taking' | 'behind'>();
  #session: TappedSession | undefined;
  #reading: GrowingSegments | undefined;
  #stream: LiveStream | undefined;
  #group: LivePacket[] = [];
  #groupBytes = 0;
  #upToDate = false;

  constructor(clock: Clock, log: Logger) {
    this.#log = log;
    this.#limit = new RateLimit(clock);
  }

  /** Whether the camera is recorded at the moment: only then there is something to take. */
  get flows(): boolean {
    return this.#session !== undefined;
  }

  get takers(): number {
    return this.#takers.size;
  }

  /** Serves the taker, also from later sessions, until the answer is called. */
  subscribe(taker: LiveTaker): () => void {
    this.#takers.set(taker, 'joining');
    if (this.#reading === undefined) this.#read();
    else if (this.#upToDate) this.#join();
    return () => {
      if (this.#takers.delete(taker) && this.#takers.size === 0) this.#stop();
    };
  }

  /** A session has begun. Resolves, once `close` is called, when its last packets were handed over. */
  open(session: TappedSession): { close(): Promise<void> } {
    this.#session = session;
    if (this.#takers.size > 0) this.#read();
    return {
      close: async () => {
        if (this.#session !== session) return;
        this.#session = undefined;
        await this.#reading?.close();
        this.#stop();
        this.#over();
      },
    };
  }

  #read(): void {
    const session = this.#session;
    if (session === undefined) return;
    // One that was stopped may still be in the middle of something.
    const isCurrent = (): boolean => this.#reading === reading;
    const reading = new GrowingSegments({
      incoming: session.incoming,
      onStart: (start) => {
        if (isCurrent()) this.#start(start, session);
      },
      onPacket: (packet) => {
        if (isCurrent()) this.#take(packet);
      },
      onUpToDate: () => {
        if (!isCurrent()) return;
        this.#upToDate = true;
        this.#join();
      },
      onFault: (error) =>
        this.#limit.tell('live', () =>
          this.#log.warn(`The live view leaves some footage out: ${messageOf(error)}`),
        ),
    });
    this.#reading = reading;
  }

  #stop(): void {
    // Never rejects but for a file that cannot be closed, which nobody needs any more.
    this.#reading?.close().catch(() => undefined);
    this.#reading = undefined;
    this.#upToDate = false;
    this.#forget();
    if (this.#takers.size === 0) this.#stream = undefined;
  }

  #over(): void {
    if (this.#stream === undefined) return;
    this.#stream = undefined;
    for (const [taker, state] of this.#takers) {
      this.#takers.set(taker, 'joining');
      if (state !== 'joining') taker.end();
    }
  }

  /** Each segment has a head of its own; a stream is new when it is told apart by its codec or size. */
  #start(start: StreamStart, session: TappedSession): void {
    this.#forget();
    if (this.#stream !== undefined && sameTracks(this.#stream, start)) return;
    this.#over();
    this.#stream = { ...start, capturedAtUs: (streamUs) => session.capturedAtUs(streamUs) };
  }

  #take(packet: LivePacket): void {
    const begins = packet.kind === 'video' && packet.keyframe;
    if (begins) this.#forget();
    if (begins || this.#group.length > 0) this.#keep(packet);
    for (const [taker, state] of this.#takers) {
      if (state === 'joining') continue;
      const behind = taker.isBehind?.() ?? false;
      const next = behind || (state === 'behind' && !begins) ? 'behind' : 'taking';
      if (next !== state) this.#takers.set(taker, next);
      if (next === 'taking') taker.packet(packet);
    }
  }

  #keep(packet: LivePacket): void {
    this.#groupBytes += packet.data.length;
    if (this.#groupBytes <= MOST_KEPT_BYTES) this.#group.push(packet);
    else this.#forget();
  }

  #forget(): void {
    this.#group = [];
    this.#groupBytes = 0;
  }

  #join(): void {
    if (this.#stream === undefined || this.#group.length === 0) return;
    for (const [taker, state] of this.#takers) {
      if (state !== 'joining') continue;
      this.#takers.set(taker, 'taking');
      taker.begin(this.#stream);
      for (const packet of this.#group) taker.packet(packet);
    }
  }
}

function sameTracks(a: StreamStart, b: StreamStart): boolean {
  const same = (one: MatroskaTrack | undefined, other: MatroskaTrack | undefined): boolean =>
    one?.codecId === other?.codecId &&
    one?.width === other?.width &&
    one?.height === other?.height &&
    Buffer.compare(one?.codecPrivate ?? Buffer.alloc(0), other?.codecPrivate ?? Buffer.alloc(0)) === 0;
  return same(a.video, b.video) && same(a.audio, b.audio);
}
