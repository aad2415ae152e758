import type { Mp4SoundPacket } from './fmp4.ts';
import type { LivePacket } from './live-stream.ts';
import type { Mp4Sound } from './mp4-sound.ts';
import { PictureTimes, SoundTimes, type PictureTime } from './mp4-times.ts';
import { SoundGate } from './sound-gate.ts';

/** What MP4 is made of. `begin` comes before all else, with the sound that the head declares. */
export type Mp4Piece =
  | { kind: 'begin'; sound: Mp4Sound | undefined }
  | { kind: 'picture'; packet: LivePacket; time: PictureTime }
  | { kind: 'sound'; packet: Mp4SoundPacket };

/** Puts the packets of a stream in their places in MP4: pictures, and sound where the stream does send it. */
export class Mp4Pieces {
  readonly #gate: SoundGate;
  readonly #pictures: PictureTimes;
  readonly #sound: { mp4: Mp4Sound; times: SoundTimes } | undefined;
  #begun = false;

  /** `sound`: of the stream, where it is wanted. `leadMs`: when the first picture is shown, see `SOUND_LEAD_MS`. */
  constructor(sound: Mp4Sound | undefined, leadMs: number) {
    this.#gate = new SoundGate(sound !== undefined);
    this.#pictures = new PictureTimes(leadMs);
    this.#sound = sound === undefined ? undefined : { mp4: sound, times: new SoundTimes(sound.rate) };
  }

  /** Answers what is complete with this packet: nothing while it is not known whether there is sound. */
  push(packet: LivePacket): Mp4Piece[] {
    const pieces: Mp4Piece[] = [];
    for (const each of this.#gate.push(packet)) {
      if (!this.#begun)
        pieces.push({ kind: 'begin', sound: this.#gate.hasSound === true ? this.#sound?.mp4 : undefined });
      this.#begun = true;
      if (each.kind === 'video')
        pieces.push({ kind: 'picture', packet: each, time: this.#pictures.next(each.streamUs) });
      else {
        const sound = this.#soundOf(each);
        if (sound !== undefined) pieces.push({ kind: 'sound', packet: sound });
      }
    }
    return pieces;
  }

  #soundOf({ streamUs, data }: LivePacket): Mp4SoundPacket | undefined {
    const { zeroUs } = this.#pictures;
    if (this.#sound === undefined || zeroUs === undefined) return undefined;
    const samples = this.#sound.mp4.samplesOf(data);
    const begins = this.#sound.times.next(streamUs - zeroUs, samples);
    return begins === undefined ? undefined : { begins, samples, data };
  }
}
