import { countPictures, liveVideo, whenAborted, type LiveWay, type PlayingWay } from './live-way.ts';

/** How far the newest picture may be ahead of the one that is shown before it is hurried after, or skipped to. */
const HURRY_S = 0.15;
const SKIP_S = 0.8;
/** What was shown is let go beyond this. */
const KEPT_S = 10;

/** Fragmented MP4 over a WebSocket: text says what comes, then come bytes. */
export async function playMse(way: LiveWay, playing: PlayingWay): Promise<void> {
  if (!('MediaSource' in window)) throw new Error('This browser has no Media Source Extensions.');
  const { signal } = playing;
  const socket = new WebSocket(way.url.href.replace(/^http/, 'ws'));
  socket.binaryType = 'arraybuffer';
  let sink: Sink | undefined;
  try {
    const over = new Promise<never>((_, reject) => {
      socket.addEventListener('error', () => {
        reject(new Error('The live server cannot be reached by WebSocket.'));
      });
      socket.addEventListener('close', ({ reason }) => {
        reject(new Error(reason === '' ? 'The live server ended the WebSocket.' : reason));
      });
      socket.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
        try {
          if (typeof data === 'string') {
            const mime = mimeIn(data);
            if (mime === undefined) return;
            sink?.close();
            sink = new Sink(mime, playing);
          } else if (data instanceof ArrayBuffer) sink?.push(data);
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      });
    });
    await Promise.race([whenAborted(signal), over]);
  } finally {
    socket.close();
    sink?.close();
  }
}

/** The type of the stream that begins; undefined for any other message. */
function mimeIn(text: string): string | undefined {
  const message: unknown = JSON.parse(text);
  if (typeof message !== 'object' || message === null || !('type' in message)) return undefined;
  if (message.type !== 'stream' || !('mime' in message) || typeof message.mime !== 'string') return undefined;
  if (!MediaSource.isTypeSupported(message.mime))
    throw new Error(`This browser does not play ${message.mime}.`);
  return message.mime;
}

/** A video that is fed piece by piece, and kept at its newest picture. */
class Sink {
  readonly #video = liveVideo();
  readonly #source = new MediaSource();
  readonly #address = URL.createObjectURL(this.#source);
  readonly #over = new AbortController();
  #waiting: ArrayBuffer[] = [];
  #buffer: SourceBuffer | undefined;

  constructor(mime: string, { signal, onPicture, show }: PlayingWay) {
    this.#source.addEventListener('sourceopen', () => {
      this.#buffer = this.#source.addSourceBuffer(mime);
      this.#buffer.addEventListener('updateend', () => {
        this.#follow();
        this.#feed();
      });
      this.#feed();
    });
    this.#video.src = this.#address;
    this.#video.play().catch(() => undefined);
    countPictures(this.#video, onPicture, AbortSignal.any([signal, this.#over.signal]));
    show(this.#video);
  }

  push(bytes: ArrayBuffer): void {
    this.#waiting.push(bytes);
    this.#feed();
  }

  close(): void {
    this.#over.abort();
    this.#video.removeAttribute('src');
    URL.revokeObjectURL(this.#address);
  }

  #feed(): void {
    if (this.#buffer === undefined || this.#buffer.updating || this.#source.readyState !== 'open') return;
    const all = this.#waiting.splice(0);
    if (all.length > 0) this.#buffer.appendBuffer(joined(all));
  }

  #follow(): void {
    const { buffered } = this.#video;
    if (buffered.length === 0 || this.#buffer === undefined) return;
    const newest = buffered.end(buffered.length - 1);
    const oldest = buffered.start(0);
    const behind = newest - this.#video.currentTime;
    // Before the first picture, after a gap, and far behind.
    if (behind > SKIP_S || this.#video.currentTime < buffered.start(buffered.length - 1))
      this.#video.currentTime = Math.max(buffered.start(buffered.length - 1), newest - 0.05);
    this.#video.playbackRate = behind > HURRY_S ? 1.1 : 1;
    if (newest - oldest > 2 * KEPT_S) this.#buffer.remove(0, newest - KEPT_S);
  }
}

function joined(parts: ArrayBuffer[]): ArrayBuffer {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const all = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const part of parts) {
    all.set(new Uint8Array(part), at);
    at += part.byteLength;
  }
  return all.buffer;
}
