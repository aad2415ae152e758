import type { Polygon } from '@faascam/core/analysis-settings';
import { describe, expect, it } from 'vitest';
import { motionSettings } from '@faascam/core/settings';
import { beginBackground, observe, type Background } from './background.ts';
import { unmaskedCells } from './masks.ts';

/** An L, its corner at the top left. */
const bent: Polygon = [
  [0, 0],
  [1, 0],
  [1, 0.5],
  [0.5, 0.5],
  [0.5, 1],
  [0, 1],
];

describe('a mask', () => {
  it('covers the cells whose middle lies within the polygon', () => {
    expect(Array.from(unmaskedCells([bent], 4, 4) ?? [])).toEqual(
      ['0000', '0000', '0011', '0011'].flatMap((row) => Array.from(row, Number)),
    );
  });

  it('is none without polygons, and covers nothing with a polygon of no area', () => {
    expect(unmaskedCells(undefined, 4, 4)).toBeUndefined();
    expect(unmaskedCells([], 4, 4)).toBeUndefined();
    const line: Polygon = [
      [0.1, 0.1],
      [0.9, 0.9],
    ];
    expect(unmaskedCells([line, []], 4, 4)).toEqual(new Uint8Array(16).fill(1));
  });

  it('takes what moves in it out of what is told, and nothing else', () => {
    const [width, height] = [80, 44];
    const left: Polygon = [
      [0, 0],
      [0.5, 0],
      [0.5, 1],
      [0, 1],
    ];
    const settings = { ...motionSettings.parse(undefined), masks: [left] };
    const movingAt = (place: (frame: number) => number): boolean => {
      let background: Background | undefined;
      let moved = false;
      for (let frame = 0; frame < 40; frame++) {
        const edge = frame < 15 ? -20 : place(frame - 15);
        const pixels = Uint8Array.from({ length: width * height }, (_, at) => {
          const [x, y] = [at % width, Math.floor(at / width)];
          return x >= edge && x < edge + 8 && y >= 12 && y < 32 ? 30 : 120 + 20 * Math.sin(x / 3 + y / 5);
        });
        const atUs = 1_000_000 + frame * 100_000;
        background =
          background === undefined
            ? beginBackground({ width, height, pixels }, atUs)
            : observe(background, { width, height, pixels }, atUs, settings).background;
        moved ||= background.said.kind === 'moving';
      }
      return moved;
    };
    expect(movingAt((frame) => 2 + frame)).toBe(false);
    expect(movingAt((frame) => 44 + frame)).toBe(true);
  });
});
