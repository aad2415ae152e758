import { describe, expect, test } from 'vitest';
import { ChangeMeter, THUMBNAIL, THUMBNAIL_BYTES } from './change.ts';
import { noise, scene, withPatch } from './test-thumbnails.ts';

function learned(pictures: Uint8Array[]): ChangeMeter {
  const meter = new ChangeMeter();
  for (const picture of pictures) meter.learn(picture);
  return meter;
}

describe('change between thumbnails', () => {
  const still = Array.from({ length: 20 }, (_, at) => noise(scene(), 1, at));
  const reference = noise(scene(), 1, 100);

  test('sensor noise is no change, be it weak or strong', () => {
    for (const sigma of [0, 0.5, 2, 6]) {
      const meter = learned(Array.from({ length: 20 }, (_, at) => noise(scene(), sigma, at)));
      const changes = Array.from({ length: 50 }, (_, at) =>
        meter.change(noise(scene(), sigma, 200 + at), noise(scene(), sigma, 999), false),
      );
      expect(changes.filter((cells) => cells > 0)).toEqual([]);
    }
  });

  test('a far person, two cells wide and four high, is a change', () => {
    const person = { x: 80, y: 40, width: 2, height: 4, levels: -25 };
    expect(learned(still).change(noise(withPatch(scene(), person), 1, 7), reference, false)).toBeGreaterThan(
      2,
    );
  });

  test('light that goes up or down a little everywhere is none, the light switch is', () => {
    const meter = learned(still);
    expect(meter.change(noise(scene(8), 1, 7), reference, false)).toBe(0);
    expect(meter.change(noise(scene(60), 1, 7), reference, false)).toBe(THUMBNAIL_BYTES);
  });

  test('a tree that always moves is none after a while, someone beside it is', () => {
    const tree = (levels: number) => ({ x: 10, y: 10, width: 20, height: 30, levels });
    const windy = Array.from({ length: 80 }, (_, at) =>
      noise(withPatch(scene(), tree(at % 2 === 0 ? 12 : -12)), 1, at),
    );
    const meter = learned(windy);
    const reference = windy[0] ?? scene();
    expect(meter.change(windy[1] ?? scene(), reference, false)).toBe(0);
    const beside = withPatch(windy[1] ?? scene(), { x: 100, y: 40, width: 3, height: 8, levels: 30 });
    expect(meter.change(beside, reference, false)).toBeGreaterThan(10);
    expect(meter.change(windy[1] ?? scene(), reference, true)).toBeGreaterThan(100);
  });

  test('single cells are noise', () => {
    const dots = scene();
    for (let at = 0; at < THUMBNAIL_BYTES; at += 7 * THUMBNAIL.width + 9) dots[at] = 255;
    expect(learned(still).change(dots, reference, false)).toBe(0);
  });
});
