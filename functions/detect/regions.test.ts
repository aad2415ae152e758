import { describe, expect, it } from 'vitest';
import type { Box } from '@faascam/core/box';
import { planLook, tilesOver, type Scene } from './regions.ts';

const picture = { width: 1280, height: 720 };
const input = { width: 416, height: 416 };

/** A box of that size around that place, all in pixels of 1280x720. */
function at(x: number, y: number, width: number, height: number): Box {
  return [(x - width / 2) / 1280, (y - height / 2) / 720, width / 1280, height / 720];
}

function plan(more: Partial<Scene>, most = 2): ReturnType<typeof planLook> {
  return planLook({ picture, input, movers: [], known: [], wholeIsDue: false, turn: 0, ...more }, most);
}

describe('where to look', () => {
  it('is around what is small, as large as the model takes, at most three times enlarged', () => {
    expect(plan({ movers: [at(640, 360, 12, 24)] })).toEqual({
      whole: false,
      regions: [{ left: 571, top: 291, width: 139, height: 139 }],
    });
    expect(plan({ movers: [at(640, 360, 40, 90)] }).regions).toEqual([
      { left: 445, top: 165, width: 390, height: 390 },
    ]);
  });

  it('is never outside the picture', () => {
    const { regions } = plan({ movers: [at(5, 710, 10, 20)] });
    expect(regions).toEqual([{ left: 0, top: 581, width: 139, height: 139 }]);
    const flat = planLook(
      {
        ...{ picture: { width: 1280, height: 300 }, input, known: [], wholeIsDue: false, turn: 0 },
        movers: [[0.5, 0.5, 0.01, 0.3]],
      },
      2,
    );
    expect(flat.regions).toEqual([{ left: 451, top: 0, width: 390, height: 300 }]);
  });

  it('is one region for what lies close together, and two for what does not', () => {
    const near = [at(600, 300, 12, 24), at(640, 330, 12, 24)];
    expect(plan({ movers: near }).regions).toHaveLength(1);
    expect(plan({ movers: [...near, at(900, 300, 12, 24)] }).regions).toHaveLength(2);
  });

  it('shows more at once, and less enlarged, before there are too many', () => {
    const three = [at(600, 300, 12, 24), at(760, 330, 12, 24), at(1200, 300, 12, 24)];
    const { whole, regions } = plan({ movers: three });
    expect(whole).toBe(false);
    expect(regions.map(({ width }) => width)).toEqual([344, 139]);
  });

  it('is the whole as well when it is due, when something large moves, and when too much moves', () => {
    const small = at(640, 360, 12, 24);
    expect(plan({ movers: [small], wholeIsDue: true })).toMatchObject({ whole: true, regions: [{}] });
    expect(plan({ movers: [small, at(300, 360, 200, 400)] })).toMatchObject({ whole: true, regions: [{}] });
    const everywhere = [100, 500, 900, 1250].map((x) => at(x, 100, 12, 24));
    expect(plan({ movers: everywhere })).toMatchObject({ whole: true, regions: [{}, {}] });
  });

  it('comes to each in turn when there are too many', () => {
    const everywhere = [100, 550, 1000].map((x) => at(x, 100, 12, 24));
    const seen = [0, 1, 2].flatMap((turn) =>
      plan({ movers: everywhere, turn }, 1).regions.map(({ left }) => left),
    );
    expect(new Set(seen).size).toBe(3);
  });

  it('is the whole alone where nothing is known, where regions gain nothing, and where they are not wanted', () => {
    expect(plan({})).toEqual({ whole: true, regions: [] });
    expect(plan({ movers: [at(640, 360, 12, 24)] }, 0)).toEqual({ whole: true, regions: [] });
    const small = { width: 480, height: 270 };
    expect(
      planLook(
        { picture: small, input, movers: [[0.5, 0.5, 0.02, 0.05]], known: [], wholeIsDue: false, turn: 0 },
        2,
      ),
    ).toEqual({ whole: true, regions: [] });
  });

  it('is also where something stood a moment ago, once', () => {
    const stood = at(640, 360, 12, 24);
    expect(plan({ known: [stood] }).regions).toHaveLength(1);
    expect(plan({ known: [stood], movers: [at(650, 362, 10, 20)] }).regions).toHaveLength(1);
  });
});

describe('tiles', () => {
  it.each([
    [1280, 720],
    [3840, 2160],
    [640, 2000],
    [8000, 300],
  ])('cover all of %dx%d, overlap, and are at most 24', (width, height) => {
    const tiles = tilesOver({ width, height }, input);
    expect(tiles.length).toBeGreaterThan(1);
    expect(tiles.length).toBeLessThanOrEqual(24);
    for (const tile of tiles) {
      expect(tile.left).toBeGreaterThanOrEqual(0);
      expect(tile.left + tile.width).toBeLessThanOrEqual(width);
      expect(tile.top + tile.height).toBeLessThanOrEqual(height);
    }
    const covered = (x: number, y: number): boolean =>
      tiles.some(
        (tile) => x >= tile.left && x < tile.left + tile.width && y >= tile.top && y < tile.top + tile.height,
      );
    for (let x = 0; x < width; x += 13) for (let y = 0; y < height; y += 13) expect(covered(x, y)).toBe(true);
  });

  it('are none where the whole is seen as well', () => {
    expect(tilesOver({ width: 416, height: 300 }, input)).toEqual([]);
  });
});
