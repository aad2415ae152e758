import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import type { Box } from '@faascam/core/box';
import type { Detector, Planner } from '@faascam/detect/detector';
import { planLook, wholeOnly } from '@faascam/detect/regions';
import { overlap, type PixelBox } from './detector-coco.ts';

const WIDTH = 1280;
const HEIGHT = 720;
/** Height in pixels of the persons in the frame. */
export const heights = [24, 32, 40, 48, 60] as const;
/** Persons a height. */
const PERSONS = 24;
/** When nobody is in the room. */
const EMPTY_S = 2;

/** A moment of the footage with one whole person in it. */
interface Sight {
  timeS: number;
  person: PixelBox;
}

export interface FarFrame {
  jpeg: Buffer;
  person: PixelBox;
  /** Where motion would see them: about there. */
  mover: Box;
}

/** Footage of people in a room, and where a large detector saw them. */
export interface Room {
  video: string;
  sights: Sight[];
}

export function roomOf(shared: string): Room {
  const name = 'one-by-one-person-detection';
  const lines = readFileSync(join(shared, 'groundtruth', `${name}.ref_yolov8n.csv`), 'utf8').split('\n');
  const sights = lines.flatMap((line): Sight[] => {
    const found = /^\d+,([\d.]+),1,0:0\.[89]\d*:(-?\d+) (-?\d+) (\d+) (\d+)$/.exec(line.trim());
    const [timeS = 0, x = 0, y = 0, width = 0, height = 0] = (found ?? []).slice(1).map(Number);
    // The video is 768x432; whole persons stand clear of its borders.
    const whole = x > 4 && y > 4 && x + width < 764 && y + height < 428;
    return found !== null && whole && height > 150 ? [{ timeS, person: [x, y, width, height] }] : [];
  });
  const step = Math.max(1, Math.floor(sights.length / PERSONS));
  return {
    video: join(shared, 'videos', `${name}.mp4`),
    sights: sights.filter((_, index) => index % step === 0).slice(0, PERSONS),
  };
}

function pictureAt(video: string, timeS: number): Buffer {
  const options = [
    '-v',
    'error',
    '-ss',
    String(timeS),
    '-i',
    video,
    '-frames:v',
    '1',
    '-c:v',
    'png',
    '-f',
    'image2pipe',
    '-',
  ];
  return execFileSync('ffmpeg', options, { maxBuffer: 2 ** 26 });
}

/** Each person at that height, with some of the room around, somewhere in a large picture of the room; the same each time. */
export async function farFrames({ video, sights }: Room, height: number): Promise<FarFrame[]> {
  const room = await sharp(pictureAt(video, EMPTY_S)).resize(WIDTH, HEIGHT).png().toBuffer();
  const random = randomOf(height);
  const frames: FarFrame[] = [];
  for (const { timeS, person } of sights) {
    frames.push(await farFrame(pictureAt(video, timeS), person, room, height, random));
  }
  return frames;
}

async function farFrame(
  source: Buffer,
  person: PixelBox,
  room: Buffer,
  height: number,
  random: () => number,
): Promise<FarFrame> {
  const scale = height / person[3];
  const margin = Math.round(0.4 * person[3]);
  const [left, top] = [Math.max(0, person[0] - margin), Math.max(0, person[1] - margin)];
  const cut = {
    ...{ left, top },
    width: Math.min(768, person[0] + person[2] + margin) - left,
    height: Math.min(432, person[1] + person[3] + margin) - top,
  };
  const [across, down] = [Math.round(cut.width * scale), Math.round(cut.height * scale)];
  const small = await sharp(source).extract(cut).resize(across, down, { fit: 'fill' }).png().toBuffer();
  // The border fades into the room behind.
  const fade = Math.max(1, 0.2 * height);
  const mask = Buffer.from(
    `<svg width="${across}" height="${down}"><defs><filter id="f"><feGaussianBlur stdDeviation="${fade / 4}"/></filter></defs>` +
      `<rect x="${fade / 2}" y="${fade / 2}" width="${across - fade}" height="${down - fade}" fill="#fff" filter="url(#f)"/></svg>`,
  );
  const faded = await sharp(small)
    .ensureAlpha()
    .composite([{ input: mask, blend: 'dest-in' }])
    .png()
    .toBuffer();
  const x = Math.floor(40 + random() * (WIDTH - across - 80));
  const y = Math.floor(HEIGHT * 0.3 + random() * (HEIGHT * 0.6 - down));
  const jpeg = await sharp(room)
    .composite([{ input: faded, left: x, top: y }])
    .jpeg({ quality: 85 })
    .toBuffer();
  const where: PixelBox = [
    x + (person[0] - left) * scale,
    y + (person[1] - top) * scale,
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
