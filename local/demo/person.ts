import type { Random } from './random.ts';
import type { Rgb, Shape } from './raster.ts';

/** What a person looks like. Lengths are fractions of the height. */
export interface PersonLook {
  heightM: number;
  /** 1 is average. */
  girth: number;
  skin: Rgb;
  hair: Rgb;
  top: Rgb;
  trousers: Rgb;
  shoes: Rgb;
  /** A coat or skirt down to the thighs. */
  coat: boolean;
  hat?: Rgb;
  backpack?: Rgb;
}

/** How a person stands in the picture at one instant. */
export interface PersonPose {
  /** Between the feet, in pixels. */
  x: number;
  y: number;
  pixelsPerMetre: number;
  /** 1 walks to the right, -1 to the left. */
  facing: 1 | -1;
  /** 0 is seen from the side, 1 from the front or the back. */
  turn: number;
  /** Where in a pair of steps, in radians. */
  phase: number;
  /** 0 stands, 1 walks. */
  stride: number;
}

/** Metres walked in one full cycle of both legs, for a height of 1 m. */
export const strideLength = 0.82;

/** The person's shapes from the farthest to the nearest. Proportions after Drillis and Contini (1966). */
export function personShapes(look: PersonLook, pose: PersonPose): Shape[] {
  const size = look.heightM * pose.pixelsPerMetre;
  const side = 1 - pose.turn;
  const near = legJoints(pose, 0);
  const far = legJoints(pose, Math.PI);
  // The lower of the two feet stands on the ground.
  const ground = Math.min(near.ankle[1], far.ankle[1]) - 0.035;
  const at = (forward: number, up: number): [number, number] => [
    pose.x + pose.facing * forward * size,
    pose.y - (up - ground) * size,
  ];
  const limb = (
    a: readonly [number, number],
    ar: number,
    b: readonly [number, number],
    br: number,
    colour: Rgb,
  ): Shape => {
    const [ax, ay] = at(...a);
    const [bx, by] = at(...b);
    return { kind: 'limb', ax, ay, ar: ar * size, bx, by, br: br * size, colour };
  };
  const leg = (joints: LegJoints, colour: Rgb): Shape[] => [
    limb(
      joints.ankle,
      0.026,
      [joints.ankle[0] + 0.02 + 0.055 * side, joints.ankle[1] - 0.014],
      0.02,
      look.shoes,
    ),
    limb(joints.knee, 0.036 * look.girth, joints.ankle, 0.026, colour),
    limb(joints.hip, 0.055 * look.girth, joints.knee, 0.038 * look.girth, colour),
  ];
  const arm = (phase: number, colour: Rgb): Shape[] => {
    const { shoulder, elbow, hand } = armJoints(pose, phase);
    return [
      limb(hand, 0.021, hand, 0.021, look.skin),
      limb(elbow, 0.026, hand, 0.021, colour),
      limb(shoulder, 0.034 * look.girth, elbow, 0.027, colour),
    ];
  };
  const half = (0.012 + 0.065 * pose.turn) * look.girth;
  const trunk = 0.068 * look.girth;
  const torso = [
    limb([-half, 0.77], trunk, [-half * 0.75, 0.54], trunk * 0.92, look.top),
    limb([half, 0.77], trunk, [half * 0.75, 0.54], trunk * 0.92, look.top),
    ...(look.coat ? [limb([0, 0.56], trunk + half * 0.7, [0, 0.36], trunk * 1.15 + half, look.top)] : []),
  ];
  const backpack = look.backpack
    ? [limb([-0.085 * side, 0.76], 0.055, [-0.09 * side, 0.62], 0.065, look.backpack)]
    : [];
  const head = [
    limb([0.01 * side, 0.83], 0.03, [0.015 * side, 0.88], 0.03, look.skin),
    limb([0.018 * side, 0.915], 0.052, [0.018 * side, 0.94], 0.054, look.skin),
    limb([-0.012 * side, 0.945], 0.05, [0.004, 0.955], 0.047, look.hair),
    ...(look.hat ? [limb([-0.03, 0.97], 0.028, [0.055 * side + 0.02, 0.965], 0.02, look.hat)] : []),
  ];
  return [
    ...arm(pose.phase, darker(look.top)),
    ...leg(far, darker(look.trousers)),
    ...leg(near, look.trousers),
    ...backpack,
    ...torso,
    ...head,
    ...arm(pose.phase + Math.PI, lighter(look.top)),
  ];
}

type Point = readonly [forward: number, up: number];

interface LegJoints {
  hip: Point;
  knee: Point;
  ankle: Point;
}

function legJoints({ turn, phase, stride }: PersonPose, offset: number): LegJoints {
  const swing = Math.sin(phase + offset);
  const thigh = 0.46 * stride * swing + 0.05;
  // The knee bends while the leg comes forward, so that the foot clears the ground.
  const bend = 0.08 + stride * (0.12 + 0.75 * Math.max(0, Math.cos(phase + offset)) ** 2);
  const side = 1 - turn;
  const apart = (offset === 0 ? 1 : -1) * (0.01 + 0.045 * turn);
  const hip: Point = [apart, 0.53];
  const knee: Point = [hip[0] + 0.245 * Math.sin(thigh) * side, hip[1] - 0.245 * Math.cos(thigh)];
  const shank = thigh - bend;
  const ankle: Point = [knee[0] + 0.245 * Math.sin(shank) * side, knee[1] - 0.245 * Math.cos(shank)];
  return { hip, knee, ankle };
}

function armJoints(
  { turn, phase, stride }: PersonPose,
  offset: number,
): Record<'shoulder' | 'elbow' | 'hand', Point> {
  const swing = 0.5 * stride * Math.sin(offset);
  const side = 1 - turn;
  const outward = (Math.cos(offset - phase) > 0 ? 1 : -1) * turn;
  const shoulder: Point = [outward * 0.125, 0.79];
  const elbow: Point = [
    shoulder[0] + 0.17 * Math.sin(swing - 0.05) * side + outward * 0.03,
    shoulder[1] - 0.17 * Math.cos(swing),
  ];
  const fore = swing + 0.3 * stride + 0.1;
  const hand: Point = [elbow[0] + 0.16 * Math.sin(fore) * side, elbow[1] - 0.16 * Math.cos(fore)];
  return { shoulder, elbow, hand };
}

function darker(colour: Rgb): Rgb {
  return [colour[0] * 0.78, colour[1] * 0.78, colour[2] * 0.78];
}

function lighter(colour: Rgb): Rgb {
  return [colour[0] * 1.08 + 4, colour[1] * 1.08 + 4, colour[2] * 1.08 + 4];
}

export function randomPersonLook(random: Random): PersonLook {
  const tone = random.between(0.25, 1);
  return {
    heightM: random.between(1.5, 1.95),
    girth: random.between(0.85, 1.3),
    skin: [232 * tone, 190 * tone, 160 * tone],
    hair: randomCloth(random, 0.6),
    top: randomCloth(random, 1),
    trousers: random.chance(0.5) ? randomCloth(random, 0.5) : randomCloth(random, 1),
    shoes: randomCloth(random, random.chance(0.3) ? 1 : 0.4),
    coat: random.chance(0.25),
    ...(random.chance(0.2) ? { hat: randomCloth(random, 1) } : {}),
    ...(random.chance(0.2) ? { backpack: randomCloth(random, 1) } : {}),
  };
}

/** A cloth's colour: any hue, more often dull than bright. */
function randomCloth(random: Random, brightest: number): Rgb {
  const value = random.between(18, 245 * brightest);
  const strength = random.next() ** 2 * 0.8;
  const channel = (): number => value * (1 - strength * random.next());
  return [channel(), channel(), channel()];
}
