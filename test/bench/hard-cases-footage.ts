import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { demoScene } from '@faascam/local/demo/demo-scene';
import { objectsAt, renderFrame, type Scene } from '@faascam/local/demo/scene';
import { createRandom } from '@faascam/local/demo/random';
import { lumaOf, type Luma } from '@faascam/motion/luma';
import type { Span } from './accuracy-events.ts';
import { caseFps, caseHeight, caseWidth, type Frame, type HardCase } from './hard-cases.ts';

/** Footage before any trouble is put over it, as brightness, 640x360 at 10 frames a second. */
export interface Footage {
  name: string;
  frames: readonly Frame[];
  /** When someone is in the picture; none in an empty stretch. */
  visits: readonly Span[];
}

export const sharedFolder = new URL('../../../../shared/data/', import.meta.url).pathname;
const QUIET_S = 45;
/** Where nobody is in the picture at the start of the real footage. */
const REAL_EMPTY_S = 5.4;
/** Visits in the first 75 s of the real footage, as someone has written them down. */
const realVisits: readonly Span[] = [
  [6.1, 19.5],
  [22.8, 44.8],
  [50.3, 69.8],
];
const REAL_S = 72;

type Actors = Scene['actors'];

/** Of someone who comes in, this much must be in the picture before anyone would say so. */
const VISIBLE = 0.3;
/** Who is behind a bush for less than this is still on the same visit; the next comes later. */
const HIDDEN_S = 3;

/** The demo's yard with these actors, without its lamp, clouds and wind. */
function sceneOf(actors: Actors, seconds: number): Scene {
  const { backdrop, ambient, shadowDepth, noise } = demoScene;
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
  return Array.from({ length: seconds * caseFps }, (_, index) => {
    renderFrame(scene, (index * 1000) / caseFps, rgb);
    const frame = new Uint8Array(caseWidth * caseHeight);
    for (let at = 0; at < frame.length; at++) {
      const [red, green, blue] = [rgb[at * 3] ?? 0, rgb[at * 3 + 1] ?? 0, rgb[at * 3 + 2] ?? 0];
      frame[at] = Math.round(0.299 * red + 0.587 * green + 0.114 * blue);
    }
    return frame;
  });
}

/** Walkers who cross the yard one after the other, each so many pixels high. */
function walkers(count: number, gapS: number, low: number, high: number): Footage {
  const random = createRandom(17);
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
    const toS = atS + (wide + margin) / speed;
    const looks = demoScene.actors.flatMap((actor) => (actor.kind === 'person' ? [actor.look] : []));
    const look = looks[visit % looks.length];
    if (look === undefined) continue;
    actors.push({
      kind: 'person',
      look,
      path: [
        { atMs: atS * 1000, x: from, y, pixelsPerMetre },
        { atMs: toS * 1000, x: to, y, pixelsPerMetre },
      ],
    });
    atS = toS + gapS;
  }
  const scene = sceneOf(actors, Math.ceil(atS));
  return { name: '', frames: render(scene), visits: visitsIn(scene) };
}

function decode(path: string, seconds: number): Frame[] {
  const args = ['-v', 'error', '-i', path, '-t', String(seconds), '-an'];
  const scale = `scale=${caseWidth}:${caseHeight}:out_range=pc,fps=${caseFps},format=gray`;
  const bytes = execFileSync('ffmpeg', [...args, '-vf', scale, '-f', 'rawvideo', '-'], {
    maxBuffer: 2 ** 30,
  });
  return cut(bytes);
}

function cut(bytes: Buffer): Frame[] {
  const size = caseWidth * caseHeight;
  return Array.from({ length: Math.floor(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );
}

export interface Material {
  quiet: Footage[];
  visits: Footage[];
  small: Footage;
}

/** The demo's scene, and real footage where it lies beside the checkout. */
export function footage(): Material {
  const quiet: Footage[] = [{ name: 'demo', frames: render(sceneOf([], QUIET_S)), visits: [] }];
  const visits: Footage[] = [{ ...walkers(8, 3.2, 60, 130), name: 'demo' }];
  const path = join(sharedFolder, 'videos/one-by-one-person-detection.mp4');
  if (existsSync(path)) {
    const frames = decode(path, REAL_S);
    visits.push({ name: 'real', frames, visits: realVisits });
    const empty = frames.slice(1, Math.floor(REAL_EMPTY_S * caseFps));
    // To and fro, so that the loop has no seam.
    const loop = [...empty, ...[...empty].reverse().slice(1, -1)];
    const long = Array.from({ length: QUIET_S * caseFps }, (_, index) => loop[index % loop.length]);
    quiet.push({ name: 'real', frames: long.flatMap((frame) => frame ?? []), visits: [] });
  }
  return { quiet, visits, small: { ...walkers(20, 3.2, 24, 40), name: 'small people' } };
}

/** The footage under a trouble, frame by frame on the model's grid, through JPEG as from the agent. */
export async function* troubled(
  { frames }: Footage,
  { frame, encode, jpegQuality = 80 }: HardCase,
): AsyncGenerator<Luma> {
  const source = encode === undefined ? frames : coded(frames, encode);
  for (let index = 0; index < source.length; index++) {
    const picture = frame?.(source, index) ?? source[index];
    if (picture === undefined) return;
    const raw = { width: caseWidth, height: caseHeight, channels: 1 } as const;
    yield await lumaOf(await sharp(picture, { raw }).jpeg({ quality: jpegQuality }).toBuffer());
  }
}

/** The frames after a video encoder and decoder. */
function coded(frames: readonly Frame[], encode: readonly string[]): Frame[] {
  const raw = ['-f', 'rawvideo', '-pix_fmt', 'gray', '-s', `${caseWidth}x${caseHeight}`];
  const input = Buffer.concat(frames.map((frame) => Buffer.from(frame)));
  const options = { maxBuffer: 2 ** 30 };
  const video = execFileSync(
    'ffmpeg',
    ['-v', 'error', ...raw, '-r', String(caseFps), '-i', '-', ...encode, '-f', 'matroska', '-'],
    { ...options, input },
  );
  const gray = ['-vf', 'scale=out_range=pc,format=gray', '-f', 'rawvideo', '-'];
  return cut(execFileSync('ffmpeg', ['-v', 'error', '-i', '-', ...gray], { ...options, input: video }));
}
