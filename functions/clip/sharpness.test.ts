import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DetectedObject } from '@faascam/core/messages';
import { chosenOf, sharpnessOf, worthOf } from './sharpness.ts';

const person: DetectedObject = { label: 'person', score: 0.9, box: [0.25, 0.25, 0.5, 0.5] };
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'faascam-sharpness-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A picture of a chequered thing on a plain wall, or on a chequered wall a plain thing. */
async function picture(name: string, where: 'thing' | 'wall', blur?: number): Promise<string> {
  const [width, height] = [320, 240];
  const pixels = Buffer.alloc(width * height, 120);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const inside = x >= 80 && x < 240 && y >= 60 && y < 180;
      if (inside === (where === 'thing')) pixels[y * width + x] = ((x >> 3) + (y >> 3)) % 2 === 0 ? 60 : 190;
    }
  }
  const plain = sharp(pixels, { raw: { width, height, channels: 1 } });
  const path = join(folder, `${name}.png`);
  await (blur === undefined ? plain : plain.blur(blur)).png().toFile(path);
  return path;
}

describe('sharpness', () => {
  it('falls with blur', async () => {
    const sharpnesses = [];
    for (const blur of [undefined, 1, 2, 4])
      sharpnesses.push(await sharpnessOf(await picture('blurred', 'thing', blur), [person]));
    expect(sharpnesses).toEqual([...sharpnesses].sort((a, b) => b - a));
    expect(sharpnesses[0]).toBeGreaterThan(5 * (sharpnesses[3] ?? NaN));
  });

  it('is that of the objects, not of what is around them', async () => {
    const [thing, wall] = [await picture('thing', 'thing'), await picture('wall', 'wall')];
    expect(await sharpnessOf(thing, [person])).toBeGreaterThan(10 * (await sharpnessOf(wall, [person])));
    expect(await sharpnessOf(wall, [])).toBeGreaterThan(10);
  });

  it('is none for what is too small to tell, and at the very edge of the picture', async () => {
    const thing = await picture('small', 'thing');
    expect(await sharpnessOf(thing, [{ ...person, box: [0.999, 0.999, 0.001, 0.001] }])).toBe(0);
  });
});

describe('of pictures, best first,', () => {
  it('the sharpest is taken of those that show their objects about as well', () => {
    const worth = worthOf([person]);
    expect(
      chosenOf([
        { worth, sharpness: 10 },
        { worth: 0.9 * worth, sharpness: 40 },
      ]),
    ).toBe(1);
    expect(
      chosenOf([
        { worth, sharpness: 10 },
        { worth: 0.5 * worth, sharpness: 40 },
      ]),
    ).toBe(0);
  });

  it('the first is taken where none is clearly sharper', () => {
    expect(
      chosenOf([
        { worth: 1, sharpness: 10 },
        { worth: 1, sharpness: 11 },
      ]),
    ).toBe(0);
    expect(chosenOf([{ worth: 0, sharpness: 0 }])).toBe(0);
  });
});
