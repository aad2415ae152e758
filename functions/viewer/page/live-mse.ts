import {
  countPictures,
  liveVideo,
  whenAborted,
  type LiveSound,
  type LiveWay,
  type PictureTimes,
  type PlayingWay,
} from './live-way.ts';
import { MediaClock } from './media-clock.ts';

/**
 * How far the newest picture may be ahead of the one that is shown: at first, at least before it is waited for, and before
 * it is hurried after until that is calm, or skipped to. Pictures are shown as they come; sound that has to wait for what comes is torn.
 */
const PICTURES_ALONE = { beginS: 0.05, leastS: 0, hurryS: 0.15, calmS: 0.15, skipS: 0.8, hurry: 1.1 };
const WITH_SOUND = { beginS: 0.4, leastS: 0.2, hurryS: 0.7, calmS: 0.4, skipS: 1, hurry: 1.04 };
/** Where pictures are to be shown later: how much too early one may be before they wait. */
const WAIT_S = 0.4;
const SLOW_S = 0.05;
/** What was shown is let go beyond this. */
const KEPT_S = 10;

/** The browser would play the pictures, but not this sound with them. */
class UnplayableSoundError extends Error {
  override readonly name = 'UnplayableSoundError';
  readonly codec: string | undefined;

  constructor(codec: string | undefined) {
    super('This browser does not play the sound.');
    this.codec = codec;
  }
}

/** Fragmented MP4 over a WebSocket: text says what comes, then come bytes. */
export async function playMse(way: LiveWay, playing: PlayingWay): Promise<void> {
  if (!('MediaSource' in window)) throw new Error('This browser has no Media Source Extensions.');
  try {
    await playStream(way, playing);
  } catch (error) {
    if (!(error instanceof UnplayableSoundError)) throw error;
    playing.onSound({ state: 'unplayable', codec: error.codec });
    await playStream(way, { ...playing, sound: false });
  }
}

async function playStream(way: LiveWay, playing: PlayingWay): Promise<void> {
  const { signal, sound, onSound } = playing;
  const url = new URL(way.url.href.replace(/^http/, 'ws'));
  if (sound) url.searchParams.set('sound', 'true');
  const socket = new WebSocket(url);
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
            sink?.clock.note(data);
            const begun = streamIn(data);
            if (begun === undefined) return;
            requirePlayable(begun);
            if (sound) onSound(begun.sound);
            sink?.close();
            sink = new Sink(begun.mime, begun.sound.state === 'plays', playing);
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

/** What is told of the stream that begins; undefined for any other message. */
function streamIn(text: string): { mime: string; sound: LiveSound } | undefined {
  const message: unknown = JSON.parse(text);
  if (typeof message !== 'object' || message === null || !('type' in message)) return undefined;
  if (message.type !== 'stream' || !('mime' in message) || typeof message.mime !== 'string') return undefined;
  const told = 'sound' in message ? message.sound : undefined;
  const codec =
    'soundCodec' in message && typeof message.soundCodec === 'string' ? message.soundCodec : undefined;
  return {
    mime: message.mime,
    sound: { state: told === 'plays' || told === 'foreign' ? told : 'none', codec },
  };
}

function requirePlayable({ mime, sound }: { mime: string; sound: LiveSound }): void {
  if (MediaSource.isTypeSupported(mime)) return;
  if (sound.state === 'plays') throw new UnplayableSoundError(sound.codec);
  throw new Error(`This browser does not play ${mime}.`);
}

/** A video that is fed piece by piece, and kept at its newest picture. */
class Sink {
  readonly #video: HTMLVideoElement;
  readonly #pace: typeof PICTURES_ALONE;
  readonly #source = new MediaSource();
  readonly #address = URL.createObjectURL(this.#source);
  readonly #over = new AbortController();
  #waiting: ArrayBuffer[] = [];
  #buffer: SourceBuffer | undefined;
  readonly clock = new MediaClock();
  readonly #times: PictureTimes | undefined;

  constructor(mime: string, hasSound: boolean, { signal, onPicture, onSound, show, times }: PlayingWay) {
    this.#times = times;
    this.#pace = hasSound ? WITH_SOUND : PICTURES_ALONE;
    this.#video = liveVideo({ sound: hasSound });
    this.#source.addEventListener('sourceopen', () => {
      this.#buffer = this.#source.addSourceBuffer(mime);
      this.#buffer.addEventListener('updateend', () => {
        this.#follow();
        this.#feed();
      });
      this.#feed();
    });
    this.#video.src = this.#address;
    this.#video.play().catch((error: unknown) => {
      // Some browsers let nothing be heard without a click that they count. To be paused ends it as well, otherwise.
      const isRefused = error instanceof DOMException && error.name === 'NotAllowedError';
      if (!hasSound || !isRefused || this.#over.signal.aborted) return;
      onSound({ state: 'blocked', codec: undefined });
      this.#video.muted = true;
      this.#video.play().catch(() => undefined);
    });
    const onShown = (mediaS: number): void => {
      onPicture();
      const { videoWidth: width, videoHeight: height } = this.#video;
      times?.shown(this.clock.capturedAtUs(mediaS), { width, height });
    };
    countPictures(this.#video, onShown, AbortSignal.any([signal, this.#over.signal]));
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
    const laterS = this.#laterS(newest);
    const behind = newest - this.#video.currentTime - laterS;
    const { beginS, leastS, hurryS, calmS, skipS, hurry } = this.#pace;
    // Before the first picture, after a gap, and far behind.
    if (behind > skipS || this.#video.currentTime < buffered.start(buffered.length - 1))
      this.#video.currentTime = Math.max(buffered.start(buffered.length - 1), newest - laterS - beginS);
    const hurriesOn = this.#video.playbackRate > 1 && behind > calmS;
    this.#video.playbackRate = behind > hurryS || hurriesOn ? hurry : behind < leastS ? 2 - hurry : 1;
    if (this.#times !== undefined) this.#fallBehind(behind);
    if (newest - oldest > 2 * KEPT_S) this.#buffer.remove(0, newest - KEPT_S);
  }

  /** How much later than they come pictures are to be shown, in seconds. */
  #laterS(newest: number): number {
    const capturedAtUs = this.clock.capturedAtUs(newest);
    if (this.#times !== undefined && capturedAtUs !== undefined) this.#times.arrived(capturedAtUs);
    return this.#times?.behindS ?? 0;
  }

  /** Where pictures are shown too early it slows down, or waits until there are enough of them. */
  #fallBehind(behind: number): void {
    if (behind < -WAIT_S) this.#video.pause();
    else if (this.#video.paused && behind >= 0) this.#video.play().catch(() => undefined);
    if (behind < -SLOW_S) this.#video.playbackRate = 0.9;
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
