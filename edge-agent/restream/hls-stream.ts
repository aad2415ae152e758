import { codecName, mp4CodecOf } from '../live/codec-names.ts';
import { mp4Fragment, mp4Head, mp4SoundFragment, type Mp4SoundPacket } from '../live/fmp4.ts';
import type { LivePacket, LiveStream, LiveTaker } from '../live/live-stream.ts';
import { LiveRefusal } from '../live/live-refusal.ts';
import type { LiveTap } from '../live/live-tap.ts';
import { Mp4Pieces } from '../live/mp4-pieces.ts';
import { mp4SoundOf, type Mp4Sound } from '../live/mp4-sound.ts';
import { SOUND_LEAD_MS, type PictureTime } from '../live/mp4-times.ts';
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

/** A stream that is being made into segments. */
interface Made {
  stream: LiveStream;
  pieces: Mp4Pieces;
  /** The newest picture, whose duration the next one tells, and the sound that came after it. */
  held: { packet: LivePacket; time: PictureTime; sounds: Mp4SoundPacket[] } | undefined;
}

class HlsStream implements LiveTaker {
  readonly #timeline = new HlsTimeline(Math.floor(Date.now() / 1000));
  readonly #leave: () => void;
  readonly #onClose: () => void;
  readonly #idle: NodeJS.Timeout;
  readonly #waiting = new Set<() => void>();
  #made: Made | undefined;
  #foreign: string | undefined;
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
    return piece(this.#timeline.head(Number(head ?? -1)));
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
    this.#made = undefined;
    this.#foreign = undefined;
    if (mp4CodecOf(stream.video) === undefined)
      this.#foreign = `The camera sends ${codecName(stream.video)}, which HLS has not: use MJPEG.`;
    else {
      const mp4 = stream.audio === undefined ? undefined : mp4SoundOf(stream.audio);
      // Phones play no other sound than AAC by HLS.
      const sound = mp4?.codec.startsWith('mp4a') === true ? mp4 : undefined;
      this.#made = { stream, pieces: new Mp4Pieces(sound, SOUND_LEAD_MS), held: undefined };
    }
    this.#changed();
  }

  packet(packet: LivePacket): void {
    const made = this.#made;
    if (made === undefined) return;
    for (const each of made.pieces.push(packet)) {
      if (each.kind === 'begin') this.#begin(made.stream, each.sound);
      else if (each.kind === 'sound') made.held?.sounds.push(each.packet);
      else {
        this.#pass(made, each.time.decodeMs);
        made.held = { packet: each.packet, time: each.time, sounds: [] };
      }
    }
  }

  end(): void {
    this.#made = undefined;
  }

  #begin({ video }: LiveStream, sound: Mp4Sound | undefined): void {
    const found = mp4CodecOf(video);
    if (found === undefined) return;
    this.#timeline.beginStream(mp4Head(found.codec, video, sound));
    this.#changed();
  }

  /** The picture that is held, now that it is known how long it is shown, and the sound since it came. */
  #pass({ held, stream }: Made, untilMs: number): void {
    if (held === undefined) return;
    const { keyframe, data, streamUs } = held.packet;
    const { decodeMs, laterMs } = held.time;
    const durationMs = untilMs - decodeMs;
    this.#sequence += 1;
    this.#timeline.add({
      ...{ durationMs, keyframe, capturedAtUs: stream.capturedAtUs(streamUs) },
      data: mp4Fragment(this.#sequence, { decodeMs, laterMs, durationMs, keyframe, data }),
    });
    for (const sound of held.sounds) {
      this.#sequence += 1;
      this.#timeline.addSound(mp4SoundFragment(this.#sequence, sound));
    }
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
