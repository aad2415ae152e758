import {
  caseHeight,
  caseWidth,
  chance,
  current,
  each,
  eachValue,
  noisy,
  secondsOf,
  spot,
  type Frame,
} from './hard-cases-pixels.ts';
import { foliage, rain, shake, snow, web } from './hard-cases-weather.ts';

/** What makes cameras cry wolf, put over footage. Everything is repeatable: chance comes from the frame's number. */
export interface HardCase {
  name: string;
  /**
   * The frame `index` of `frames` as this trouble shows it; another `seed` is another strength and way of it. The frames
   * given stay as they are.
   */
  frame?: (frames: readonly Frame[], index: number, seed: number) => Frame;
  /** ffmpeg's arguments for a codec between: what a camera's own encoder does. */
  encode?: readonly string[];
  /** JPEG quality of what is looked at; 80 is about the agent's. */
  jpegQuality?: number;
  /** Visits are not looked for in it: nobody could see them. */
  quietOnly?: boolean;
  /** Nothing of it may be told of. */
  never?: boolean;
  /** The most of the time that may move in it, in %. */
  mostMoving?: number;
  /** The most events there may be for each time that it strikes, which are so many in 30 s. */
  eventsFor?: { share: number; times: number };
}

function infrared(frame: Frame, index: number, sinceS: number): Frame {
  // Overexposed until the exposure has settled.
  const exposure = sinceS < 0.4 ? 1.8 : 1;
  const grey = each(
    frame,
    (value, x, y) => exposure * (30 + 170 * (value / 255) ** 0.55 * (0.35 + spot(x, y, 320, 190, 190))),
  );
  return noisy(grey, 6, index);
}

/** Seven strokes of a digit: top, upper left, upper right, middle, lower left, lower right, bottom. */
const strokes = [
  '1110111',
  '0010010',
  '1011101',
  '1011011',
  '0111010',
  '1101011',
  '1101111',
  '1010010',
  '1111111',
  '1111011',
];

function clock(frame: Frame, index: number): Frame {
  const changed = Uint8Array.from(frame);
  const time = 12 * 3600 + 34 * 60 + 50 + Math.floor(secondsOf(index));
  const two = (value: number): string => String(value % 60).padStart(2, '0');
  const digits = two(Math.floor(time / 3600)) + two(Math.floor(time / 60)) + two(time);
  const fill = (left: number, top: number, wide: number, high: number): void => {
    for (let y = top; y < top + high; y++)
      changed.fill(245, y * caseWidth + left, y * caseWidth + left + wide);
  };
  digits.split('').forEach((digit, place) => {
    const left = 16 + place * 18 + Math.floor(place / 2) * 8;
    const on = strokes[Number(digit)] ?? '';
    if (on[0] === '1') fill(left, 12, 12, 3);
    if (on[1] === '1') fill(left, 12, 3, 12);
    if (on[2] === '1') fill(left + 9, 12, 3, 12);
    if (on[3] === '1') fill(left, 22, 12, 3);
    if (on[4] === '1') fill(left, 22, 3, 12);
    if (on[5] === '1') fill(left + 9, 22, 3, 12);
    if (on[6] === '1') fill(left, 32, 12, 3);
  });
  return changed;
}

function cloud(frame: Frame, index: number, seed: number): Frame {
  const timeS = secondsOf(index);
  const random = chance(seed * 17 + 2);
  const [wide, fast] = seed === 0 ? [420, 90] : [250 + random() * 600, 40 + random() * 120];
  const [deep, hard] = seed === 0 ? [0.4, 1.5] : [0.2 + random() * 0.3, 1 + random() * 1.2];
  const sines = Float32Array.from({ length: caseHeight }, (_, y) => 0.3 * Math.sin(y / 60));
  return each(frame, (value, x, y) => {
    const along = (x + 0.4 * y - fast * timeS) / wide;
    const shade = Math.max(0, Math.sin(2 * Math.PI * along) + (sines[y] ?? 0)) / 1.3;
    return value * (1 - deep * Math.min(1, shade * hard));
  });
}

/** Lights go on or off every five seconds, in turns one lamp and the whole room. */
function light(frame: Frame, index: number, seed: number): Frame {
  const turn = Math.floor(secondsOf(index) / 5);
  const [room, lamp] = [turn % 4 < 2, turn % 2 === 1];
  const random = chance(seed * 13 + 1);
  const [left, top, radius] =
    seed === 0 ? [430, 120, 110] : [random() * caseWidth, random() * 200, 60 + random() * 160];
  return each(
    frame,
    (value, x, y) => value * ((room ? 0.85 : 0.45) + (lamp ? 0.6 * spot(x, y, left, top, radius) : 0)),
  );
}

/** The sun's mirror images in the lens: soft discs in a row, which drift and come and go as leaves pass the sun. */
function flare(frame: Frame, index: number, seed: number): Frame {
  const timeS = secondsOf(index);
  const random = chance(seed * 19 + 4);
  const [sunX, sunY] = [80 + 480 * random() + 1.5 * timeS, 20 + 60 * random()];
  const shine = 0.5 + 0.5 * Math.sin(timeS * 0.9 + seed) * Math.sin(timeS * 0.37);
  const discs = Array.from({ length: 5 }, (_, disc) => {
    const along = 0.5 + disc * 0.45;
    const x = sunX + (320 - sunX) * along;
    const y = sunY + (180 - sunY) * along;
    return { x, y, radius: 14 + 34 * random(), light: (15 + 45 * random()) * shine };
  });
  return each(frame, (value, x, y) => {
    let lit = value + 90 * shine * spot(x, y, sunX, sunY, 45);
    for (const disc of discs) {
      const away = (x - disc.x) ** 2 + (y - disc.y) ** 2;
      if (away > (1.15 * disc.radius) ** 2) continue;
      lit += disc.light * Math.min(1, (1.15 - Math.sqrt(away) / disc.radius) / 0.3);
    }
    return lit;
  });
}

export const hardCases: readonly HardCase[] = [
  { name: 'clean', never: true },
  {
    name: 'light switched',
    frame: (frames, index, seed) => light(current(frames, index), index, seed),
    eventsFor: { share: 0.1, times: 5 },
  },
  {
    name: 'infrared switched',
    frame: (frames, index) => {
      const sinceS = secondsOf(index) - 11;
      return sinceS >= 0 && sinceS < 15
        ? infrared(current(frames, index), index, sinceS)
        : current(frames, index);
    },
    eventsFor: { share: 1, times: 2 },
  },
  {
    name: 'exposure pumping',
    frame: (frames, index) => {
      const gain = 1 + 0.25 * Math.sin((2 * Math.PI * secondsOf(index)) / 4);
      return eachValue(current(frames, index), (value) => value * gain);
    },
    never: true,
  },
  {
    name: 'night noise',
    frame: (frames, index) =>
      noisy(
        eachValue(current(frames, index), (value) => 12 + value * 0.3),
        11,
        index,
      ),
    never: true,
  },
  { name: 'rain', frame: (frames, index, seed) => rain(current(frames, index), index, seed), mostMoving: 3 },
  { name: 'snow', frame: (frames, index, seed) => snow(current(frames, index), index, seed), mostMoving: 3 },
  {
    name: 'foliage',
    frame: (frames, index, seed) => foliage(current(frames, index), index, seed),
    mostMoving: 3,
  },
  {
    name: 'shake',
    frame: (frames, index, seed) => shake(current(frames, index), index, seed),
    mostMoving: 5,
  },
  {
    name: 'keyframe pulsing',
    encode:
      '-c:v libx264 -preset veryfast -g 10 -keyint_min 10 -sc_threshold 0 -bf 0 -crf 30 -x264-params ipratio=0.35'.split(
        ' ',
      ),
    never: true,
  },
  {
    name: 'sunrise',
    frame: (frames, index) => {
      const gain = 0.35 + (0.65 * index) / frames.length;
      return each(current(frames, index), (value, x) => value * (gain + 0.1 * (x / caseWidth) * gain));
    },
    never: true,
  },
  {
    name: 'cloud shadows',
    frame: (frames, index, seed) => cloud(current(frames, index), index, seed),
    never: true,
  },
  {
    name: 'scene cut',
    frame: (frames, index) => {
      const frame = current(frames, index);
      return secondsOf(index) < 12 ? frame : Uint8Array.from(frame).reverse();
    },
  },
  {
    name: 'frozen picture',
    frame: (frames, index) => current(frames, index >= 100 && index < 250 ? 100 : index),
    quietOnly: true,
    never: true,
  },
  { name: 'ticking clock', frame: (frames, index) => clock(current(frames, index), index), never: true },
  { name: 'JPEG blockiness', jpegQuality: 10 },
  { name: "spider's web", frame: (frames, index, seed) => web(current(frames, index), index, seed) },
  { name: 'lens flare', frame: (frames, index, seed) => flare(current(frames, index), index, seed) },
];
