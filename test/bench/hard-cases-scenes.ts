import { demoScene } from '@faascam/local/demo/demo-scene';
import { randomPersonLook } from '@faascam/local/demo/person';
import { createRandom } from '@faascam/local/demo/random';
import { randomScene } from '@faascam/local/demo/random-scene';
import { objectsAt, renderFrame, type Scene } from '@faascam/local/demo/scene';
import type { Span } from './accuracy-events.ts';
import { caseFps, caseHeight, caseWidth, type Frame } from './hard-cases-pixels.ts';

/** Footage before any trouble is put over it, as brightness, 640x360 at 10 frames a second. */
export interface Footage {
  name: string;
  frames: readonly Frame[];
  /** When someone is in the picture; none in an empty stretch. */
  visits: readonly Span[];
}

type Actors = Scene['actors'];

/** Of someone who comes in, this much must be in the picture before anyone would say so. */
const VISIBLE = 0.3;
/** Who is behind a bush for less than this is still on the same visit; the next comes later. */
const HIDDEN_S = 3;

/** Yards by night and very noisy cameras are left out: those are troubles of their own. */
const LEAST_LIGHT = 0.6;
const MOST_NOISE = 4;

/** Another yard by day for each seed; the demo's for 0. */
function yardOf(seed: number): Scene {
  if (seed === 0) return demoScene;
  for (let next = seed; ; next += 1000) {
    const scene = randomScene(next);
    if (Math.min(...scene.ambient) >= LEAST_LIGHT && scene.noise.sigma <= MOST_NOISE) return scene;
  }
}

/** A yard with these actors, without lamp, clouds and wind. */
function sceneOf(seed: number, actors: Actors, seconds: number): Scene {
  const { backdrop, ambient, shadowDepth, noise } = yardOf(seed);
  return { backdrop, ambient, shadowDepth, noise, actors, clouds: [], durationMs: seconds * 1000 };
}

/** The stretches in which someone can be seen. */
function visitsIn(scene: Scene): Span[] {
  const found: [number, number][] = [];
  for (let atMs = 0; atMs < scene.durationMs; atMs += 1000 / caseFps) {
    if (!objectsAt(scene, atMs).some(({ visible }) => visible >= VISIBLE)) continue;
    const [from, to] = [atMs / 1000, atMs / 1000 + 1 / caseFps];
    const last = found.at(-1);
    if (last !== undefined && from - last[1] < HIDDEN_S) last[1] = to;
    else found.push([from, to]);
  }
  return found;
}

function render(scene: Scene): Frame[] {
  const seconds = scene.durationMs / 1000;
  const rgb = new Uint8Array(caseWidth * caseHeight * 3);
  return Array.from({ length: Math.round(seconds * caseFps) }, (_, index) => {
    renderFrame(scene, (index * 1000) / caseFps, rgb);
    const frame = new Uint8Array(caseWidth * caseHeight);
    for (let at = 0; at < frame.length; at++) {
      const [red, green, blue] = [rgb[at * 3] ?? 0, rgb[at * 3 + 1] ?? 0, rgb[at * 3 + 2] ?? 0];
      frame[at] = Math.round(0.299 * red + 0.587 * green + 0.114 * blue);
    }
    return frame;
  });
}

/** A yard with nobody in it. */
export function emptyYard(seed: number, seconds: number): Footage {
  return { name: `yard ${seed}`, frames: render(sceneOf(seed, [], seconds)), visits: [] };
}

export interface Walkers {
  count: number;
  gapS: number;
  /** How high they are, in pixels. */
  low: number;
  high: number;
  /** How long each stands in the middle of the way, without a move. */
  standS?: number;
}

/** Walkers who cross a yard one after the other. */
export function walkers(seed: number, { count, gapS, low, high, standS = 0 }: Walkers): Footage {
  const random = createRandom(17 + seed);
  const actors: Actors[number][] = [];
  let atS = 3;
  for (let visit = 0; visit < count; visit++) {
    const heightPx = random.between(low, high);
    const pixelsPerMetre = heightPx / 1.75;
    const y = random.between(250, 335);
    const [margin, speed] = [heightPx * 0.3, pixelsPerMetre * random.between(1.1, 1.7)];
    // Small people are far off and take long to cross: they come into sight within the picture's side.
    const wide = Math.min(caseWidth, speed * 5);
    const rightwards = random.chance(0.5);
    const [from, to] = rightwards ? [-margin, wide] : [caseWidth + margin, caseWidth - wide];
    const halfS = (wide + margin) / speed / 2;
    const at = (s: number, x: number): Actors[number]['path'][number] => ({
      atMs: s * 1000,
      x,
      y,
      pixelsPerMetre,
    });
    const middle = (from + to) / 2;
    const toS = atS + 2 * halfS + standS;
    const looks = demoScene.actors.flatMap((actor) => (actor.kind === 'person' ? [actor.look] : []));
    const look = seed === 0 ? looks[visit % looks.length] : randomPersonLook(random);
    if (look === undefined) continue;
    const stop = [at(atS + halfS, middle), at(atS + halfS + standS, middle)];
    actors.push({ kind: 'person', look, path: [at(atS, from), ...(standS > 0 ? stop : []), at(toS, to)] });
    atS = toS + gapS;
  }
  const scene = sceneOf(seed, actors, Math.ceil(atS));
  return { name: `yard ${seed}`, frames: render(scene), visits: visitsIn(scene) };
}

/**
 * Someone crosses the yard three times and leaves a case in the middle of the way the first time, and takes it along the
 * third time: neither it nor the place where it was moves.
 */
export function leftAndTaken(seed: number): Footage {
  const { frames, visits, name } = walkers(seed, { count: 3, gapS: 8, low: 70, high: 110 });
  const [first, , last] = visits;
  if (first === undefined || last === undefined) return { name, frames, visits };
  const [leftS, takenS] = [(first[0] + first[1]) / 2, (last[0] + last[1]) / 2];
  const changed = frames.map((frame, index) => {
    const s = index / caseFps;
    if (s < leftS || s > takenS) return frame;
    const with_ = Uint8Array.from(frame);
    for (let y = 300; y < 330; y++) with_.fill(y < 304 ? 190 : 45, y * caseWidth + 300, y * caseWidth + 340);
    return with_;
  });
  return { name, frames: changed, visits };
}
