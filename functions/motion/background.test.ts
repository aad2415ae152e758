import { describe, expect, it } from 'vitest';
import { motionSettings } from '@faascam/core/settings';
import { beginBackground, observe, type Background } from './background.ts';
import type { Luma } from './luma.ts';

const settings = motionSettings.parse(undefined);
const WIDTH = 80;
const HEIGHT = 45;
const START_US = 1_700_000_000_000_000;

/** Repeatable noise, about normal, standard deviation 1. */
function noiseSource(seed: number): () => number {
  let state = seed;
  const uniform = (): number => {
    state = (state * 1_664_525 + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  return () => uniform() + uniform() + uniform() + uniform() - 2;
}

interface Shown {
  gain?: number;
  offset?: number;
  noise?: number;
  /** Left edge of a dark 10x20 block. */
  block?: number | undefined;
  /** How far the camera has turned, in cells. */
  shift?: number;
  /** Another scene altogether. */
  other?: boolean;
}

function pictureOf(
  { gain = 1, offset = 0, noise = 2, block, other = false, shift = 0 }: Shown,
  random: () => number,
): Luma {
  const pixels = new Uint8Array(WIDTH * HEIGHT);
  for (let at = 0; at < pixels.length; at++) {
    const x = at % WIDTH;
    const y = (at - x) / WIDTH;
    const texture = other ? 200 - 2 * y : 90 + 40 * Math.sin((x + shift) / 5) + 30 * Math.cos(y / 4);
    const covered = block !== undefined && x >= block && x < block + 10 && y >= 15 && y < 35;
    const value = gain * (covered ? 20 : texture) + offset + noise * random();
    pixels[at] = Math.max(0, Math.min(255, Math.round(value)));
  }
  return { width: WIDTH, height: HEIGHT, pixels };
}

/** What is said of each frame, five a second. */
function watch(seconds: number, scene: (second: number) => Shown): Background['said'][] {
  const random = noiseSource(7);
  let background: Background | undefined;
  const said: Background['said'][] = [];
  for (let index = 0; index < seconds * 5; index++) {
    const luma = pictureOf(scene(index / 5), random);
    const atUs = START_US + index * 200_000;
    background =
      background === undefined
        ? beginBackground(luma, atUs)
        : observe(background, luma, atUs, settings).background;
    said.push(background.said);
  }
  return said;
}

const movingIn = (said: Background['said'][], from: number, to: number): number =>
  said.slice(from * 5, to * 5).filter(({ kind }) => kind === 'moving').length;

describe('motion', () => {
  it('is not seen in sensor noise, however strong once it is known', () => {
    expect(
      movingIn(
        watch(20, () => ({ noise: 2 })),
        0,
        20,
      ),
    ).toBe(0);
    expect(
      movingIn(
        watch(20, () => ({ noise: 8 })),
        3,
        20,
      ),
    ).toBe(0);
  });

  it('is seen in the third frame with an object, looked at from the first, and told where the object is', () => {
    const said = watch(10, (second) => ({ block: second >= 4 ? 10 + (second - 4) * 10 : undefined }));
    expect(movingIn(said, 0, 4)).toBe(0);
    expect(said.slice(20, 22).map(({ kind }) => kind)).not.toContain('still');
    expect(movingIn(said, 4, 10)).toBeGreaterThanOrEqual(28);
    const [box] = said[22]?.boxes ?? [];
    expect(box?.map((side) => Math.round(side * 100))).toEqual([
      expect.closeTo(18, -1),
      expect.closeTo(33, -1),
      expect.closeTo(13, -1),
      expect.closeTo(44, -1),
    ]);
  });

  it('is not seen when the light of the whole scene changes', () => {
    const dim = watch(12, (second) => (second < 5 ? {} : { gain: 0.75, offset: 12 }));
    expect(movingIn(dim, 0, 12)).toBe(0);
    const slow = watch(40, (second) => ({ offset: second }));
    expect(movingIn(slow, 0, 40)).toBe(0);
  });

  it('is over soon after the scene has changed as a whole', () => {
    const said = watch(12, (second) => ({ other: second >= 5 }));
    expect(movingIn(said, 6, 12)).toBe(0);
  });

  it('ends a few seconds after an object has stopped for good', () => {
    const said = watch(20, (second) => ({
      block: second < 3 ? undefined : Math.min(40, 10 + (second - 3) * 10),
    }));
    expect(movingIn(said, 3, 7)).toBeGreaterThanOrEqual(15);
    expect(movingIn(said, 12, 20)).toBe(0);
  });

  it('is followed by a time of settling, then by looks now and then, then by silence', () => {
    const said = watch(160, (second) => ({
      block: second >= 4 && second < 6 ? 10 + (second - 4) * 10 : undefined,
    }));
    const kinds = said.map(({ kind }) => kind);
    const last = kinds.lastIndexOf('moving');
    expect(kinds.slice(last + 1, last + 12)).toEqual(Array(11).fill('settling'));
    const later = kinds.slice(last + 13, last + 500);
    expect(later.filter((kind) => kind === 'settling').length).toBeGreaterThan(15);
    expect(kinds.slice(last + 605).every((kind) => kind === 'still')).toBe(true);
  });

  it('is not seen in what flickers, sways or comes down at random', () => {
    const flicker = watch(20, (second) => ({ block: Math.floor(second * 5) % 2 === 0 ? 30 : undefined }));
    expect(movingIn(flicker, 0, 20)).toBe(0);
    const sway = watch(20, (second) => ({ block: 30 + Math.round(Math.sin(second * 6)) }));
    expect(movingIn(sway, 0, 20)).toBe(0);
  });

  it('is not seen where the camera shakes by less than a cell', () => {
    const said = watch(20, (second) => ({ shift: 0.7 * Math.sin(second * 11) }));
    expect(movingIn(said, 0, 20)).toBe(0);
  });

  it('is not seen in the place that an object has left, though it was there from the beginning', () => {
    const said = watch(14, (second) => ({
      block: second < 3 ? 5 : second < 6 ? 5 + (second - 3) * 25 : undefined,
    }));
    expect(movingIn(said, 3, 6)).toBeGreaterThan(10);
    expect(movingIn(said, 7, 14)).toBe(0);
  });

  it('begins anew when the picture has another size', () => {
    const random = noiseSource(1);
    const first = beginBackground(pictureOf({}, random), START_US);
    const small: Luma = { width: 2, height: 2, pixels: new Uint8Array(4) };
    const { background } = observe(first, small, START_US + 200_000, settings);
    expect(background).toMatchObject({ width: 2, height: 2, said: { kind: 'still' } });
  });
});
