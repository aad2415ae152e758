import { codecName, mp4CodecOf } from '../live/codec-names.ts';
import { mp4Fragment, mp4Head } from '../live/fmp4.ts';
import type { LivePacket, LiveStream, LiveTaker } from '../live/live-stream.ts';
import { LiveRefusal } from '../live/live-refusal.ts';
import type { LiveTap } from '../live/live-tap.ts';
import { HlsTimeline } from './hls-timeline.ts';

/** Players ask every second or so: nobody asks any more. */
const IDLE_MS = 20_000;
/** How long a request waits for what comes next; players ask again. */
const PATIENCE_MS = 8000;
const PLAYLIST = 'index.m3u8';

export interface HlsAnswer {
  type: string;
  body: string | Buffer;
}

/** The HLS of cameras, each made while someone asks for it. `close` ends all. */
export class HlsStreams {
  readonly #streams = new Map<LiveTap, HlsStream>();
  readonly #idleMs: number;

  constructor(idleMs = IDLE_MS) {
    this.#idleMs = idleMs;
  }

  /**
   * What is at `name` of a camera's HLS: `index.m3u8`, and what that names. `search` is the request's query, of which a
   * token goes on into the addresses of the playlist. Waits for what is about to come. Throws `LiveRefusal`.
   */
  async answer(tap: LiveTap, name: string, search: URLSearchParams): Promise<HlsAnswer> {
    let stream = this.#streams.get(tap);
    if (stream === undefined) {
      // Pieces are asked for by those who have the playlist.
      if (name !== PLAYLIST) throw missing();
      stream = new HlsStream(tap, this.#idleMs, () => this.#streams.delete(tap));
      this.#streams.set(tap, stream);
    }
    return await stream.answer(name, search);
  }

  close(): void {
    for (const stream of this.#streams.values()) stream.close();
  }
}

class HlsStream implements LiveTaker {
  readonly #timeline = new HlsTimeline(Math.floor(Date.now() / 1000));
  readonly #heads = new Map<number, Buffer>();
  readonly #leave: () => void;
  readonly #onClose: () => void;
  readonly #idle: NodeJS.Timeout;
  readonly #waiting = new Set<() => void>();
  #stream: LiveStream | undefined;
  #foreign: string | undefined;
  /** The newest picture, whose duration the next one tells. */
  #held: { packet: LivePacket; decodeMs: number; shownMs: number } | undefined;
  #firstMs = 0;
  #newestMs = -1;
  #reorderMs = 0;
  #sequence = 0;

  constructor(tap: LiveTap, idleMs: number, onClose: () => void) {
    this.#onClose = onClose;
    this.#idle = setTimeout(() => this.close(), idleMs);
    this.#leave = tap.subscribe(this);
  }

  close(): void {
    clearTimeout(this.#idle);
    this.#leave();
    this.#onClose();
    this.#changed();
  }

  async answer(name: string, search: URLSearchParams): Promise<HlsAnswer> {
    this.#idle.refresh();
    if (name === PLAYLIST) return await this.#playlist(search);
    const [, head] = /^head-(\d{1,12})\.mp4$/.exec(name) ?? [];
    const [, segment, part] =
      /^segment-(\d{1,12})\.m4s$/.exec(name) ?? /^part-(\d{1,12})-(\d{1,5})\.m4s$/.exec(name) ?? [];
    if (segment !== undefined) {
      const [number, index] = [Number(segment), part === undefined ? undefined : Number(part)];
      await this.#until(() => this.#timeline.has(number, index));
      return piece(this.#timeline.bytes(number, index));
    }
    return piece(this.#heads.get(Number(head ?? -1)));
  }

  async #playlist(search: URLSearchParams): Promise<HlsAnswer> {
    const [number, part] = ['_HLS_msn', '_HLS_part'].map((name) => {
      const value = search.get(name);
      return value !== null && /^\d{1,12}$/.test(value) ? Number(value) : undefined;
    });
    const token = search.get('token');
    const query = token === null ? '' : `?token=${encodeURIComponent(token)}`;
    const wanted = (): boolean =>
      number === undefined ? this.#timeline.playlist(query) !== undefined : this.#timeline.has(number, part);
    await this.#until(() => this.#foreign !== undefined || wanted());
    if (this.#foreign !== undefined) throw new LiveRefusal(415, 'codec', this.#foreign);
    const body = this.#timeline.playlist(query);
    if (body === undefined)
      throw new LiveRefusal(503, 'camera-silent', 'The camera sends nothing at the moment.');
    return { type: 'application/vnd.apple.mpegurl', body };
  }

  begin(stream: LiveStream): void {
    const found = mp4CodecOf(stream.video);
    this.#held = undefined;
    this.#newestMs = -1;
    this.#reorderMs = 0;
    this.#stream = found === undefined ? undefined : stream;
    this.#foreign =
      found === undefined
        ? `The camera sends ${codecName(stream.video)}, which HLS has not: use MJPEG.`
        : undefined;
    if (found !== undefined) {
      const { width, height } = stream.video;
      this.#heads.set(this.#timeline.beginStream(), mp4Head(found.codec, { width, height }));
    }
    this.#changed();
  }

  packet(packet: LivePacket): void {
    if (packet.kind !== 'video' || this.#stream === undefined) return;
    if (this.#newestMs < 0) this.#firstMs = Math.round(packet.streamUs / 1000);
    const shownMs = Math.round(packet.streamUs / 1000) - this.#firstMs;
    // Only when a picture is shown is told: it is decoded as much before as times have been seen to go back.
    this.#reorderMs = Math.max(this.#reorderMs, this.#newestMs - shownMs);
    this.#newestMs = Math.max(this.#newestMs, shownMs, 0);
    const decodeMs = Math.max((this.#held?.decodeMs ?? -1) + 1, shownMs - this.#reorderMs, 0);
    this.#pass(decodeMs);
    this.#held = { packet, decodeMs, shownMs };
  }

  end(): void {
    this.#stream = undefined;
  }

  #pass(untilMs: number): void {
    if (this.#held === undefined || this.#stream === undefined) return;
    const { packet, decodeMs, shownMs } = this.#held;
    const { keyframe, data, streamUs } = packet;
    const durationMs = untilMs - decodeMs;
    this.#sequence += 1;
    const picture = { decodeMs, laterMs: shownMs - decodeMs, durationMs, keyframe, data };
    this.#timeline.add({
      ...{ durationMs, keyframe, capturedAtUs: this.#stream.capturedAtUs(streamUs) },
      data: mp4Fragment(this.#sequence, picture),
    });
    this.#changed();
  }

  #changed(): void {
    for (const look of this.#waiting) look();
  }

  /** Resolves when the condition holds, or when it was waited for long enough. */
  #until(condition: () => boolean): Promise<void> {
    if (condition()) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve();
      };
      const look = (): void => {
        if (condition()) done();
      };
      const timer = setTimeout(done, PATIENCE_MS);
      this.#waiting.add(look);
    });
  }
}

function piece(body: Buffer | undefined): HlsAnswer {
  if (body === undefined) throw missing();
  return { type: 'video/mp4', body };
}

function missing(): LiveRefusal {
  return new LiveRefusal(404, 'not-found', 'There is no such piece, or no more: ask for index.m3u8.');
}
