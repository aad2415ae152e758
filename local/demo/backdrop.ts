import { eachRowOfPolygon, type Rgb, toByte } from './raster.ts';
import { grain, smoothNoise } from './texture.ts';

/** What a surface is made of. Sizes in pixels; `rough` is how much neighbouring pixels differ, as a fraction. */
export type Material =
  | { kind: 'plain'; rough: number }
  | { kind: 'brick'; rowPx: number; lengthPx: number; rough: number }
  | { kind: 'boards'; pitchPx: number; rough: number }
  | { kind: 'pickets'; pitchPx: number; gapPx: number; rough: number }
  | { kind: 'slabs'; pitchPx: number; horizonY: number; rough: number }
  | { kind: 'grass'; rough: number }
  | { kind: 'leaves'; rough: number };

/** A surface: a polygon of one material. With `base`, it stands there in front of what is farther away. */
export interface Surface {
  corners: readonly number[];
  colour: Rgb;
  material: Material;
  /** y of its foot in pixels: whoever's feet are higher up in the picture walks behind it. */
  base?: number;
}

/** All that stands still: surfaces painted in turn over `colour`. */
export interface BackdropPlan {
  seed: number;
  colour: Rgb;
  surfaces: readonly Surface[];
  /** How uneven the light is over the whole picture, as a fraction. */
  uneven: number;
}

export interface Backdrop {
  /** rgb24 under even white light. */
  pixels: Uint8Array;
  /** For each pixel the `base` of what stands there, 0 where nothing does. */
  nearness: Uint16Array;
}

interface Noises {
  width: number;
  fine: Float32Array;
  blades: Float32Array;
  medium: Float32Array;
  coarse: Float32Array;
}

export function paintBackdrop(plan: BackdropPlan, width: number, height: number): Backdrop {
  const noises: Noises = {
    width,
    fine: smoothNoise(width, height, 2.3, 2.3, plan.seed + 1),
    blades: smoothNoise(width, height, 1.6, 4.5, plan.seed + 2),
    medium: smoothNoise(width, height, 13, 9, plan.seed + 3),
    coarse: smoothNoise(width, height, 120, 80, plan.seed + 4),
  };
  const pixels = new Uint8Array(width * height * 3);
  const nearness = new Uint16Array(width * height);
  for (let i = 0; i < pixels.length; i += 1) pixels[i] = plan.colour[i % 3] ?? 0;
  for (const [number, surface] of plan.surfaces.entries()) {
    const seed = plan.seed + 100 + number;
    eachRowOfPolygon({ width, height }, surface.corners, (y, coverage) => {
      for (let x = 0; x < width; x += 1) {
        const covered = coverage[x] ?? 0;
        if (covered > 0) {
          blendSurface(surface, noises, seed, x, y, covered, pixels, nearness);
        }
      }
    });
  }
  for (let i = 0; i < nearness.length; i += 1) {
    const tone = 1 + plan.uneven * (noises.coarse[i] ?? 0);
    for (let c = i * 3; c < i * 3 + 3; c += 1) pixels[c] = toByte((pixels[c] ?? 0) * tone);
  }
  return { pixels, nearness };
}

function blendSurface(
  surface: Surface,
  noises: Noises,
  seed: number,
  x: number,
  y: number,
  covered: number,
  pixels: Uint8Array,
  nearness: Uint16Array,
): void {
  const index = y * noises.width + x;
  const { colour, material, base } = surface;
  let part = covered;
  if (material.kind === 'pickets' && modulo(x, material.pitchPx) < material.gapPx) return;
  if (material.kind === 'leaves') {
    // The rim is ragged and the crown has holes.
    const holes = (noises.fine[index] ?? 0) * 0.5 + (noises.medium[index] ?? 0) * 0.6;
    part = Math.min(1, Math.max(0, (covered - 0.5) * 2 + holes + 0.75));
  }
  const tone = toneOf(material, noises, index, seed, x, y);
  for (let c = 0; c < 3; c += 1) {
    const at = index * 3 + c;
    pixels[at] = toByte((pixels[at] ?? 0) * (1 - part) + (colour[c] ?? 0) * tone * part);
  }
  if (base !== undefined && part > 0.5) nearness[index] = Math.max(nearness[index] ?? 0, base);
}

/** How light a material is at a pixel, 1 being its own colour. */
function toneOf(
  material: Material,
  noises: Noises,
  index: number,
  seed: number,
  x: number,
  y: number,
): number {
  const fine = noises.fine[index] ?? 0;
  const medium = noises.medium[index] ?? 0;
  const { rough } = material;
  const even = 1 + rough * (0.5 * grain(x, y, seed) + 0.5 * fine + 0.5 * medium);
  switch (material.kind) {
    case 'plain':
      return even;
    case 'brick': {
      const row = Math.floor(y / material.rowPx);
      const along = x + (row % 2) * material.lengthPx * 0.5;
      const brick = Math.floor(along / material.lengthPx);
      const joint = modulo(y, material.rowPx) < 1.2 || modulo(along, material.lengthPx) < 1.2;
      return even * (joint ? 1.25 : 1 + 0.12 * grain(brick, row, seed));
    }
    case 'boards': {
      const board = Math.floor(y / material.pitchPx);
      return even * (modulo(y, material.pitchPx) < 1.5 ? 0.62 : 1 + 0.06 * grain(board, 7, seed));
    }
    case 'pickets': {
      const board = Math.floor(x / material.pitchPx);
      const across = modulo(x, material.pitchPx) / material.pitchPx;
      return even * (1.08 - 0.2 * across + 0.1 * grain(board, 3, seed));
    }
    case 'slabs': {
      const depth = Math.max(4, y - material.horizonY);
      const column = ((x - noises.width / 2) / depth) * (160 / material.pitchPx);
      const row = (6 * 160) / depth;
      const joint = modulo(column, 1) < 2.2 / depth + 0.02 || modulo(row, 1) < 0.06;
      return even * (joint ? 0.75 : 1 + 0.08 * grain(Math.floor(column), Math.floor(row), seed));
    }
    case 'grass':
      return 1 + rough * (0.9 * (noises.blades[index] ?? 0) + 0.35 * grain(x, y, seed) + 0.6 * medium);
    case 'leaves':
      return 1 + rough * (1.1 * medium + 0.8 * fine + 0.3 * grain(x, y, seed));
  }
}

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by;
}

/** Corners of an ellipse, with up to `ragged` of its radius of bumps. */
export function ellipseCorners(
  x: number,
  y: number,
  radiusX: number,
  radiusY: number,
  ragged = 0,
  seed = 0,
): number[] {
  return Array.from({ length: 28 }, (_, i) => {
    const angle = (2 * Math.PI * i) / 28;
    const radius = 1 + ragged * grain(i, 11, seed);
    return [x + radiusX * radius * Math.cos(angle), y + radiusY * radius * Math.sin(angle)];
  }).flat();
}

export function rectangleCorners(left: number, top: number, right: number, bottom: number): number[] {
  return [left, top, right, top, right, bottom, left, bottom];
}
