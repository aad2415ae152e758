/** When a picture is decoded, and how much later it is shown, in ms. */
export interface PictureTime {
  decodeMs: number;
  laterMs: number;
  shownMs: number;
}

/**
 * By how much to show all later where there is sound: of pictures that are out of order, the first few could else only be
 * told to be shown before they are decoded, which some players take for all of them, and move against the sound.
 */
export const SOUND_LEAD_MS = 500;

/** Tells when pictures are decoded, of which only is known when they are shown. */
export class PictureTimes {
  readonly #leadMs: number;
  #firstMs: number | undefined;
  #decodedMs = -1;
  #newestMs = 0;
  /** How much later than it is decoded a picture may be shown: as far as times have been seen to go back. */
  #reorderMs = 0;

  /** `leadMs`: when the first picture is shown. */
  constructor(leadMs = 0) {
    this.#leadMs = leadMs;
  }

  /** What is 0 here, in the stream's own time; undefined before the first picture. */
  get zeroUs(): number | undefined {
    return this.#firstMs === undefined ? undefined : (this.#firstMs - this.#leadMs) * 1000;
  }

  next(streamUs: number): PictureTime {
    const ms = Math.round(streamUs / 1000);
    this.#firstMs ??= ms;
    const sinceMs = ms - this.#firstMs;
    this.#reorderMs = Math.max(this.#reorderMs, this.#newestMs - sinceMs);
    const decodeMs = Math.max(this.#decodedMs + 1, sinceMs - this.#reorderMs);
    this.#decodedMs = decodeMs;
    this.#newestMs = Math.max(this.#newestMs, sinceMs);
    const shownMs = sinceMs + this.#leadMs;
    return { decodeMs, laterMs: shownMs - decodeMs, shownMs };
  }
}

/** Matroska's times are rounded, and cameras' are never quite even; what is further off is a gap. */
const MOST_OFF_S = 0.04;

/** Tells at which sample packets of sound begin: one after the other without a hole, unless there is one. */
export class SoundTimes {
  readonly #rate: number;
  #next: number | undefined;

  constructor(rate: number) {
    this.#rate = rate;
  }

  /** `us`: as pictures count. Undefined for a packet before 0, or one that comes twice. */
  next(us: number, samples: number): number | undefined {
    const told = Math.round((us / 1e6) * this.#rate);
    const off = this.#next === undefined ? Infinity : (told - this.#next) / this.#rate;
    if (told < 0 || off < -MOST_OFF_S) return undefined;
    const begins = this.#next === undefined || off > MOST_OFF_S ? told : this.#next;
    this.#next = begins + samples;
    return begins;
  }
}
