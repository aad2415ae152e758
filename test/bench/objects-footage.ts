import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { demoScene, demoVisits } from '@faascam/local/demo/demo-scene';
import { renderFrame, type Scene } from '@faascam/local/demo/scene';
import { realVisitors, sharedFolder } from './hard-cases-footage.ts';
import { caseFps, caseHeight, caseWidth, type Frame } from './hard-cases-pixels.ts';
import type { HardCase } from './hard-cases.ts';

/** Of the frames that troubles are made for, every second one is looked at: five a second, as from the agent. */
export const lookEvery = 2;
const looksPerSecond = caseFps / lookEvery;
const JPEG_QUALITY = 80;
const PIXELS = caseWidth * caseHeight;

/** The colours of footage, each as the brightness of a footage of its own, so that troubles can be put over it. */
export interface ColourFootage {
  name: string;
  red: readonly Frame[];
  green: readonly Frame[];
  blue: readonly Frame[];
  luma: readonly Frame[];
  visits: readonly ObjectVisit[];
}

/** An object that a person would see from `from` to `to`, in seconds. */
export interface ObjectVisit {
  label: string;
  from: number;
  to: number;
}

/** A picture under a trouble: its brightness, and the whole as JPEG when it is asked for. */
export interface TroubledPicture {
  index: number;
  /** JPEG of the brightness alone. */
  grey: Buffer;
  colour: () => Promise<Buffer>;
}

/** The demo's yard by its own light, with nobody in it or with its visits. */
export function yard(isEmpty: boolean): ColourFootage {
  const scene: Scene = isEmpty ? { ...demoScene, actors: [] } : demoScene;
  const visits = demoVisits.flatMap(({ fromMs, toMs, labels }) =>
    labels.slice(0, 1).map((label) => ({ label, from: fromMs / 1000, to: toMs / 1000 })),
  );
  const rgb = new Uint8Array(PIXELS * 3);
  const pictures = Array.from({ length: (scene.durationMs / 1000) * looksPerSecond }, (_, look) => {
    renderFrame(scene, (look * 1000) / looksPerSecond, rgb);
    return planesOf(rgb);
  });
  return footageOf('yard', pictures, isEmpty ? [] : visits);
}

/** The beginning of the real footage, or so many seconds of its empty room; nothing where it lacks beside the checkout. */
export function room(isEmpty: boolean, seconds: number): ColourFootage | undefined {
  const path = join(sharedFolder, 'videos/one-by-one-person-detection.mp4');
  if (!existsSync(path)) return undefined;
  const visits = (realVisitors()?.visits ?? []).flatMap(([from, to]) =>
    to < seconds ? [{ label: 'person', from, to }] : [],
  );
  if (!isEmpty) return footageOf('room', decode(path, seconds), visits);
  const empty = decode(path, EMPTY_S).slice(1);
  // To and fro, so that the loop has no seam.
  const loop = [...empty, ...[...empty].reverse().slice(1, -1)];
  const long = Array.from({ length: seconds * looksPerSecond }, (_, look) => loop[look % loop.length]);
  return footageOf(
    'room',
    long.flatMap((picture) => (picture === undefined ? [] : [picture])),
    [],
  );
}

/** Where nobody is in the picture at the start of the real footage. */
const EMPTY_S = 5.4;

/** Red, green and blue. */
type Planes = readonly [Frame, Frame, Frame];

function planesOf(rgb: Uint8Array): Planes {
  const planes: Planes = [new Uint8Array(PIXELS), new Uint8Array(PIXELS), new Uint8Array(PIXELS)];
  for (const [colour, plane] of planes.entries()) {
    for (let at = 0; at < PIXELS; at++) plane[at] = rgb[3 * at + colour] ?? 0;
  }
  return planes;
}

/** Each picture stands for as many frames as there are from look to look. */
function footageOf(name: string, pictures: readonly Planes[], visits: readonly ObjectVisit[]): ColourFootage {
  const held = <T>(values: readonly T[]): T[] =>
    values.flatMap((value) => Array.from({ length: lookEvery }, () => value));
  return {
    ...{ name, visits },
    red: held(pictures.map(([red]) => red)),
    green: held(pictures.map(([, green]) => green)),
    blue: held(pictures.map(([, , blue]) => blue)),
    luma: held(pictures.map(brightness)),
  };
}

function brightness([red, green, blue]: Planes): Frame {
  const luma = new Uint8Array(PIXELS);
  for (let at = 0; at < PIXELS; at++) {
    luma[at] = Math.round(0.299 * (red[at] ?? 0) + 0.587 * (green[at] ?? 0) + 0.114 * (blue[at] ?? 0));
  }
  return luma;
}

function decode(path: string, seconds: number): Planes[] {
  const scale = `scale=${caseWidth}:${caseHeight},fps=${looksPerSecond},format=gbrp`;
  const args = ['-v', 'error', '-t', String(seconds), '-i', path, '-an', '-vf', scale, '-f', 'rawvideo', '-'];
  return cut(execFileSync('ffmpeg', args, { maxBuffer: 2 ** 30 }));
}

/** Pictures as ffmpeg writes them in the format gbrp. */
function cut(bytes: Buffer): Planes[] {
  return Array.from({ length: Math.floor(bytes.length / (3 * PIXELS)) }, (_, picture) => {
    const plane = (place: number): Frame => {
      const from = (3 * picture + place) * PIXELS;
      return bytes.subarray(from, from + PIXELS);
    };
    return [plane(2), plane(0), plane(1)] as const;
  });
}

/** The footage under a trouble, five pictures a second. */
export async function* troubledColour(
  footage: ColourFootage,
  trouble: HardCase,
  seed: number,
): AsyncGenerator<TroubledPicture> {
  const source = trouble.encode === undefined ? footage : coded(footage, trouble.encode);
  const quality = trouble.jpegQuality ?? JPEG_QUALITY;
  const under = (frames: readonly Frame[], index: number): Frame =>
    trouble.frame?.(frames, index, seed) ?? frames[index] ?? new Uint8Array(PIXELS);
  for (let index = 0; index < source.luma.length; index += lookEvery) {
    const luma = under(source.luma, index);
    const raw = { width: caseWidth, height: caseHeight };
    const grey = await sharp(luma, { raw: { ...raw, channels: 1 } })
      .jpeg({ quality })
      .toBuffer();
    const colour = async (): Promise<Buffer> => {
      if (LOSES_COLOUR.has(trouble.name) && luma !== source.luma[index]) return grey;
      const planes: Planes = [
        under(source.red, index),
        under(source.green, index),
        under(source.blue, index),
      ];
      return await sharp(interleaved(planes), { raw: { ...raw, channels: 3 } })
        .jpeg({ quality })
        .toBuffer();
    };
    yield { index, grey, colour };
  }
}

/** Troubles that leave no colour in the pictures that they change. */
const LOSES_COLOUR = new Set(['infrared switched']);

function interleaved([red, green, blue]: Planes): Uint8Array {
  const rgb = new Uint8Array(3 * PIXELS);
  for (let at = 0; at < PIXELS; at++) {
    rgb[3 * at] = red[at] ?? 0;
    rgb[3 * at + 1] = green[at] ?? 0;
    rgb[3 * at + 2] = blue[at] ?? 0;
  }
  return rgb;
}

/** The footage after a video encoder and decoder. */
function coded({ name, visits, red, green, blue }: ColourFootage, encode: readonly string[]): ColourFootage {
  const looks = Array.from({ length: Math.ceil(red.length / lookEvery) }, (_, look) => look * lookEvery);
  const input = Buffer.concat(
    looks.flatMap((index) => [green, blue, red].map((frames) => Buffer.from(frames[index] ?? []))),
  );
  const raw = ['-f', 'rawvideo', '-pix_fmt', 'gbrp', '-s', `${caseWidth}x${caseHeight}`];
  const options = { maxBuffer: 2 ** 30 };
  // The encoder gets as many frames a second as its arguments were made for.
  const pace = ['-vf', `fps=${caseFps},format=yuv420p`];
  const video = execFileSync(
    'ffmpeg',
    [
      '-v',
      'error',
      ...raw,
      '-r',
      String(looksPerSecond),
      '-i',
      '-',
      ...pace,
      ...encode,
      '-f',
      'matroska',
      '-',
    ],
    { ...options, input },
  );
  const filter = `select=not(mod(n\\,${lookEvery})),format=gbrp`;
  const back = ['-vf', filter, '-vsync', 'passthrough', '-f', 'rawvideo', '-'];
  const pictures = cut(
    execFileSync('ffmpeg', ['-v', 'error', '-i', '-', ...back], { ...options, input: video }),
  );
  return footageOf(name, pictures, visits);
}
