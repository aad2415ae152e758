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
  readonly #channels: Three<Channel>;
  readonly #channelsLast: boolean;
  /** What is padded now. */
  #padded = '';

  constructor(
    size: { width: number; height: number },
    channels: Three<Channel>,
    channelsLast: boolean,
    target: InputArray,
  ) {
    this.#size = size;
    this.#channels = channels;
    this.#channelsLast = channelsLast;
    this.#target = target;
  }

  /** The part `from` of the picture, scaled to the place `to` of the input, with grey around it. */
  place(picture: Picture, from: Rectangle, to: Rectangle): InputArray {
    this.#pad(to);
    const { width, height } = this.#size;
    const across = columnsOf(from, to);
    const step = this.#channelsLast ? 3 : 1;
    const [red, green, blue] = this.#channels;
    const offsetOf = ({ plane }: Channel): number => (this.#channelsLast ? plane : plane * width * height);
    const offsets = [offsetOf(red), offsetOf(green), offsetOf(blue)] as const;
    const levels = [red.levels, green.levels, blue.levels] as const;
    for (let y = 0; y < to.height; y++) {
      const begin = ((to.top + y) * width + to.left) * step;
      const { low, high, share } = between(y, from.height, to.height);
      const row = 3 * picture.width;
      const rows = { upper: (from.top + low) * row, lower: (from.top + high) * row, weight: share };
      writeRow(this.#target, begin, step, offsets, levels, picture.rgb, rows, across);
    }
    return this.#target;
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

/** The two source elements around the centre of a target's, and the second one's share. */
function between(
  index: number,
  source: number,
  target: number,
): { low: number; high: number; share: number } {
  const centre = Math.fround((index + 0.5) * (source / target) - 0.5);
  const left = Math.floor(centre);
  const share = roundedToEven((centre - left) * ONE);
  return { low: Math.max(0, left), high: Math.min(source - 1, left + 1), share };
}

interface Columns {
  /** Offset in a row of the left one of two neighbours, and the right one's share. */
  left: Int32Array;
  share: Int32Array;
}

function columnsOf(from: Rectangle, to: Rectangle): Columns {
  const left = new Int32Array(to.width);
  const share = new Int32Array(to.width);
  for (let x = 0; x < to.width; x++) {
    const { low, high, share: part } = between(x, from.width, to.width);
    // Beyond the centres of the outermost pixels there are no others: all is theirs.
    const first = Math.max(0, Math.min(low, from.width - 2));
    left[x] = 3 * (from.left + first);
    share[x] = low < high ? part : low > first ? ONE : 0;
  }
  return { left, share };
}

/** The nearest whole number, and of two the even one. */
function roundedToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest < 0.5 || (rest === 0.5 && below % 2 === 0) ? below : below + 1;
}

type Three<T> = readonly [T, T, T];

/** One row of the input, from two rows of the picture. All three colours at once, which is twice as fast as one by one. */
function writeRow(
  target: InputArray,
  begin: number,
  step: number,
  [toRed, toGreen, toBlue]: Three<number>,
  [red, green, blue]: Three<InputArray>,
  rgb: Uint8Array,
  { upper, lower, weight }: { upper: number; lower: number; weight: number },
  { left, share: shares }: Columns,
): void {
  for (let x = 0, at = begin; x < left.length; x++, at += step) {
    const above = upper + (left[x] ?? 0);
    const below = lower + (left[x] ?? 0);
    const share = shares[x] ?? 0;
    target[toRed + at] = red[levelAt(rgb, above, below, share, weight)] ?? 0;
    target[toGreen + at] = green[levelAt(rgb, above + 1, below + 1, share, weight)] ?? 0;
    target[toBlue + at] = blue[levelAt(rgb, above + 2, below + 2, share, weight)] ?? 0;
  }
}

/** One colour between four pixels. */
function levelAt(rgb: Uint8Array, above: number, below: number, share: number, weight: number): number {
  const upper = rgb[above] ?? 0;
  const lower = rgb[below] ?? 0;
  const upperSum = ((upper << 11) + Math.imul((rgb[above + 3] ?? 0) - upper, share)) >> 4;
  const lowerSum = ((lower << 11) + Math.imul((rgb[below + 3] ?? 0) - lower, share)) >> 4;
  const quarters = (Math.imul(upperSum, ONE - weight) >> 16) + (Math.imul(lowerSum, weight) >> 16);
  return (quarters + 2) >> 2;
}
