import type { Rectangle } from './letterbox.ts';
import type { Channel, InputArray } from './pixels.ts';

/** A decoded picture: red, green, blue a pixel, row by row. */
export interface Picture {
  rgb: Uint8Array;
  width: number;
  height: number;
}

/** Weights of neighbours are counted in 2048ths, and sums are cut and rounded where OpenCV does: detectors see the difference. */
const ONE = 2048;

/** The grey that the YOLO families were trained with around the picture. */
const PADDING = 114;

/**
 * Writes parts of pictures into a model's input array, which it owns and uses again: what it answers is valid until the
 * next call. Bilinear interpolation between pixel centres to whole levels, without smoothing first: so these models were
 * trained (OpenCV's INTER_LINEAR), and a softer picture costs them small objects.
 */
export class Resampler {
  readonly #target: InputArray;
  readonly #size: { width: number; height: number };
  readonly #channels: readonly Channel[];
  readonly #channelsLast: boolean;
  #rows: [Int32Array, Int32Array];
  /** What is padded now. */
  #padded = '';

  constructor(
    size: { width: number; height: number },
    channels: readonly Channel[],
    channelsLast: boolean,
    target: InputArray,
  ) {
    this.#size = size;
    this.#channels = channels;
    this.#channelsLast = channelsLast;
    this.#target = target;
    this.#rows = [new Int32Array(3 * size.width), new Int32Array(3 * size.width)];
  }

  /** The part `from` of the picture, scaled to the place `to` of the input, with grey around it. */
  place(picture: Picture, from: Rectangle, to: Rectangle): InputArray {
    this.#pad(to);
    const across = neighbours(from.left, from.width, to.width, 3);
    const down = neighbours(from.top, from.height, to.height, 3 * picture.width);
    // The source rows whose horizontal sums the two buffers hold.
    let held = [-1, -1];
    for (let y = 0; y < to.height; y++) {
      const upper = down.low[y] ?? 0;
      const lower = down.high[y] ?? 0;
      if (held[1] === upper) {
        this.#rows = [this.#rows[1], this.#rows[0]];
        held = [upper, -1];
      }
      if (held[0] !== upper) sumRow(picture.rgb, upper, across, this.#rows[0]);
      if (lower !== upper && held[1] !== lower) sumRow(picture.rgb, lower, across, this.#rows[1]);
      held = [upper, lower === upper ? -1 : lower];
      this.#writeRow(to, y, lower === upper ? this.#rows[0] : this.#rows[1], down.weight[y] ?? 0);
    }
    return this.#target;
  }

  #writeRow(to: Rectangle, y: number, lower: Int32Array, weight: number): void {
    const { width, height } = this.#size;
    const upper = this.#rows[0];
    const rest = ONE - weight;
    const step = this.#channelsLast ? 3 : 1;
    const begin = (to.top + y) * width + to.left;
    for (const [colour, { plane, levels }] of this.#channels.entries()) {
      const target = this.#target;
      let at = this.#channelsLast ? 3 * begin + plane : plane * width * height + begin;
      for (let index = colour, end = 3 * to.width; index < end; index += 3, at += step) {
        const quarters = (((upper[index] ?? 0) * rest) >> 16) + (((lower[index] ?? 0) * weight) >> 16);
        target[at] = levels[(quarters + 2) >> 2] ?? 0;
      }
    }
  }

  #pad(to: Rectangle): void {
    const place = `${to.left} ${to.top} ${to.width} ${to.height}`;
    if (this.#padded === place) return;
    this.#padded = place;
    const { width, height } = this.#size;
    if (to.width === width && to.height === height) return;
    for (const { plane, levels } of this.#channels) {
      const grey = levels[PADDING] ?? 0;
      if (this.#channelsLast) {
        for (let at = plane; at < this.#target.length; at += 3) this.#target[at] = grey;
      } else {
        this.#target.fill(grey, plane * width * height, (plane + 1) * width * height);
      }
    }
  }
}

interface Neighbours {
  /** Offsets of the two source elements around a target's centre, and the second one's weight. */
  low: Int32Array;
  high: Int32Array;
  weight: Int32Array;
}

function neighbours(begin: number, source: number, target: number, step: number): Neighbours {
  const low = new Int32Array(target);
  const high = new Int32Array(target);
  const weight = new Int32Array(target);
  for (let index = 0; index < target; index++) {
    const centre = Math.fround((index + 0.5) * (source / target) - 0.5);
    const left = Math.floor(centre);
    low[index] = (begin + Math.max(0, left)) * step;
    high[index] = (begin + Math.min(source - 1, left + 1)) * step;
    weight[index] = roundedToEven((centre - left) * ONE);
  }
  return { low, high, weight };
}

/** The nearest whole number, and of two the even one. */
function roundedToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest < 0.5 || (rest === 0.5 && below % 2 === 0) ? below : below + 1;
}

/** One source row scaled across: levels times 128. */
function sumRow(rgb: Uint8Array, row: number, { low, high, weight }: Neighbours, sums: Int32Array): void {
  for (let x = 0, at = 0; x < low.length; x++, at += 3) {
    const left = row + (low[x] ?? 0);
    const right = row + (high[x] ?? 0);
    const share = weight[x] ?? 0;
    const rest = ONE - share;
    sums[at] = ((rgb[left] ?? 0) * rest + (rgb[right] ?? 0) * share) >> 4;
    sums[at + 1] = ((rgb[left + 1] ?? 0) * rest + (rgb[right + 1] ?? 0) * share) >> 4;
    sums[at + 2] = ((rgb[left + 2] ?? 0) * rest + (rgb[right + 2] ?? 0) * share) >> 4;
  }
}
