import type { WebSocket } from 'ws';
import { codecName, mp4CodecOf } from './codec-names.ts';
import { mp4Fragment, mp4Head } from './fmp4.ts';
import type { LivePacket, LiveStream, LiveTaker } from './live-stream.ts';

/** More than this unsent: the viewer's network is too slow, and pictures are left out. */
const MOST_UNSENT_BYTES = 1024 * 1024;
/** Of a picture whose next one is not known yet, before two were seen. */
const USUAL_MS = 40;
/** Closes the WebSocket: nothing that a browser plays. */
export const FOREIGN_CODEC = 4415;

/**
 * Sends a camera's pictures as fragmented MP4 over a WebSocket. Text messages are JSON: `stream` before a stream's head,
 * with its `mime`, `width` and `height`; `time` before a keyframe, saying when the picture at `ms` was taken; `end`.
 */
export class MseViewer implements LiveTaker {
  readonly #socket: WebSocket;
  readonly #camera: string;
  #stream: LiveStream | undefined;
  #sequence = 0;
  #firstMs = 0;
  #decodedMs = -1;
  #newestMs = -1;
  #usualMs = USUAL_MS;
  /** How much later than it is decoded a picture may be shown: as far as times have been seen to go back. */
  #reorderMs = 0;

  constructor(socket: WebSocket, camera: string) {
    this.#socket = socket;
    this.#camera = camera;
  }

  begin(stream: LiveStream): void {
    const found = mp4CodecOf(stream.video);
    if (found === undefined) {
      const reason = `Camera ${this.#camera} sends ${codecName(stream.video)}: use MJPEG.`;
      this.#socket.close(FOREIGN_CODEC, reason.slice(0, 120));
      return;
    }
    this.#stream = stream;
    this.#decodedMs = this.#newestMs = -1;
    this.#reorderMs = 0;
    const { width, height } = stream.video;
    this.#tell({ type: 'stream', mime: found.mime, width, height });
    this.#socket.send(mp4Head(found.codec, { width, height }));
  }

  packet(packet: LivePacket): void {
    if (packet.kind !== 'video' || this.#stream === undefined) return;
    if (this.#newestMs < 0) this.#firstMs = Math.round(packet.streamUs / 1000);
    const shownMs = Math.round(packet.streamUs / 1000) - this.#firstMs;
    this.#reorderMs = Math.max(this.#reorderMs, this.#newestMs - shownMs);
    const decodeMs = Math.max(this.#decodedMs + 1, shownMs - this.#reorderMs, 0);
    if (this.#decodedMs >= 0 && decodeMs - this.#decodedMs < 1000) this.#usualMs = decodeMs - this.#decodedMs;
    this.#decodedMs = decodeMs;
    this.#newestMs = Math.max(this.#newestMs, shownMs, 0);
    if (packet.keyframe) {
      const capturedAtUs = this.#stream.capturedAtUs(packet.streamUs);
      if (capturedAtUs !== undefined) this.#tell({ type: 'time', ms: shownMs, capturedAtUs });
    }
    this.#sequence += 1;
    this.#socket.send(
      mp4Fragment(this.#sequence, {
        ...{ decodeMs, laterMs: shownMs - decodeMs, durationMs: this.#usualMs },
        ...{ keyframe: packet.keyframe, data: packet.data },
      }),
    );
  }

  end(): void {
    this.#stream = undefined;
    this.#tell({ type: 'end' });
  }

  isBehind(): boolean {
    return this.#socket.bufferedAmount > MOST_UNSENT_BYTES;
  }

  #tell(message: object): void {
    this.#socket.send(JSON.stringify(message));
  }
}
