import sharp, { type Sharp } from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { lumaOf } from './luma.ts';

/** A picture that gets brighter to the right, with a dark block at the top left. */
const [WIDTH, HEIGHT] = [640, 360];
let plain: Buffer;

beforeAll(async () => {
  plain = await picture().jpeg({ quality: 95 }).toBuffer();
});

function picture(): Sharp {
  const pixels = Buffer.alloc(WIDTH * HEIGHT * 3);
  for (let at = 0; at < WIDTH * HEIGHT; at++) {
    const [x, y] = [at % WIDTH, Math.floor(at / WIDTH)];
    pixels.fill(x < 80 && y < 80 ? 10 : 60 + Math.floor(x / 5), at * 3, at * 3 + 3);
  }
  return sharp(pixels, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } });
}

/** The brightness in the middle of the block, of the picture, and at its right end. */
async function seenIn(jpeg: Buffer): Promise<(number | undefined)[]> {
  const { width, height, pixels } = await lumaOf(jpeg);
  expect([width, height]).toEqual([160, 90]);
  return [10 * 160 + 10, 45 * 160 + 80, 45 * 160 + 150].map((at) => pixels[at]);
}

const near = (value: number): unknown => expect.closeTo(value, -1);

describe('the brightness of a frame', () => {
  it.each([
    ['baseline', (image: Sharp) => image.jpeg()],
    ['progressive', (image: Sharp) => image.jpeg({ progressive: true })],
    ['grayscale', (image: Sharp) => image.toColourspace('b-w').jpeg()],
  ])('is the same for a %s JPEG', async (_what, encode) => {
    const jpeg = await encode(sharp(plain)).toBuffer();
    expect(await seenIn(jpeg)).toEqual([near(10), near(124), near(180)]);
  });

  it('keeps light and dark apart in a CMYK JPEG', async () => {
    const [block = NaN, middle = NaN, right = NaN] = await seenIn(
      await sharp(plain).toColourspace('cmyk').jpeg({ quality: 95 }).toBuffer(),
    );
    expect(block).toBeLessThan(middle - 50);
    expect(middle).toBeLessThan(right - 20);
  });

  it('is that of the picture as it is stored, whichever side it says is up', async () => {
    const turned = await sharp(plain).withMetadata({ orientation: 6 }).jpeg().toBuffer();
    expect(await seenIn(turned)).toEqual([near(10), near(124), near(180)]);
  });

  it('is not blown up for a picture smaller than the grid', async () => {
    const small = await sharp(plain).resize(64, 36).jpeg().toBuffer();
    expect(await lumaOf(small)).toMatchObject({ width: 64, height: 36 });
  });

  it.each([
    ['nothing', () => Buffer.alloc(0)],
    ['no picture', () => Buffer.from('this is no picture')],
    ['a JPEG without its last part', () => plain.subarray(0, plain.length / 2)],
    ['a JPEG without its head', () => plain.subarray(100)],
    ['a JPEG that declares to be 30000 x 30000', () => declared(30_000, 30_000)],
    ['a JPEG that declares to have no width', () => declared(0, 360)],
  ])('is refused for %s', async (_what, jpeg) => {
    await expect(lumaOf(jpeg())).rejects.toMatchObject({ code: 'malformed-input' });
  });

  it('is refused for a picture that is no shape of a camera', async () => {
    const thread = await sharp({ create: { width: 8, height: 20_000, channels: 3, background: '#888' } })
      .jpeg()
      .toBuffer();
    await expect(lumaOf(thread)).rejects.toThrow('20000 pixels high for 8');
  });
});

/** The picture with another size in its head. */
function declared(width: number, height: number): Buffer {
  const jpeg = Buffer.from(plain);
  const frame = jpeg.indexOf(Buffer.from([0xff, 0xc0]));
  jpeg.writeUInt16BE(height, frame + 5);
  jpeg.writeUInt16BE(width, frame + 7);
  return jpeg;
}
