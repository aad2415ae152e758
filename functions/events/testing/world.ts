import { clampBox, intersection, type Box } from '@faascam/core/box';
import type { DetectedObject, DetectionsMessage } from '@faascam/core/messages';

/** An invented scene: people who walk, turn, stop and cross before a camera, and a detector that errs. */
export interface WorldOptions {
  seed: number;
  seconds: number;
  fps: number;
  people: number;
  /** Chances of a frame: that a clear object is missed, that one has a low score, and how many things are seen that are none. */
  missed: number;
  faint: number;
  invented: number;
  /** Error of each edge of a box, as a share of its size. */
  jitter: number;
}

export const ordinaryWorld: Omit<WorldOptions, 'seed'> = {
  seconds: 60,
  fps: 5,
  people: 5,
  missed: 0.1,
  faint: 0.1,
  invented: 0.1,
  jitter: 0.04,
};

export interface TrueObject {
  id: number;
  box: Box;
}

export interface WorldFrame {
  message: DetectionsMessage;
  truth: TrueObject[];
}

export const WORLD_START_US = 1_700_000_000_000_000;
/** An object of which someone nearer hides more than this is not seen. */
const HIDDEN_SHARE = 0.6;
const ASPECT = 16 / 9;

interface Walker {
  id: number;
  x: number;
  y: number;
  height: number;
  speed: number;
  heading: number;
  pauseS: number;
}

/** Uniform chance in 0..1 from a seed (mulberry32, public domain). */
export function chanceOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** The frames of such a scene, with what is truly there. The same seed gives the same frames. */
export function worldFrames(options: WorldOptions): WorldFrame[] {
  const chance = chanceOf(options.seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - chance())) * Math.cos(2 * Math.PI * chance());
  let nextId = 0;
  const enter = (): Walker => {
    const fromLeft = chance() < 0.5;
    const y = 0.45 + 0.45 * chance();
    return {
      id: nextId++,
      x: fromLeft ? -0.03 : 1.03,
      y,
      // Who is lower in the picture is nearer.
      height: 0.15 + 0.5 * (y - 0.4),
      speed: 0.4 + 0.5 * chance(),
      heading: (fromLeft ? 0 : Math.PI) + 0.5 * normal(),
      pauseS: 0,
    };
  };
  let walkers = Array.from({ length: options.people }, () => ({ ...enter(), x: chance() }));
  const frames: WorldFrame[] = [];
  for (let seq = 0; seq < options.seconds * options.fps; seq++) {
    const stepS = 1 / options.fps;
    walkers = walkers.map((walker) => moved(walker, stepS, chance, normal));
    walkers = walkers.map((walker) => (walker.x < -0.06 || walker.x > 1.06 ? enter() : walker));
    const shown = walkers
      .map((walker) => ({ walker, box: clampBox(boxOf(walker)) }))
      .filter(({ box }) => box[2] > 0.01 && box[3] > 0.02);
    const truth: TrueObject[] = [];
    const objects: DetectedObject[] = [];
    const low: DetectedObject[] = [];
    for (const { walker, box } of shown) {
      const hidden = shown.some(
        (other) => other.walker.y > walker.y && intersection(other.box, box) > HIDDEN_SHARE * box[2] * box[3],
      );
      if (hidden) continue;
      truth.push({ id: walker.id, box });
      if (chance() < options.missed) continue;
      const faint = chance() < options.faint;
      const score = faint ? 0.15 + 0.2 * chance() : Math.min(0.98, 0.75 + 0.1 * normal());
      const seen = { label: 'person', score: Math.max(0.1, score), box: shaken(box, options.jitter, normal) };
      (seen.score < 0.4 ? low : objects).push(seen);
    }
    if (chance() < options.invented) {
      const box: Box = [0.9 * chance(), 0.7 * chance(), 0.05, 0.2];
      objects.push({ label: 'person', score: 0.4 + 0.4 * chance(), box });
    }
    const moving = shown.filter(({ walker }) => walker.pauseS <= 0).map(({ box }) => box);
    frames.push({
      truth,
      message: {
        v: 1,
        camera: 'world',
        capturedAtUs: WORLD_START_US + Math.round((seq * 1_000_000) / options.fps),
        seq,
        motion: moving.length > 0 ? 'moving' : 'settling',
        motionBoxes: moving.slice(0, 64),
        inferred: true,
        objects,
        low,
        model: { name: 'world', sha256: '0'.repeat(64), demo: false },
      },
    });
  }
  return frames;
}

function moved(walker: Walker, stepS: number, chance: () => number, normal: () => number): Walker {
  if (walker.pauseS > 0) return { ...walker, pauseS: walker.pauseS - stepS };
  const pauseS = chance() < 0.03 * stepS * 5 ? 0.5 + 2 * chance() : 0;
  const turned = chance() < 0.02 ? walker.heading + Math.PI : walker.heading;
  const heading = turned + 0.3 * normal() * Math.sqrt(stepS);
  const way = walker.speed * walker.height * stepS;
  const y = Math.min(0.9, Math.max(0.45, walker.y + way * Math.sin(heading) * 0.3));
  return {
    ...walker,
    heading,
    pauseS,
    x: walker.x + (way * Math.cos(heading) * 2) / ASPECT,
    y,
    height: 0.15 + 0.5 * (y - 0.4),
  };
}

function boxOf({ x, y, height }: Walker): Box {
  const width = (0.4 * height) / ASPECT;
  return [x - width / 2, y - height, width, height];
}

function shaken([x, y, width, height]: Box, jitter: number, normal: () => number): Box {
  const left = x + jitter * width * normal();
  const top = y + jitter * height * normal();
  const right = x + width + jitter * width * normal();
  const bottom = y + height + jitter * height * normal();
  return clampBox([left, top, Math.max(0.004, right - left), Math.max(0.01, bottom - top)]);
}
