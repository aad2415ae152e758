import type { Box } from '@faascam/core/box';
import { chanceOf, type WorldFrame } from './world.ts';

export interface RowOptions {
  seed: number;
  /** Chance of a frame that a car is missed, and error of each edge of its box as a share of its size. */
  missed: number;
  jitter: number;
}

const PLACES: readonly number[] = [0.02, 0.18, 0.34, 0.5, 0.66, 0.82];

/** The frames of a world with a row of parked cars in it, parts of which the people who walk before them hide. */
export function withParkedRow(frames: readonly WorldFrame[], options: RowOptions): WorldFrame[] {
  const chance = chanceOf(options.seed * 7 + 1);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - chance())) * Math.cos(2 * Math.PI * chance());
  const cars = PLACES.map((x): Box => [x, 0.55 + 0.1 * chance(), 0.15, 0.13]);
  return frames.map(({ message, truth }) => {
    const objects = [...message.objects];
    const low = [...(message.low ?? [])];
    for (const car of cars) {
      const seen = truth.reduce((left, { box }) => behind(left, box), car);
      if (seen[2] < 0.04 || chance() < options.missed) continue;
      const shaken = seen.map(
        (side, index) => side + options.jitter * normal() * (index % 2 === 0 ? seen[2] : seen[3]),
      );
      const [x = 0, y = 0, width = 0, height = 0] = shaken.map((side) => Math.min(1, Math.max(0.001, side)));
      const box: Box = [x, y, Math.min(width, 1 - x), Math.min(height, 1 - y)];
      const score = Math.min(0.95, Math.max(0.1, 0.7 + 0.15 * normal()));
      (score >= 0.4 ? objects : low).push({ label: chance() < 0.1 ? 'truck' : 'car', score, box });
    }
    return { truth, message: { ...message, objects, low } };
  });
}

/** The larger part of a car that someone who stands nearer leaves visible, to the left or to the right. */
function behind(car: Box, person: Box): Box {
  const [x, y, width, height] = car;
  const foot = person[1] + person[3];
  if (foot <= y + height || person[1] >= y + height) return car;
  const [from, to] = [Math.max(x, person[0]), Math.min(x + width, person[0] + person[2])];
  if (to <= from) return car;
  return from - x >= x + width - to ? [x, y, from - x, height] : [to, y, x + width - to, height];
}
