import type { Random } from './random.ts';
import type { Rgb, Shape } from './raster.ts';

export interface CarLook {
  body: 'saloon' | 'hatchback' | 'estate' | 'van' | 'pickup';
  lengthM: number;
  heightM: number;
  paint: Rgb;
  /** Darkness of the windows. */
  glass: Rgb;
  rims: Rgb;
  lightsOn: boolean;
}

export interface CarPose {
  /** Middle of the car where it touches the ground, in pixels. */
  x: number;
  y: number;
  pixelsPerMetre: number;
  facing: 1 | -1;
}

/**
 * Outlines seen from the right side, from the tail (0) to the nose (1) and from the ground (0) to the roof (1):
 * the body with its bonnet and boot, and the glass above it.
 */
const outlines = {
  saloon: {
    body: [0.01, 0.24, 0, 0.5, 0.03, 0.66, 0.17, 0.69, 0.72, 0.66, 0.95, 0.55, 1, 0.4, 0.99, 0.2],
    cabin: [0.12, 0.67, 0.27, 0.97, 0.36, 1, 0.5, 1, 0.56, 0.97, 0.73, 0.65],
  },
  hatchback: {
    body: [0.01, 0.22, 0, 0.5, 0.02, 0.64, 0.7, 0.64, 0.95, 0.53, 1, 0.38, 0.99, 0.2],
    cabin: [0.02, 0.62, 0.1, 0.94, 0.18, 1, 0.47, 1, 0.55, 0.96, 0.73, 0.63],
  },
  estate: {
    body: [0.01, 0.22, 0, 0.5, 0.01, 0.66, 0.73, 0.65, 0.95, 0.54, 1, 0.4, 0.99, 0.2],
    cabin: [0.015, 0.64, 0.06, 0.96, 0.12, 1, 0.54, 1, 0.6, 0.97, 0.75, 0.64],
  },
  van: {
    body: [0.005, 0.18, 0, 0.92, 0.02, 1, 0.7, 1, 0.76, 0.97, 0.88, 0.58, 0.98, 0.5, 1, 0.36, 0.99, 0.16],
    cabin: [0.62, 0.58, 0.63, 0.88, 0.74, 0.88, 0.85, 0.58],
  },
  pickup: {
    body: [0.005, 0.24, 0, 0.6, 0.36, 0.6, 0.38, 0.62, 0.74, 0.62, 0.96, 0.56, 1, 0.4, 0.99, 0.22],
    cabin: [0.37, 0.6, 0.39, 0.97, 0.44, 1, 0.6, 1, 0.65, 0.97, 0.76, 0.6],
  },
} as const;

/** The car's shapes from the farthest to the nearest. */
export function carShapes(look: CarLook, pose: CarPose): Shape[] {
  const { pixelsPerMetre, facing } = pose;
  const length = look.lengthM * pixelsPerMetre;
  const height = look.heightM * pixelsPerMetre;
  const at = (along: number, up: number): [number, number] => [
    pose.x + facing * (along - 0.5) * length,
    pose.y - up * height,
  ];
  const panel = (points: readonly number[], colour: Rgb, fade: number): Shape => ({
    kind: 'panel',
    corners: pairs(points).flatMap(([along, up]) => at(along, up)),
    colour,
    fade,
  });
  const disc = (along: number, up: number, radius: number, colour: Rgb): Shape => {
    const [x, y] = at(along, up);
    return { kind: 'limb', ax: x, ay: y, ar: radius, bx: x, by: y, br: radius, colour };
  };
  const outline = outlines[look.body];
  const wheel = 0.33 * pixelsPerMetre;
  const axle = wheel / height;
  const cabin = pairs(outline.cabin);
  const middle = cabin.reduce((sum, [along]) => sum + along, 0) / cabin.length;
  const level = cabin.reduce((sum, [, up]) => sum + up, 0) / cabin.length;
  const glass = cabin.flatMap(([along, up]) => [
    middle + (along - middle) * 0.88,
    level + (up - level) * 0.78,
  ]);
  const dark: Rgb = [22, 22, 24];
  const trim: Rgb = [look.paint[0] * 0.55, look.paint[1] * 0.55, look.paint[2] * 0.55];
  const pillar = Math.max(0.008, 0.05 / look.lengthM);
  return [
    panel([0.04, 0.12, 0.04, 0.34, 0.96, 0.34, 0.96, 0.12], dark, 0),
    panel(outline.cabin, look.paint, 0.25),
    panel(glass, look.glass, 0.5),
    panel(
      [middle - pillar, 0.6, middle - pillar, 0.99, middle + pillar, 0.99, middle + pillar, 0.6],
      look.paint,
      0.1,
    ),
    panel(outline.body, look.paint, 0.45),
    // The sill, the line between the doors and the handle.
    panel([0.2, 0.2, 0.2, 0.26, 0.8, 0.26, 0.8, 0.2], trim, 0),
    panel([0.49, 0.26, 0.49, 0.62, 0.498, 0.62, 0.498, 0.26], trim, 0),
    panel([0.42, 0.54, 0.42, 0.565, 0.46, 0.565, 0.46, 0.54], trim, 0),
    panel(
      [0.93, 0.44, 0.94, 0.52, 0.985, 0.47, 0.99, 0.42],
      look.lightsOn ? [255, 250, 220] : [190, 190, 185],
      0,
    ),
    panel(
      [0.002, 0.48, 0.004, 0.58, 0.03, 0.58, 0.03, 0.48],
      look.lightsOn ? [255, 60, 40] : [140, 30, 28],
      0,
    ),
    ...[0.185, 0.8].flatMap((along) => [
      disc(along, axle * 1.06, wheel * 1.16, trim),
      disc(along, axle, wheel, dark),
      disc(along, axle, wheel * 0.58, look.rims),
      disc(along, axle, wheel * 0.16, dark),
    ]),
  ];
}

function pairs(points: readonly number[]): [number, number][] {
  return points.flatMap((value, index): [number, number][] =>
    index % 2 === 0 ? [[value, points[index + 1] ?? 0]] : [],
  );
}

export function randomCarLook(random: Random): CarLook {
  const body = random.pick(['saloon', 'hatchback', 'estate', 'van', 'pickup'] as const);
  const value = random.between(25, 245);
  const strength = random.chance(0.5) ? random.between(0, 0.12) : random.between(0.2, 0.9);
  const channel = (): number => value * (1 - strength * random.next());
  const pane = random.between(20, 95);
  const rim = random.between(60, 210);
  return {
    body,
    lengthM: body === 'hatchback' ? random.between(3.5, 4.2) : random.between(4.2, 5.2),
    heightM: body === 'van' ? random.between(1.8, 2.3) : random.between(1.38, 1.7),
    paint: [channel(), channel(), channel()],
    glass: [pane, pane * 1.05, pane * 1.12],
    rims: [rim, rim, rim],
    lightsOn: random.chance(0.3),
  };
}
