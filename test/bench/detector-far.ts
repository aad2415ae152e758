import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import type { Box } from '@faascam/core/box';
import type { Detector, Planner } from '@faascam/detect/detector';
import { planLook, wholeOnly } from '@faascam/detect/regions';
import { overlap, type PixelBox } from './detector-coco.ts';
import type { CocoImage, CocoSet } from './detector-material.ts';

const WIDTH = 1280;
const HEIGHT = 720;
/** Height in pixels of the persons in the frame. */
export const heights = [24, 32, 40, 48, 60] as const;
const PERSON = 0;

/** A person cut out of a real picture, with some of what is around them. */
interface Cutout {
  path: string;
  person: PixelBox;
}

export interface FarFrame {
  jpeg: Buffer;
  person: PixelBox;
  /** Where motion would see them: about there. */
  mover: Box;
}

/** Persons who stand whole and large enough in their picture to be made small. */
function cutouts({ images, truth }: CocoSet): Cutout[] {
  return truth.flatMap(({ image, category, box }) => {
    const at = images.find(({ id }) => id === image);
    const [x, y, width, height] = box;
    if (at === undefined || category !== PERSON || height < 150 || height < 1.6 * width) return [];
    const whole = x > 2 && y > 2 && x + width < at.width - 2 && y + height < at.height - 2;
    return whole ? [{ path: at.path, person: box }] : [];
  });
}

function backgrounds({ images, truth }: CocoSet): CocoImage[] {
  return images.filter(
    ({ id, width, height }) =>
      width > height && !truth.some(({ image, category }) => image === id && category === PERSON),
  );
}

/** Each person at that height in some place of some picture without persons; the same for the same set. */
export async function farFrames(set: CocoSet, height: number): Promise<FarFrame[]> {
  const places = backgrounds(set);
  const random = randomOf(height);
  const frames: FarFrame[] = [];
  for (const cutout of cutouts(set)) {
    const place = places[Math.floor(random() * places.length)];
    if (place !== undefined) frames.push(await farFrame(cutout, place, height, random));
  }
  return frames;
}

async function farFrame(
  { path, person }: Cutout,
  place: CocoImage,
  height: number,
  random: () => number,
): Promise<FarFrame> {
  const scale = height / person[3];
  const [x, y] = [Math.round(person[0]), Math.round(person[1])];
  const [w, h] = [Math.floor(person[2]), Math.floor(person[3])];
  const margin = Math.round(Math.min(0.08 * h, x, y));
  const source = await sharp(readFileSync(path)).metadata();
  const cut = {
    left: x - margin,
    top: y - margin,
    width: Math.min(w + 2 * margin, source.width - x + margin),
    height: Math.min(h + 2 * margin, source.height - y + margin),
  };
  const [across, down] = [
    Math.max(4, Math.round(cut.width * scale)),
    Math.max(4, Math.round(cut.height * scale)),
  ];
  const small = await sharp(readFileSync(path))
    .extract(cut)
    .resize(across, down, { fit: 'fill' })
    .png()
    .toBuffer();
  // The border fades into the picture behind.
  const fade = Math.max(1, margin * scale);
  const mask = Buffer.from(
    `<svg width="${across}" height="${down}"><defs><filter id="f"><feGaussianBlur stdDeviation="${fade / 2}"/></filter></defs>` +
      `<rect x="${fade / 2}" y="${fade / 2}" width="${across - fade}" height="${down - fade}" fill="#fff" filter="url(#f)"/></svg>`,
  );
  const faded = await sharp(small)
    .ensureAlpha()
    .composite([{ input: mask, blend: 'dest-in' }])
    .png()
    .toBuffer();
  const left = Math.floor(40 + random() * (WIDTH - across - 80));
  const top = Math.floor(HEIGHT * 0.3 + random() * (HEIGHT * 0.6 - down));
  const jpeg = await sharp(readFileSync(place.path))
    .resize(WIDTH, HEIGHT, { fit: 'cover' })
    .composite([{ input: faded, left, top }])
    .jpeg({ quality: 85 })
    .toBuffer();
  const where: PixelBox = [
    left + (person[0] - cut.left) * scale,
    top + (person[1] - cut.top) * scale,
    person[2] * scale,
    person[3] * scale,
  ];
  const shaken = (side: number): number => side * (0.3 * random() - 0.15);
  const mover: Box = [
    (where[0] + shaken(where[2])) / WIDTH,
    (where[1] + shaken(where[3])) / HEIGHT,
    (where[2] + shaken(where[2])) / WIDTH,
    (where[3] + shaken(where[3])) / HEIGHT,
  ];
  return { jpeg, person: where, mover };
}

/** Mulberry32: numbers in 0..1 that are the same for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface FarScore {
  frames: number;
  found: number;
  /** Persons seen elsewhere, where there are none. */
  falsePersons: number;
  cpuMs: number;
}

/** How many of the far persons are found: by looks at the whole, or as the detect function looks between two of these. */
export async function findFar(
  detector: Detector,
  frames: readonly FarFrame[],
  how: 'whole' | 'regions' | 'both',
): Promise<FarScore> {
  const begun = process.cpuUsage();
  const score: FarScore = { frames: frames.length, found: 0, falsePersons: 0, cpuMs: 0 };
  for (const { jpeg, person, mover } of frames) {
    const plan: Planner = (picture) =>
      how === 'whole'
        ? wholeOnly
        : planLook(
            {
              ...{ picture, input: detector.layout, movers: [mover], known: [], turn: 0 },
              wholeIsDue: how === 'both',
            },
            2,
          );
    const { objects, width, height } = await detector.look(jpeg, plan);
    const persons = objects
      .filter(({ label }) => label === 'person')
      .map(({ box: [x, y, w, h] }): PixelBox => [x * width, y * height, w * width, h * height]);
    const hits = persons.filter((box) => overlap(box, person) >= 0.5);
    if (hits.length > 0) score.found++;
    score.falsePersons += persons.length - Math.min(1, hits.length);
  }
  const { user, system } = process.cpuUsage(begun);
  return { ...score, cpuMs: (user + system) / 1000 };
}
