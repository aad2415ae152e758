import { clampBox, type Box } from '@faascam/core/box';
import { viewOf, type Actor, type ActorView } from './actor.ts';
import { paintBackdrop, type Backdrop, type BackdropPlan } from './backdrop.ts';
import {
  castCloud,
  castContactShadow,
  castTreeShadow,
  isOn,
  reach,
  shadeMap,
  type Cloud,
  type Lamp,
  type TreeShadow,
} from './light.ts';
import { addNoise, noiseTable, type SensorNoise } from './noise.ts';
import { boundsOf, covers, draw, toByte, type Rgb } from './raster.ts';

/** All pictures of a scene are of this size in pixels. */
export const sceneWidth = 640;
export const sceneHeight = 360;

/** A scene before a camera that stands still. The same scene and time always give the same picture. */
export interface Scene {
  backdrop: BackdropPlan;
  /** What light there is without the lamp: 1 shows colours as they are. */
  ambient: Rgb;
  lamp?: Lamp;
  clouds: readonly Cloud[];
  treeShadow?: TreeShadow;
  /** How dark the shadow under someone is, 0..1. */
  shadowDepth: number;
  noise: SensorNoise;
  actors: readonly Actor[];
  durationMs: number;
}

/** What is in a picture, for training and for tests. */
export interface SceneObject {
  label: 'person' | 'car';
  /** Around what of it is within the picture. */
  box: Box;
  /** How much of it is in the picture and uncovered, 0..1. */
  visible: number;
}

interface Prepared {
  /** Pictures of the empty scene with the lamp off and on, rgb24. */
  dark: Uint8Array;
  lit: Uint8Array;
  shade?: Float32Array;
  noise: Int8Array;
}

const backdrops = new WeakMap<Scene, Backdrop>();
const prepared = new WeakMap<Scene, Prepared>();

/** Renders the scene at `timeMs` (0 up to its duration, which is the start again) into `target`, 640x360 rgb24. */
export function renderFrame(scene: Scene, timeMs: number, target: Uint8Array): void {
  const time = wrap(scene, timeMs);
  const ready = prepare(scene);
  const lamp = isOn(scene.lamp, time) ? scene.lamp : undefined;
  target.set(lamp ? ready.lit : ready.dark);
  if (scene.treeShadow && ready.shade) {
    castTreeShadow(scene.treeShadow, ready.shade, time, target, sceneWidth, sceneHeight);
  }
  const picture = { pixels: target, width: sceneWidth, height: sceneHeight };
  const { nearness } = backdropOf(scene);
  for (const { state, shapes, footprintPx } of viewsAt(scene, time)) {
    const cover = { nearness, at: Math.max(0, Math.round(state.y)) };
    const shadow = {
      x: state.x + footprintPx * 0.25,
      y: state.y,
      radiusX: footprintPx * 1.3,
      radiusY: footprintPx * 0.25 + 3,
      depth: scene.shadowDepth,
    };
    castContactShadow(shadow, cover, target, sceneWidth, sceneHeight);
    const light = lamp ? lightAt(scene, lamp, state.x, state.y - footprintPx) : scene.ambient;
    for (const shape of shapes) draw(picture, shape, light, cover);
  }
  for (const cloud of scene.clouds) castCloud(cloud, time, target, sceneWidth, sceneHeight);
  addNoise(ready.noise, scene.noise.seed, time, target);
}

/** The persons and cars of which anything is in the picture at `timeMs`, the farthest first. */
export function objectsAt(scene: Scene, timeMs: number): SceneObject[] {
  const views = viewsAt(scene, wrap(scene, timeMs));
  const { nearness } = backdropOf(scene);
  return views.flatMap((view, index): SceneObject[] => {
    const [left, top, right, bottom] = boundsOf(view.shapes);
    const x = left / sceneWidth;
    const y = top / sceneHeight;
    const box = clampBox([x, y, right / sceneWidth - x, bottom / sceneHeight - y]);
    if (box[2] <= 0 || box[3] <= 0) return [];
    return [{ label: view.kind, box, visible: visiblePart(view, views.slice(index + 1), nearness) }];
  });
}

/** The part of an actor's own points that lie in the picture, with nothing and nobody nearer in front of them. */
function visiblePart(view: ActorView, nearer: readonly ActorView[], nearness: Uint16Array): number {
  const [left, top, right, bottom] = boundsOf(view.shapes);
  const side = 24;
  let own = 0;
  let seen = 0;
  for (let i = 0; i < side * side; i += 1) {
    const x = left + ((right - left) * ((i % side) + 0.5)) / side;
    const y = top + ((bottom - top) * (Math.floor(i / side) + 0.5)) / side;
    if (!view.shapes.some((shape) => covers(shape, x, y))) continue;
    own += 1;
    if (x < 0 || y < 0 || x >= sceneWidth || y >= sceneHeight) continue;
    if ((nearness[Math.floor(y) * sceneWidth + Math.floor(x)] ?? 0) > view.state.y) continue;
    if (nearer.some(({ shapes }) => shapes.some((shape) => covers(shape, x, y)))) continue;
    seen += 1;
  }
  return own > 0 ? seen / own : 0;
}

function viewsAt(scene: Scene, timeMs: number): ActorView[] {
  return scene.actors.flatMap((actor) => viewOf(actor, timeMs) ?? []).sort((a, b) => a.state.y - b.state.y);
}

function wrap(scene: Scene, timeMs: number): number {
  return ((timeMs % scene.durationMs) + scene.durationMs) % scene.durationMs;
}

function lightAt(scene: Scene, lamp: Lamp, x: number, y: number): Rgb {
  const part = reach(lamp, x, y);
  const { ambient } = scene;
  return [
    ambient[0] + lamp.gain[0] * part,
    ambient[1] + lamp.gain[1] * part,
    ambient[2] + lamp.gain[2] * part,
  ];
}

/** What of a scene never changes, made at its first picture and kept as long as the scene is. */
function prepare(scene: Scene): Prepared {
  const known = prepared.get(scene);
  if (known !== undefined) return known;
  const backdrop = backdropOf(scene);
  const dark = lightUp(backdrop.pixels, () => scene.ambient);
  const { lamp } = scene;
  const made: Prepared = {
    dark,
    lit: lamp ? lightUp(backdrop.pixels, (x, y) => lightAt(scene, lamp, x, y)) : dark,
    noise: noiseTable(scene.noise.sigma),
    ...(scene.treeShadow ? { shade: shadeMap(scene.treeShadow) } : {}),
  };
  prepared.set(scene, made);
  return made;
}

function backdropOf(scene: Scene): Backdrop {
  const known = backdrops.get(scene);
  if (known !== undefined) return known;
  const made = paintBackdrop(scene.backdrop, sceneWidth, sceneHeight);
  backdrops.set(scene, made);
  return made;
}

function lightUp(pixels: Uint8Array, light: (x: number, y: number) => Rgb): Uint8Array {
  const lit = new Uint8Array(pixels.length);
  for (let y = 0; y < sceneHeight; y += 1) {
    for (let x = 0; x < sceneWidth; x += 1) {
      const [red, green, blue] = light(x, y);
      const at = (y * sceneWidth + x) * 3;
      lit[at] = toByte((pixels[at] ?? 0) * red);
      lit[at + 1] = toByte((pixels[at + 1] ?? 0) * green);
      lit[at + 2] = toByte((pixels[at + 2] ?? 0) * blue);
    }
  }
  return lit;
}
