import { describe, expect, it } from 'vitest';
import type { Box } from '@faascam/core/box';
import { drifted, isAtRest, isCovered, isDisplaced, touchesMotion } from './stillness.ts';

const PLACE: Box = [0.4, 0.4, 0.2, 0.1];

describe('a box', () => {
  it.each<[string, Box]>([
    ['is shifted as a whole', [0.45, 0.4, 0.2, 0.1]],
    ['is shifted downwards', [0.4, 0.43, 0.2, 0.1]],
    ['grows on both axes, as who comes nearer', [0.36, 0.38, 0.28, 0.14]],
    ['shrinks on both axes, as who goes away', [0.43, 0.42, 0.14, 0.07]],
  ])('has left its place when it %s', (_what, now) => {
    expect(isDisplaced(PLACE, now)).toBe(true);
  });

  it.each<[string, Box]>([
    ['trembles', [0.41, 0.405, 0.19, 0.1]],
    ['is hidden on its left', [0.52, 0.4, 0.08, 0.1]],
    ['is hidden on its right', [0.4, 0.4, 0.06, 0.1]],
    ['is hidden from below', [0.4, 0.4, 0.2, 0.03]],
    ['is hidden on its right and trembles', [0.41, 0.4, 0.05, 0.105]],
  ])('has not when it %s', (_what, now) => {
    expect(isDisplaced(PLACE, now)).toBe(false);
  });

  it('that stands drifts a little with what is seen of it, and stays when half of it is hidden', () => {
    const [x] = drifted(PLACE, [0.42, 0.4, 0.2, 0.1]);
    expect(x).toBeGreaterThan(0.4);
    expect(x).toBeLessThan(0.405);
    expect(drifted(PLACE, [0.5, 0.4, 0.1, 0.1])).toEqual(PLACE);
  });

  it('of which a part was hidden is larger than thought, and one that comes nearer is not', () => {
    const whole: Box = [0.4, 0.4, 0.2, 0.1];
    expect(drifted([0.5, 0.4, 0.1, 0.1], whole)).toEqual(whole);
    const far: Box = [0.44, 0.42, 0.12, 0.06];
    expect(drifted(far, whole)).toEqual(far);
  });
});

describe('motion', () => {
  it('of about the object’s own size that covers it is its own; that of the whole picture is not', () => {
    expect(isCovered(PLACE, [[0.38, 0.38, 0.2, 0.14]])).toBe(true);
    expect(isCovered(PLACE, [[0.55, 0.4, 0.1, 0.2]])).toBe(false);
    expect(isCovered(PLACE, [[0, 0, 1, 1]])).toBe(false);
  });

  it('touches a box by a tenth of it, and leaves it at rest up to half of it', () => {
    expect(touchesMotion(PLACE, [[0.3, 0.3, 0.13, 0.2]])).toBe(true);
    expect(touchesMotion(PLACE, [[0.3, 0.3, 0.11, 0.2]])).toBe(false);
    expect(isAtRest(PLACE, [[0.3, 0.3, 0.15, 0.2]])).toBe(true);
    expect(isAtRest(PLACE, [[0, 0, 1, 1]])).toBe(false);
  });
});
