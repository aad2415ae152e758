import type { Box } from '@faascam/core/box';
import { z } from 'zod';

/** One coordinate: value, speed, and the covariances of the two: value-value, value-speed, speed-speed. */
const axis = z.tuple([z.number(), z.number(), z.number(), z.number(), z.number()]);
type Axis = z.infer<typeof axis>;

/**
 * What is known of where an object is and how it moves, as of its last sight. Lengths are in heights of the picture
 * on both axes, so that a direction is one; speeds are a second.
 */
export const kinematics = z.object({
  /** Of the box's centre. */
  x: axis,
  y: axis,
  /** Smoothed width and height. */
  size: z.tuple([z.number(), z.number()]),
});
export type Kinematics = z.infer<typeof kinematics>;

/** All below in units of the object's own size (the root of its area), as detectors err by shares of what they see. */
const MEASUREMENT_STD = 0.08;
/** Speed that something new may have: a car crosses its own length four times a second. */
const START_SPEED_STD = 3;
/** Square of the change of speed within a second: people turn and stop within one. */
const ACCELERATION_VARIANCE = 1.5;
const SIZE_BLEND = 0.4;

/** Heights of the picture. */
interface Measured {
  x: number;
  y: number;
  width: number;
  height: number;
  /** Root of the area. */
  scale: number;
}

/** A box in heights of the picture. `aspect` is the picture's width over its height. */
export function measured([left, top, width, height]: Box, aspect: number): Measured {
  const [across, down] = [Math.max(1e-4, width * aspect), Math.max(1e-4, height)];
  return {
    x: (left + width / 2) * aspect,
    y: top + height / 2,
    width: across,
    height: down,
    scale: Math.sqrt(across * down),
  };
}

export function beginKinematics(box: Box, aspect: number): Kinematics {
  const { x, y, width, height, scale } = measured(box, aspect);
  const noise = (MEASUREMENT_STD * scale) ** 2;
  const speed = (START_SPEED_STD * scale) ** 2;
  return { x: [x, 0, noise, 0, speed], y: [y, 0, noise, 0, speed], size: [width, height] };
}

/**
 * After a sight `seconds` after the last one: a Kalman filter with constant speed and white noise of acceleration on
 * each axis (Bar-Shalom, Li, Kirubarajan: Estimation with Applications to Tracking and Navigation, 2001, section 6.2).
 * Time steps may be uneven.
 */
export function updateKinematics(before: Kinematics, box: Box, seconds: number, aspect: number): Kinematics {
  const { x, y, width, height, scale } = measured(box, aspect);
  const noise = (MEASUREMENT_STD * scale) ** 2;
  const [wide, high] = before.size;
  return {
    x: corrected(predicted(before.x, seconds, scale), x, noise),
    y: corrected(predicted(before.y, seconds, scale), y, noise),
    size: [short(wide + SIZE_BLEND * (width - wide)), short(high + SIZE_BLEND * (height - high))],
  };
}

/** The same for something that does not move: its speed is none, and surely so. */
export function standingKinematics(before: Kinematics): Kinematics {
  return slowed(before, 0);
}

/** It was not looked at because nothing moved: its speed is none, but may be of its size a second when it moves again. */
export function restKinematics(before: Kinematics): Kinematics {
  return slowed(before, before.size[0] * before.size[1]);
}

function slowed(before: Kinematics, speedVariance: number): Kinematics {
  const slow = ([value, , variance]: Axis): Axis => [value, 0, variance, 0, short(speedVariance)];
  return { ...before, x: slow(before.x), y: slow(before.y) };
}

/** Where it should be `seconds` after its last sight. */
export function predictBox({ x, y, size }: Kinematics, seconds: number, aspect: number): Box {
  const [width, height] = size;
  const left = (x[0] + x[1] * seconds - width / 2) / aspect;
  return [left, y[0] + y[1] * seconds - height / 2, width / aspect, height];
}

/**
 * Twice the negative logarithm of the likelihood that the object is seen at `box` after `seconds`, lengths in units of
 * the object, without the constant: the squared Mahalanobis distance of the centre, the logarithm of the spread of
 * what was expected, and the change of size, whose share is bounded because half an object may be hidden.
 */
export function unlikeliness(of: Kinematics, box: Box, seconds: number, aspect: number): number {
  const { x, y, width, height, scale } = measured(box, aspect);
  const noise = (MEASUREMENT_STD * scale) ** 2;
  const away = (axisBefore: Axis, seen: number): number => {
    const [value, , variance] = predicted(axisBefore, seconds, scale);
    const spread = variance + noise;
    return (seen - value) ** 2 / spread + Math.log(spread / (scale * scale));
  };
  const resized = (before: number, now: number): number => Math.min(6, (Math.log(now / before) / 0.25) ** 2);
  return away(of.x, x) + away(of.y, y) + resized(of.size[0], width) + resized(of.size[1], height);
}

function predicted([value, speed, vv, vs, ss]: Axis, seconds: number, scale: number): Axis {
  const push = ACCELERATION_VARIANCE * scale * scale;
  return [
    value + speed * seconds,
    speed,
    vv + 2 * seconds * vs + seconds * seconds * ss + (push * seconds ** 3) / 3,
    vs + seconds * ss + (push * seconds ** 2) / 2,
    ss + push * seconds,
  ];
}

function corrected([value, speed, vv, vs, ss]: Axis, seen: number, noise: number): Axis {
  const spread = vv + noise;
  const [gain, speedGain] = [vv / spread, vs / spread];
  const off = seen - value;
  const after: Axis = [
    value + gain * off,
    speed + speedGain * off,
    (1 - gain) * vv,
    (1 - gain) * vs,
    ss - speedGain * vs,
  ];
  return [short(after[0]), short(after[1]), short(after[2]), short(after[3]), short(after[4])];
}

/** Further digits are noise, and the stored state would be half as large again. */
function short(value: number): number {
  return Number(value.toPrecision(7));
}
