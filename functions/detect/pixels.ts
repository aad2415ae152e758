/**
 * How a model wants its colours:
 * - `rgb`: red, green, blue as 0..1
 * - `bgr`: blue, green, red as 0..1
 * - `rgb-bytes`, `bgr-bytes`: as 0..255
 * - `imagenet`: red, green, blue less the mean of ImageNet's pictures, over their standard deviation
 */
export type Pixels = 'rgb' | 'bgr' | 'rgb-bytes' | 'bgr-bytes' | 'imagenet';

export type InputArray = Float32Array | Uint16Array | Uint8Array;

const imagenetMean = [0.485, 0.456, 0.406] as const;
const imagenetDeviation = [0.229, 0.224, 0.225] as const;

/** For red, green and blue: the plane of the input that it goes to, and what each of its 256 levels becomes there. */
export interface Channel {
  plane: 0 | 1 | 2;
  levels: InputArray;
}

const reversed = [2, 1, 0] as const;

/** Red, green and blue. An input of bytes takes the levels as they are. */
export function channelsOf(
  pixels: Pixels,
  type: 'float32' | 'float16' | 'uint8',
): readonly [Channel, Channel, Channel] {
  const channel = (colour: 0 | 1 | 2): Channel => {
    const plane = pixels.startsWith('bgr') ? reversed[colour] : colour;
    if (type === 'uint8') return { plane, levels: Uint8Array.from({ length: 256 }, (_, level) => level) };
    const floats = Float32Array.from({ length: 256 }, (_, level) => valueOf(level, pixels, colour));
    return { plane, levels: type === 'float32' ? floats : Uint16Array.from(floats, halfBits) };
  };
  return [channel(0), channel(1), channel(2)];
}

function valueOf(level: number, pixels: Pixels, colour: 0 | 1 | 2): number {
  if (pixels.endsWith('bytes')) return level;
  const unit = level / 255;
  return pixels === 'imagenet' ? (unit - imagenetMean[colour]) / imagenetDeviation[colour] : unit;
}

const single = new Float32Array(1);
const singleBits = new Uint32Array(single.buffer);

/** The 16 bits of a number as a half-precision float, rounded to nearest (IEEE 754 binary16). */
export function halfBits(value: number): number {
  single[0] = value;
  const bits = singleBits[0] ?? 0;
  const sign = (bits >>> 16) & 0x8000;
  const exponent = ((bits >>> 23) & 0xff) - 112;
  const mantissa = bits & 0x7fffff;
  if (exponent >= 31) return sign | (Number.isNaN(value) ? 0x7e00 : 0x7c00);
  if (exponent <= 0) {
    // Below 2^-14 halves are multiples of 2^-24.
    return sign | Math.round(Math.abs(value) * 2 ** 24);
  }
  // A mantissa that is rounded up to two carries over into the exponent, as it should.
  return sign + (exponent << 10) + ((mantissa + 0x0fff + ((mantissa >>> 13) & 1)) >>> 13);
}

let halves: Float32Array | undefined;

/** Half-precision floats as ordinary ones. */
export function floatsOfHalves(bits: Uint16Array): Float32Array {
  halves ??= Float32Array.from({ length: 65_536 }, (_, half) => {
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >>> 10) & 31;
    const mantissa = half & 0x3ff;
    if (exponent === 0) return sign * mantissa * 2 ** -24;
    if (exponent === 31) return mantissa === 0 ? sign * Infinity : NaN;
    return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
  });
  const table = halves;
  const floats = new Float32Array(bits.length);
  for (let index = 0; index < bits.length; index++) floats[index] = table[bits[index] ?? 0] ?? 0;
  return floats;
}
