import { codecName, mp4CodecOf } from './codec-names.ts';
import { mp4Fragment, mp4Head, mp4SoundFragment } from './fmp4.ts';
import type { LivePacket, LiveStream, LiveTaker } from './live-stream.ts';
import { Mp4Pieces } from './mp4-pieces.ts';
import { mp4SoundOf, soundName, type Mp4Sound } from './mp4-sound.ts';
import { SOUND_LEAD_MS, type PictureTime } from './mp4-times.ts';

/** More than this unsent: the viewer's network is too slow, and pictures are left out. */
const MOST_UNSENT_BYTES = 1024 * 1024;
/** Of a picture whose next one is not known yet, before two were seen. */
const USUAL_MS = 40;
/** Closes the WebSocket: nothing that a browser plays. */
export const FOREIGN_CODEC = 4415;

/** As much of a WebSocket as this needs. */
export interface MseSocket {
  readonly bufferedAmount: number;
  send(message: string | Buffer): void;
  close(code: number, reason: string): void;
}

/**
 * Sends a camera's pictures as fragmented MP4 over a WebSocket, and with `sound` also that, where browsers play it. Text
 * messages are JSON: `stream` before a stream's head, with its `mime`, `width` and `height`, and to whoever asked for sound
 * whether it `plays`, is of a `foreign` codec, or there is `none`, and its `soundCodec`; `time` before a keyframe, saying
 * when the picture at `ms` was taken; `end`.
 */
export class MseViewer implements LiveTaker {
  readonly #socket: MseSocket;
  readonly #camera: string;
  readonly #wantsSound: boolean;
  /** What is being sent. */
  #sent: { stream: LiveStream; pieces: Mp4Pieces } | undefined;
  #sequence = 0;
  #usualMs = USUAL_MS;
  #decodedMs = 0;

  constructor(socket: MseSocket, camera: string, { sound }: { sound: boolean }) {
    this.#socket = socket;
    this.#camera = camera;
    this.#wantsSound = sound;
  }

  begin(stream: LiveStream): void {
    if (mp4CodecOf(stream.video) === undefined) {
      const reason = `Camera ${this.#camera} sends ${codecName(stream.video)}: use MJPEG.`;
      this.#socket.close(FOREIGN_CODEC, reason.slice(0, 120));
      return;
    }
    const mp4 = this.#wantsSound && stream.audio !== undefined ? mp4SoundOf(stream.audio) : undefined;
    this.#sent = { stream, pieces: new Mp4Pieces(mp4, mp4 === undefined ? 0 : SOUND_LEAD_MS) };
  }

  packet(packet: LivePacket): void {
    const sent = this.#sent;
    if (sent === undefined) return;
    for (const piece of sent.pieces.push(packet)) {
      if (piece.kind === 'begin') this.#sendHead(sent.stream, piece.sound);
      else if (piece.kind === 'picture') this.#sendPicture(piece.packet, piece.time, sent.stream);
      else {
        this.#sequence += 1;
        this.#socket.send(mp4SoundFragment(this.#sequence, piece.packet));
      }
    }
  }

  end(): void {
    this.#sent = undefined;
    this.#tell({ type: 'end' });
  }

  isBehind(): boolean {
    return this.#socket.bufferedAmount > MOST_UNSENT_BYTES;
  }

  #sendHead({ video, audio }: LiveStream, sound: Mp4Sound | undefined): void {
    const found = mp4CodecOf(video);
    if (found === undefined) return;
    const { width, height } = video;
    const foreign = audio !== undefined && mp4SoundOf(audio) === undefined;
    this.#tell({
      ...{ type: 'stream', mime: mimeOf([found.type, sound?.codec]), width, height },
      ...(this.#wantsSound ? { sound: sound === undefined ? (foreign ? 'foreign' : 'none') : 'plays' } : {}),
      ...(this.#wantsSound && audio !== undefined ? { soundCodec: soundName(audio) } : {}),
    });
    this.#socket.send(mp4Head(found.codec, { width, height }, sound));
  }

  #sendPicture(packet: LivePacket, time: PictureTime, stream: LiveStream): void {
    const { decodeMs, laterMs, shownMs } = time;
    const sinceMs = decodeMs - this.#decodedMs;
    if (sinceMs > 0 && sinceMs < 1000) this.#usualMs = sinceMs;
    this.#decodedMs = decodeMs;
    if (packet.keyframe) {
      const capturedAtUs = stream.capturedAtUs(packet.streamUs);
      if (capturedAtUs !== undefined) this.#tell({ type: 'time', ms: shownMs, capturedAtUs });
    }
    this.#sequence += 1;
    const { keyframe, data } = packet;
    this.#socket.send(
      mp4Fragment(this.#sequence, { decodeMs, laterMs, durationMs: this.#usualMs, keyframe, data }),
    );
  }

  #tell(message: object): void {
    this.#socket.send(JSON.stringify(message));
  }
}

function mimeOf(types: (string | undefined)[]): string {
  return `video/mp4; codecs="${types.filter((type) => type !== undefined).join(', ')}"`;
}
