import type { Rgb } from './raster.ts';
import { ease, smoothNoise } from './texture.ts';

export type Interval = readonly [fromMs: number, toMs: number];

/** A lamp that adds `gain` to the light at its centre, less and less up to its radius. */
export interface Lamp {
  x: number;
  y: number;
  radiusPx: number;
  gain: Rgb;
  on: readonly Interval[];
}

/** A cloud's shadow that passes over the whole picture within its time, and is outside it at both ends. */
export interface Cloud {
  time: Interval;
  /** 0 takes no light, 1 all of it. */
  depth: number;
  widthPx: number;
  softPx: number;
  fromLeft: boolean;
}

/** The shadow of a tree's crown on the ground; it sways while a gust lasts and lies still otherwise. */
export interface TreeShadow {
  seed: number;
  left: number;
  top: number;
  width: number;
  height: number;
  depth: number;
  swayPx: number;
  gusts: readonly Interval[];
}

export function isOn(lamp: Lamp | undefined, timeMs: number): boolean {
  return lamp !== undefined && lamp.on.some(([from, to]) => timeMs >= from && timeMs < to);
}

/** How much of a lamp's gain arrives at a place, 0..1. The picture is flatter than wide: heights count more. */
export function reach(lamp: Lamp, x: number, y: number): number {
  return 1 - ease(Math.hypot(x - lamp.x, (y - lamp.y) * 1.3) / lamp.radiusPx);
}

/** Multiplies the picture (rgb24) by the light that a cloud lets through. Rows slant, as a cloud's edge does. */
export function castCloud(
  cloud: Cloud,
  timeMs: number,
  pixels: Uint8Array,
  width: number,
  height: number,
): void {
  const [fromMs, toMs] = cloud.time;
  if (timeMs < fromMs || timeMs >= toMs) return;
  const slant = 0.45;
  const travel = width + slant * height + cloud.widthPx;
  const front = travel * ((timeMs - fromMs) / (toMs - fromMs));
  const gains = new Uint16Array(width);
  for (let y = 0; y < height; y += 1) {
    let dark = false;
    for (let x = 0; x < width; x += 1) {
      const fromEdge = (cloud.fromLeft ? x : width - 1 - x) + slant * y;
      const inside = front - fromEdge;
      const band = ease(inside / cloud.softPx) * ease((cloud.widthPx - inside) / cloud.softPx);
      gains[x] = Math.round(256 * (1 - cloud.depth * band));
      dark ||= gains[x] !== 256;
    }
    if (!dark) continue;
    let at = y * width * 3;
    for (let x = 0; x < width; x += 1) {
      const gain = gains[x] ?? 256;
      pixels[at] = ((pixels[at] ?? 0) * gain) >> 8;
      pixels[at + 1] = ((pixels[at + 1] ?? 0) * gain) >> 8;
      pixels[at + 2] = ((pixels[at + 2] ?? 0) * gain) >> 8;
      at += 3;
    }
  }
}

/** How dark a tree's shadow is, 0..1, row by row over its rectangle; nothing at its rim, so that swaying shows no edge. */
export function shadeMap(shadow: TreeShadow): Float32Array {
  const { width, height } = shadow;
  const leaves = smoothNoise(width, height, 17, 9, shadow.seed);
  const twigs = smoothNoise(width, height, 6, 4, shadow.seed + 1);
  return leaves.map((value, i) => {
    const x = ((i % width) / width) * 2 - 1;
    const y = (Math.floor(i / width) / height) * 2 - 1;
    const crown = 1 - ease((Math.hypot(x, y) - 0.5) / 0.45);
    return crown * ease(0.75 + 0.9 * value + 0.4 * (twigs[i] ?? 0)) * shadow.depth;
  });
}

/** Darkens the picture by a tree's shadow. */
export function castTreeShadow(
  shadow: TreeShadow,
  map: Float32Array,
  timeMs: number,
  pixels: Uint8Array,
  width: number,
  height: number,
): void {
  const sway = swayAt(shadow, timeMs);
  const whole = Math.floor(sway);
  const part = sway - whole;
  for (let row = 0; row < shadow.height; row += 1) {
    const y = shadow.top + row;
    if (y < 0 || y >= height) continue;
    for (let column = 0; column <= shadow.width; column += 1) {
      const x = shadow.left + column + whole;
      if (x < 0 || x >= width) continue;
      const here = column < shadow.width ? (map[row * shadow.width + column] ?? 0) : 0;
      const before = column > 0 ? (map[row * shadow.width + column - 1] ?? 0) : 0;
      const gain = 1 - (here * (1 - part) + before * part);
      const at = (y * width + x) * 3;
      pixels[at] = (pixels[at] ?? 0) * gain + 0.5;
      pixels[at + 1] = (pixels[at + 1] ?? 0) * gain + 0.5;
      pixels[at + 2] = (pixels[at + 2] ?? 0) * gain + 0.5;
    }
  }
}

function swayAt(shadow: TreeShadow, timeMs: number): number {
  const gust = shadow.gusts.find(([from, to]) => timeMs >= from && timeMs < to);
  if (gust === undefined) return 0;
  const [from, to] = gust;
  const strength = Math.sin((Math.PI * (timeMs - from)) / (to - from)) ** 2;
  return shadow.swayPx * strength * Math.sin((2 * Math.PI * (timeMs - from)) / 1600);
}

/** A soft dark ellipse under whatever stands on the ground. */
export function castContactShadow(
  at: { x: number; y: number; radiusX: number; radiusY: number; depth: number },
  cover: { nearness: Uint16Array; at: number },
  pixels: Uint8Array,
  width: number,
  height: number,
): void {
  const { x: centreX, y: centreY, radiusX, radiusY, depth } = at;
  for (let y = Math.max(0, Math.floor(centreY - radiusY)); y < Math.min(height, centreY + radiusY); y += 1) {
    for (let x = Math.max(0, Math.floor(centreX - radiusX)); x < Math.min(width, centreX + radiusX); x += 1) {
      if ((cover.nearness[y * width + x] ?? 0) > cover.at) continue;
      const away = Math.hypot((x + 0.5 - centreX) / radiusX, (y + 0.5 - centreY) / radiusY);
      const gain = 1 - depth * (1 - ease(away * 1.25 - 0.25));
      if (gain === 1) continue;
      const index = (y * width + x) * 3;
      pixels[index] = (pixels[index] ?? 0) * gain + 0.5;
      pixels[index + 1] = (pixels[index + 1] ?? 0) * gain + 0.5;
      pixels[index + 2] = (pixels[index + 2] ?? 0) * gain + 0.5;
    }
  }
}
