import sharp, { type Sharp } from 'sharp';
import { describe, expect, test } from 'vitest';
import { drawTimeCode, readTimeCode } from './time-code.ts';

const NOW_US = 1_790_000_000_123_457;

/** A picture with something in it, of which the code is a part. */
function picture(width: number, height: number, us?: number): Sharp {
  const data = Buffer.alloc(width * height);
  for (let at = 0; at < data.length; at++) data[at] = ((at % width) * 3 + Math.floor(at / width) * 5) % 256;
  if (us !== undefined) drawTimeCode({ data, width, height }, us);
  return sharp(data, { raw: { width, height, channels: 1 } });
}

async function read(image: Sharp): Promise<number | undefined> {
  const { data, info } = await sharp(await image.jpeg({ quality: 50 }).toBuffer())
    .toColourspace('b-w')
    .raw()
    .toBuffer({ resolveWithObject: true });
  return readTimeCode({ data, width: info.width, height: info.height });
}

describe('a time code', () => {
  test.each([
    [320, 180],
    [640, 360],
    [1280, 720],
    [720, 1280],
  ])('is read out of a JPEG of %i x %i', async (width, height) => {
    expect(await read(picture(width, height, NOW_US))).toBe(NOW_US);
  });

  test.each([
    ['made smaller', (image: Sharp) => image.resize(640)],
    ['made larger', (image: Sharp) => image.resize(1600)],
    ['out of focus', (image: Sharp) => image.blur(1.5)],
    ['turned upside down', (image: Sharp) => image.rotate(180)],
    ['filmed at an angle', (image: Sharp) => image.affine([0.94, 0.12, -0.1, 0.9], { background: '#888' })],
    ['pale', (image: Sharp) => image.linear(0.4, 90)],
    [
      'a part of a larger picture',
      (image: Sharp) => image.extend({ top: 200, left: 300, background: '#666' }),
    ],
  ])('is read out of a picture that is %s', async (_how, change) => {
    expect(await read(change(picture(960, 540, NOW_US)))).toBe(NOW_US);
  });

  test('is not seen where there is none', async () => {
    expect(await read(picture(640, 360))).toBeUndefined();
  });
});
