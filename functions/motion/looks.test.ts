import { describe, expect, it } from 'vitest';
import { motionSettings } from '@faascam/core/settings';
import type { Luma } from './luma.ts';
import { watchLuma } from './watch.ts';

const WIDTH = 80;
const HEIGHT = 45;
const FPS = 10;

/** Repeatable chance, 0..1. */
function chanceOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

interface Picture {
  /** Streaks of rain. */
  drops?: number;
  /** Left edge of someone 8 cells wide. */
  person?: number | undefined;
  light?: (brightness: number, x: number) => number;
}

function pictureOf(
  { drops = 0, person, light = (brightness) => brightness }: Picture,
  random: () => number,
): Luma {
  const pixels = new Uint8Array(WIDTH * HEIGHT);
  for (let at = 0; at < pixels.length; at++) {
    const [x, y] = [at % WIDTH, Math.floor(at / WIDTH)];
    const scene = 80 + 25 * Math.sin(x / 3) + 20 * Math.cos(y / 4);
    const covered = person !== undefined && x >= person && x < person + 8 && y >= 12 && y < 34;
    const noise = 2 * (random() + random() + random() - 1.5);
    pixels[at] = Math.max(0, Math.min(255, light(covered ? 20 : scene, x) + noise));
  }
  for (let drop = 0; drop < drops; drop++) {
    const [x, top] = [Math.floor(random() * (WIDTH - 2)), Math.floor(random() * (HEIGHT - 10))];
    for (let y = top; y < top + 9; y++) pixels.fill(230, y * WIDTH + x, y * WIDTH + x + 2);
  }
  return { width: WIDTH, height: HEIGHT, pixels };
}

function kindsOf(seconds: number, scene: (second: number) => Picture): string[] {
  const random = chanceOf(3);
  const watch = watchLuma(motionSettings.parse(undefined));
  return Array.from({ length: seconds * FPS }, (_, frame) =>
    watch(pictureOf(scene(frame / FPS), random), 1_000_000 + (frame * 1_000_000) / FPS),
  ).map(({ said }) => said.kind);
}

const count = (kinds: readonly string[], kind: string): number => kinds.filter((is) => is === kind).length;

describe('a look at what is new', () => {
  it('is not taken at each drop of a rain that is known, but at someone in it', () => {
    const rain = kindsOf(30, () => ({ drops: 4 }));
    expect(count(rain.slice(10 * FPS), 'moving')).toBe(0);
    expect(count(rain.slice(10 * FPS), 'settling')).toBeLessThan(20 * FPS * 0.2);
    const visited = kindsOf(24, (second) => ({
      drops: 4,
      person: second < 20 ? undefined : (second - 20) * 15,
    }));
    expect(count(visited.slice(20 * FPS), 'still')).toBeLessThan(20);
    expect(count(visited.slice(20 * FPS), 'moving')).toBeGreaterThan(15);
  });
});

describe('someone who stands while the camera goes to infrared', () => {
  /** He comes, stands from the sixth second on, and goes after the twelfth; the picture is white before it is grey. */
  const sceneOf = (second: number): Picture => {
    const person =
      second < 4
        ? undefined
        : second < 6
          ? (second - 4) * 18
          : second < 12
            ? 36 + (Math.floor(second * 2) % 2)
            : 36 + (second - 12) * 20;
    const spot = (x: number): number => 0.6 + 0.4 * Math.exp(-((x - 40) ** 2) / 800);
    const grey = (brightness: number, x: number): number => (40 + 9 * brightness ** 0.6) * spot(x);
    if (second < 8) return { person };
    return { person, light: (brightness, x) => grey(brightness, x) * (second < 8.4 ? 2.2 : 1) };
  };

  it('moves until he goes, and leaves nothing behind that moves', () => {
    const kinds = kindsOf(24, sceneOf);
    expect(count(kinds.slice(9 * FPS, 14 * FPS), 'moving')).toBeGreaterThan(4 * FPS);
    expect(count(kinds.slice(16 * FPS), 'moving')).toBe(0);
  });
});
