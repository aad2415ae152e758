import { codecName, mp4CodecOf } from './codec-names.ts';
import { mp4Fragment, mp4Head, mp4SoundFragment } from './fmp4.ts';
import type { LivePacket, LiveStream, LiveTaker } from './live-stream.ts';
import { mp4SoundOf, soundName, type Mp4Sound } from './mp4-sound.ts';
import { PictureTimes, SOUND_LEAD_MS, SoundTimes } from './mp4-times.ts';
import { SoundGate } from './sound-gate.ts';

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

/** A stream that is being sent. */
interface Sent {
  stream: LiveStream;
  gate: SoundGate;
  pictures: PictureTimes;
  sound: { mp4: Mp4Sound; times: SoundTimes } | undefined;
  begun: boolean;
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
  #sent: Sent | undefined;
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
    this.#sent = {
      ...{ stream, gate: new SoundGate(mp4 !== undefined), begun: false },
      pictures: new PictureTimes(mp4 === undefined ? 0 : SOUND_LEAD_MS),
      sound: mp4 === undefined ? undefined : { mp4, times: new SoundTimes(mp4.rate) },
    };
  }

  packet(packet: LivePacket): void {
    const sent = this.#sent;
    if (sent === undefined) return;
    for (const each of sent.gate.push(packet)) {
      if (!sent.begun) this.#sendHead(sent);
      if (each.kind === 'video') this.#sendPicture(each, sent);
      else this.#sendSound(each, sent);
    }
  }

  end(): void {
    this.#sent = undefined;
    this.#tell({ type: 'end' });
  }

  isBehind(): boolean {
    return this.#socket.bufferedAmount > MOST_UNSENT_BYTES;
  }

  #sendHead(sent: Sent): void {
    sent.begun = true;
    const { video, audio } = sent.stream;
    const found = mp4CodecOf(video);
    if (found === undefined) return;
    const sound = sent.gate.hasSound === true ? sent.sound?.mp4 : undefined;
    const { width, height } = video;
    const foreign = audio !== undefined && mp4SoundOf(audio) === undefined;
    this.#tell({
      ...{ type: 'stream', mime: mimeOf([found.type, sound?.codec]), width, height },
      ...(this.#wantsSound ? { sound: sound === undefined ? (foreign ? 'foreign' : 'none') : 'plays' } : {}),
      ...(this.#wantsSound && audio !== undefined ? { soundCodec: soundName(audio) } : {}),
    });
    this.#socket.send(mp4Head(found.codec, { width, height }, sound));
  }

  #sendPicture(packet: LivePacket, { stream, pictures }: Sent): void {
    const { decodeMs, laterMs, shownMs } = pictures.next(packet.streamUs);
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

  #sendSound({ streamUs, data }: LivePacket, { sound, pictures: { zeroUs } }: Sent): void {
    if (sound === undefined || zeroUs === undefined) return;
    const samples = sound.mp4.samplesOf(data);
    const begins = sound.times.next(streamUs - zeroUs, samples);
    if (begins === undefined) return;
    this.#sequence += 1;
    this.#socket.send(mp4SoundFragment(this.#sequence, { begins, samples, data }));
  }

  #tell(message: object): void {
    this.#socket.send(JSON.stringify(message));
  }
}

function mimeOf(types: (string | undefined)[]): string {
  return `video/mp4; codecs="${types.filter((type) => type !== undefined).join(', ')}"`;
}
