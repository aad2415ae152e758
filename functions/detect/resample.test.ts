import { describe, expect, it } from 'vitest';
import { channelsOf, floatsOfHalves, halfBits } from './pixels.ts';
import { Resampler, type Picture } from './resample.ts';

/** Four pixels: red 0 and 100 above 200 and 40; green is 10 more, blue 20 more. */
const picture: Picture = {
  rgb: Uint8Array.from([0, 100, 200, 40].flatMap((red) => [red, red + 10, red + 20])),
  width: 2,
  height: 2,
};
const all = { left: 0, top: 0, width: 2, height: 2 };

function placed(
  width: number,
  height: number,
  from = all,
  to = { left: 0, top: 0, width, height },
): number[] {
  const resampler = new Resampler(
    { width, height },
    channelsOf('rgb', 'uint8'),
    false,
    new Uint8Array(3 * width * height),
  );
  return [...resampler.place(picture, from, to)];
}

describe('scaling a picture into a model’s input', () => {
  it('leaves it as it is at its own size, each colour in a plane', () => {
    expect(placed(2, 2)).toEqual([0, 100, 200, 40, 10, 110, 210, 50, 20, 120, 220, 60]);
  });

  it('weighs neighbours by their distance, and goes on with the outermost ones beyond their centres', () => {
    expect(placed(4, 2).slice(0, 8)).toEqual([0, 25, 75, 100, 200, 160, 80, 40]);
    expect(placed(2, 4).slice(0, 8)).toEqual([0, 100, 50, 85, 150, 55, 200, 40]);
    expect(placed(1, 1)).toEqual([85, 95, 105]);
  });

  it('takes a part of the picture, without what lies around it', () => {
    expect(placed(2, 1, { left: 1, top: 0, width: 1, height: 1 }).slice(0, 2)).toEqual([100, 100]);
  });

  it('is grey around it, also after another place was filled', () => {
    const resampler = new Resampler(
      { width: 4, height: 2 },
      channelsOf('rgb', 'uint8'),
      false,
      new Uint8Array(24),
    );
    resampler.place(picture, all, { left: 0, top: 0, width: 4, height: 2 });
    const input = resampler.place(picture, all, { left: 1, top: 0, width: 2, height: 2 });
    expect([...input.subarray(0, 8)]).toEqual([114, 0, 100, 114, 114, 200, 40, 114]);
  });

  it('writes colours in the order, range and type that the model wants', () => {
    const of = (pixels: Parameters<typeof channelsOf>[0], type: 'float32' | 'float16', last: boolean) => {
      const array = type === 'float32' ? new Float32Array(12) : new Uint16Array(12);
      return new Resampler({ width: 2, height: 2 }, channelsOf(pixels, type), last, array).place(
        picture,
        all,
        all,
      );
    };
    expect([...of('bgr-bytes', 'float32', true)].slice(0, 6)).toEqual([20, 10, 0, 120, 110, 100]);
    expect(of('rgb', 'float32', false)[1]).toBeCloseTo(100 / 255, 6);
    expect(of('imagenet', 'float32', false)[0]).toBeCloseTo(-0.485 / 0.229, 5);
    expect(of('rgb', 'float16', false)[1]).toBe(halfBits(100 / 255));
  });
});

describe('half-precision floats', () => {
  it.each([
    [0, 0],
    [1, 0x3c00],
    [-2, 0xc000],
    [65_504, 0x7bff],
    [1e6, 0x7c00],
    [2 ** -24, 1],
    [1 / 3, 0x3555],
    [2047.5, 0x6800],
  ])('%d is %d', (value, bits) => {
    expect(halfBits(value)).toBe(bits);
    const [back = NaN] = floatsOfHalves(Uint16Array.of(bits));
    expect(back === value || value === 1e6 || Math.abs(back - value) <= Math.abs(value) / 1024).toBe(true);
  });
});
