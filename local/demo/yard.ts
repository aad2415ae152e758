import { ellipseCorners, rectangleCorners, type Material, type Surface } from './backdrop.ts';
import type { Rgb } from './raster.ts';
import { scramble } from './random.ts';

/** Things that stand in a yard, each as its surfaces from the farthest to the nearest. */

export function building(
  at: { left: number; top: number; right: number; bottom: number },
  colour: Rgb,
  material: Material,
): Surface[] {
  const { left, top, right, bottom } = at;
  return [
    { corners: rectangleCorners(left, top, right, bottom), colour, material },
    // The plinth, and under the eaves the wall lies in shadow.
    {
      corners: rectangleCorners(left, bottom - 9, right, bottom),
      colour: tint(colour, 0.62),
      material: rough(0.1),
    },
    {
      corners: rectangleCorners(left - 6, top, right + 6, top + 7),
      colour: tint(colour, 0.42),
      material: rough(0.08),
    },
  ];
}

export function windowPane(
  x: number,
  y: number,
  width: number,
  height: number,
  frame: Rgb,
  glass: Rgb,
): Surface[] {
  const bar = Math.max(2, width * 0.05);
  const pane = (from: number, to: number): Surface => ({
    corners: rectangleCorners(x + width * from + bar, y + bar, x + width * to - bar / 2, y + height - bar),
    colour: glass,
    material: { kind: 'plain', rough: 0.14 },
  });
  return [
    { corners: rectangleCorners(x, y, x + width, y + height), colour: frame, material: rough(0.04) },
    pane(0, 0.5),
    pane(0.5, 1),
    {
      corners: rectangleCorners(x - 4, y + height, x + width + 4, y + height + 4),
      colour: tint(frame, 0.8),
      material: rough(0.05),
    },
  ];
}

export function door(x: number, bottom: number, width: number, height: number, colour: Rgb): Surface[] {
  const panel = (from: number, to: number): Surface => ({
    corners: rectangleCorners(x + width * 0.2, bottom - height * to, x + width * 0.8, bottom - height * from),
    colour: tint(colour, 0.84),
    material: rough(0.06),
  });
  return [
    {
      corners: rectangleCorners(x - 4, bottom - height - 4, x + width + 4, bottom),
      colour: tint(colour, 1.4),
      material: rough(0.05),
    },
    { corners: rectangleCorners(x, bottom - height, x + width, bottom), colour, material: rough(0.07) },
    panel(0.1, 0.45),
    panel(0.55, 0.9),
  ];
}

/** A band of ground across the whole picture. */
export function ground(top: number, bottom: number, colour: Rgb, material: Material, slope = 0): Surface {
  return {
    corners: [-10, top - slope, 650, top + slope, 650, bottom + slope, -10, bottom - slope],
    colour,
    material,
  };
}

export function tree(
  x: number,
  base: number,
  trunkWidth: number,
  crownY: number,
  crownRadius: number,
  leaf: Rgb,
  seed: number,
): Surface[] {
  const bark: Rgb = [84, 68, 54];
  const half = trunkWidth / 2;
  const blob = (index: number): Surface => {
    const angle = index * 2.4 + (scramble(seed, index) % 100) / 100;
    const out = index === 0 ? 0 : crownRadius * 0.5;
    return {
      corners: ellipseCorners(
        x + out * Math.cos(angle),
        crownY + out * 0.6 * Math.sin(angle),
        crownRadius * 0.75,
        crownRadius * 0.55,
        0.2,
        seed + index,
      ),
      colour: tint(leaf, 0.8 + 0.08 * (index % 4)),
      material: { kind: 'leaves', rough: 0.42 },
      base,
    };
  };
  return [
    {
      corners: [
        x - half * 1.5,
        base,
        x - half,
        base - 14,
        x - half * 0.8,
        crownY,
        x + half * 0.8,
        crownY,
        x + half,
        base - 14,
        x + half * 1.5,
        base,
      ],
      colour: bark,
      material: { kind: 'plain', rough: 0.4 },
      base,
    },
    ...Array.from({ length: 6 }, (_, index) => blob(index)),
  ];
}

export function bush(
  x: number,
  base: number,
  width: number,
  height: number,
  leaf: Rgb,
  seed: number,
): Surface[] {
  return [0, 1, 2].map((index) => ({
    corners: ellipseCorners(
      x + (index - 1) * width * 0.24,
      base - height * (index === 1 ? 0.52 : 0.4),
      width * 0.32,
      height * (index === 1 ? 0.5 : 0.4),
      0.18,
      seed + index,
    ),
    colour: tint(leaf, 0.85 + 0.1 * index),
    material: { kind: 'leaves', rough: 0.4 },
    base,
  }));
}

export function fence(
  left: number,
  right: number,
  top: number,
  bottom: number,
  colour: Rgb,
  pitchPx: number,
  gapPx: number,
): Surface[] {
  const rail = (y: number): Surface => ({
    corners: rectangleCorners(left, y, right, y + 5),
    colour: tint(colour, 0.8),
    material: rough(0.15),
  });
  return [
    rail(top + (bottom - top) * 0.2),
    rail(top + (bottom - top) * 0.7),
    {
      corners: rectangleCorners(left, top, right, bottom),
      colour,
      material: { kind: 'pickets', pitchPx, gapPx, rough: 0.22 },
    },
  ];
}

/** A box that stands on the ground: a bin, a crate, a post when it is narrow. */
export function box(x: number, base: number, width: number, height: number, colour: Rgb): Surface[] {
  const left = x - width / 2;
  return [
    {
      corners: rectangleCorners(left, base - height, left + width, base),
      colour,
      material: rough(0.12),
      base,
    },
    {
      corners: rectangleCorners(left, base - height, left + width, base - height * 0.86),
      colour: tint(colour, 1.25),
      material: rough(0.1),
      base,
    },
    {
      corners: rectangleCorners(left + width * 0.72, base - height * 0.86, left + width, base),
      colour: tint(colour, 0.72),
      material: rough(0.12),
      base,
    },
  ];
}

export function tint(colour: Rgb, factor: number): Rgb {
  return [colour[0] * factor, colour[1] * factor, colour[2] * factor];
}

function rough(amount: number): Material {
  return { kind: 'plain', rough: amount };
}
