import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import type { DetectedObject } from '@faascam/core/messages';
import { textPath, textWidth } from './lettering.ts';
import { labelOf, overlaySvg } from './overlay.ts';

const size = { width: 640, height: 360 };

async function draw(objects: DetectedObject[], demo = false) {
  const { data } = await sharp(Buffer.from(overlaySvg(size, objects, demo)))
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return (x: number, y: number): 'nothing' | 'yellow' | 'black' | 'blend' => {
    const at = (y * size.width + x) * 4;
    const [red = 0, , blue = 0, alpha = 0] = data.subarray(at, at + 4);
    if (alpha < 20) return 'nothing';
    if (alpha < 235) return 'blend';
    return red > 200 && blue < 80 ? 'yellow' : red < 80 ? 'black' : 'blend';
  };
}

describe('an object in a picture', () => {
  const person = { label: 'person', score: 0.87, box: [0.25, 0.25, 0.5, 0.5] } satisfies DetectedObject;

  test('is framed at its edges, and what is in the frame stays to be seen', async () => {
    const at = await draw([person]);
    expect(at(160, 200)).toBe('yellow');
    expect(at(479, 200)).toBe('yellow');
    expect(at(320, 269)).toBe('yellow');
    expect(at(320, 180)).toBe('nothing');
    expect(at(100, 200)).toBe('nothing');
  });

  test('has a strip with letters over its frame, no font needed', async () => {
    const at = await draw([person]);
    const strip = Array.from({ length: 60 }, (_, x) =>
      Array.from({ length: 12 }, (_, y) => at(160 + x, 76 + y)),
    ).flat();
    expect(strip.filter((pixel) => pixel === 'black').length).toBeGreaterThan(60);
    expect(strip.filter((pixel) => pixel === 'yellow').length).toBeGreaterThan(300);
  });

  test('keeps its strip inside the picture in every corner', () => {
    for (const [x, y] of [
      [0, 0],
      [0.9, 0],
      [0, 0.9],
      [0.9, 0.9],
    ] as const) {
      const svg = overlaySvg(size, [{ ...person, box: [x, y, 0.1, 0.1] }], true);
      const strip = /<rect x="(\d+)" y="(\d+)" width="(\d+)" height="(\d+)" fill="#ffd21f"/.exec(svg) ?? [];
      const [left = -1, top = -1, width = 0, height = 0] = strip.slice(1).map(Number);
      expect(left).toBeGreaterThanOrEqual(0);
      expect(top).toBeGreaterThanOrEqual(0);
      expect(left + width).toBeLessThanOrEqual(size.width);
      expect(top + height).toBeLessThanOrEqual(size.height);
    }
  });
});

test('a label says what it is and how sure the model was, and when it was a demo model', () => {
  expect(labelOf('person', 0.874, false)).toBe('person 87 %');
  expect(labelOf('dog', 0.29, false)).toBe('dog 29 %');
  expect(labelOf('person', 0.87, true)).toBe('person 87 % demo model');
});

test('a label cannot break out of the picture’s markup', () => {
  const svg = overlaySvg(size, [{ label: '"/><script>', score: 1, box: [0, 0, 1, 1] }], false);
  expect(svg).not.toContain('script');
});

test('every character has a shape of its own, and strange ones have one in common', () => {
  const known = Array.from('abcdefghijklmnopqrstuvwxyz0123456789%-_.,/()');
  const shapes = known.map((character) => textPath(character, 0, 0, 1));
  expect(new Set(shapes).size).toBe(known.length);
  expect(textPath('A', 0, 0, 1)).toBe(textPath('a', 0, 0, 1));
  expect(textPath('ä', 0, 0, 1)).toBe(textPath('€', 0, 0, 1));
  expect(textPath(' ', 0, 0, 1)).toBe('');
  expect(textWidth('ab')).toBe(11);
});
