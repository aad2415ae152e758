import { createRandom } from '@faascam/local/demo/random';

/** What makes cameras cry wolf, put over footage. Everything is repeatable: chance comes from the frame's number. */

export const caseWidth = 640;
export const caseHeight = 360;
export const caseFps = 10;

/** Brightness of a frame, 640x360, row by row. */
export type Frame = Uint8Array;

export interface HardCase {
  name: string;
  /** The frame `index` of `frames` as this trouble shows it. The frames given stay as they are. */
  frame?: (frames: readonly Frame[], index: number) => Frame;
  /** ffmpeg's arguments for a codec between: what a camera's own encoder does. */
  encode?: readonly string[];
  /** JPEG quality of what is looked at; 80 is about the agent's. */
  jpegQuality?: number;
  /** Visits are not looked for in it: the picture itself is replaced. */
  quietOnly?: boolean;
  /** Times of its disturbances that may be told of once each, in seconds. */
  disturbances?: number;
}

/** Uniform chance in 0..1, from a seed. */
const chance = (seed: number): (() => number) => {
  const random = createRandom(seed);
  return () => random.next();
};

const pixel = (frame: Frame, at: number): number => frame[at] ?? 0;
const secondsOf = (index: number): number => index / caseFps;

function current(frames: readonly Frame[], index: number): Frame {
  return frames[index] ?? new Uint8Array(caseWidth * caseHeight);
}

/** Each pixel anew, from its value and place. */
function each(frame: Frame, change: (value: number, x: number, y: number) => number): Frame {
  const changed = new Uint8ClampedArray(frame.length);
  for (let y = 0, at = 0; y < caseHeight; y++) {
    for (let x = 0; x < caseWidth; x++, at++) changed[at] = change(pixel(frame, at), x, y);
  }
  return new Uint8Array(changed.buffer);
}

/** Noise of about normal distribution. */
function noisy(frame: Frame, sigma: number, index: number): Frame {
  const random = chance(index + 1);
  return each(frame, (value) => value + sigma * 1.73 * (random() + random() + random() + random() - 2));
}

/** A round bright spot's share, 1 in its middle. */
function spot(x: number, y: number, left: number, top: number, radius: number): number {
  return Math.exp(-((x - left) ** 2 + (y - top) ** 2) / (2 * radius * radius));
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

/** Bright marks, as lines from a point downwards. */
function streaks(
  frame: Frame,
  marks: readonly { x: number; y: number; length: number; wide: number }[],
): Frame {
  const changed = Uint8Array.from(frame);
  for (const { x, y, length, wide } of marks) {
    for (let down = 0; down < length; down++) {
      for (let across = 0; across < wide; across++) {
        const column = Math.round(x + across - down * 0.15);
        const row = Math.round(y + down);
        if (column < 0 || column >= caseWidth || row < 0 || row >= caseHeight) continue;
        const at = row * caseWidth + column;
        changed[at] = Math.min(255, pixel(changed, at) + 45);
      }
    }
  }
  return changed;
}

function rain(frame: Frame, index: number): Frame {
  const random = chance(index * 7 + 3);
  const marks = Array.from({ length: 260 }, (_, mark) => ({
    x: random() * caseWidth,
    y: random() * caseHeight - 20,
    length: mark < 12 ? 50 + random() * 40 : 12 + random() * 14,
    wide: mark < 12 ? 3 : 1,
  }));
  return streaks(frame, marks);
}

function snow(frame: Frame, index: number): Frame {
  const changed = Uint8Array.from(frame);
  const random = chance(99);
  for (let flake = 0; flake < 170; flake++) {
    const radius = flake < 10 ? 6 + random() * 3 : 1 + random() * 2.5;
    const speed = radius * (30 + random() * 25);
    const drift = (random() - 0.5) * 40;
    const [startX, startY] = [random() * caseWidth, random() * (caseHeight + 40)];
    const timeS = secondsOf(index);
    const y = ((startY + speed * timeS) % (caseHeight + 40)) - 20;
    const x = (startX + drift * timeS + 6 * Math.sin(timeS * 2 + flake) + 100 * caseWidth) % caseWidth;
    for (let row = Math.ceil(y - radius); row <= y + radius; row++) {
      for (let column = Math.ceil(x - radius); column <= x + radius; column++) {
        if (row < 0 || row >= caseHeight || column < 0 || column >= caseWidth) continue;
        if ((row - y) ** 2 + (column - x) ** 2 > radius * radius) continue;
        const at = row * caseWidth + column;
        changed[at] = Math.min(250, pixel(changed, at) * 0.4 + 150);
      }
    }
  }
  return changed;
}

/** The picture moved by a part of pixels, its border repeated; `where` tells how far for a place. */
function moved(frame: Frame, where: (x: number, y: number) => readonly [number, number]): Frame {
  const at = (x: number, y: number): number =>
    pixel(
      frame,
      Math.max(0, Math.min(caseHeight - 1, y)) * caseWidth + Math.max(0, Math.min(caseWidth - 1, x)),
    );
  return each(frame, (value, x, y) => {
    const [across, down] = where(x, y);
    if (across === 0 && down === 0) return value;
    const [left, top] = [Math.floor(x + across), Math.floor(y + down)];
    const [partX, partY] = [x + across - left, y + down - top];
    const upper = at(left, top) * (1 - partX) + at(left + 1, top) * partX;
    const lower = at(left, top + 1) * (1 - partX) + at(left + 1, top + 1) * partX;
    return upper * (1 - partY) + lower * partY;
  });
}

const leaves = Uint8Array.from({ length: 256 * 256 }, () => 0);
{
  const random = chance(5);
  for (let leaf = 0; leaf < 2600; leaf++) {
    const [x, y, value] = [random() * 256, random() * 256, 35 + random() * 130];
    const [wide, high] = [2 + random() * 5, 2 + random() * 4];
    for (let row = -high; row < high; row++) {
      for (let column = -wide; column < wide; column++) {
        leaves[(Math.round(y + row) & 255) * 256 + (Math.round(x + column) & 255)] = value;
      }
    }
  }
}

function foliage(frame: Frame, index: number): Frame {
  const timeS = secondsOf(index);
  const gust = 1.2 + Math.max(0, Math.sin(timeS / 2.7)) * 4;
  return each(frame, (value, x, y) => {
    const reach = ((x - 520) / 120) ** 2 + ((y - 70) / 85) ** 2 + 0.12 * Math.sin(x / 9) * Math.cos(y / 7);
    if (reach > 1) return value;
    const sway = gust * Math.sin(timeS * 5.1 + x / 70 + y / 50) + 0.6 * gust * Math.sin(timeS * 8.3 + y / 17);
    const column = Math.round(x + sway) & 255;
    return pixel(leaves, ((Math.round(y + sway * 0.4) & 255) << 8) + column);
  });
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

function cloud(frame: Frame, index: number): Frame {
  const timeS = secondsOf(index);
  return each(frame, (value, x, y) => {
    const along = (x + 0.4 * y - 90 * timeS) / 420;
    const shade = Math.max(0, Math.sin(2 * Math.PI * along) + 0.3 * Math.sin(y / 60)) / 1.3;
    return value * (1 - 0.4 * Math.min(1, shade * 1.5));
  });
}

/** Lights go on or off every five seconds, in turns one lamp and the whole room. */
function light(frame: Frame, index: number): Frame {
  const turn = Math.floor(secondsOf(index) / 5);
  const [room, lamp] = [turn % 4 < 2, turn % 2 === 1];
  return each(
    frame,
    (value, x, y) => value * ((room ? 0.85 : 0.45) + (lamp ? 0.6 * spot(x, y, 430, 120, 110) : 0)),
  );
}

const shakeOf = (timeS: number): readonly [number, number] => {
  const strength = 1 + 1.5 * Math.max(0, Math.sin(timeS / 3));
  return [
    strength * (Math.sin(timeS * 17.3) + 0.6 * Math.sin(timeS * 29.1)),
    strength * 0.8 * (Math.sin(timeS * 13.7 + 1) + 0.5 * Math.sin(timeS * 31.9)),
  ];
};

export const hardCases: readonly HardCase[] = [
  { name: 'clean' },
  { name: 'light switched', frame: (frames, index) => light(current(frames, index), index), disturbances: 8 },
  {
    name: 'infrared switched',
    frame: (frames, index) => {
      const sinceS = secondsOf(index) - 15;
      return sinceS >= 0 && sinceS < 15
        ? infrared(current(frames, index), index, sinceS)
        : current(frames, index);
    },
    disturbances: 2,
  },
  {
    name: 'exposure pumping',
    frame: (frames, index) => {
      const gain = 1 + 0.25 * Math.sin((2 * Math.PI * secondsOf(index)) / 4);
      return each(current(frames, index), (value) => value * gain);
    },
  },
  {
    name: 'night noise',
    frame: (frames, index) =>
      noisy(
        each(current(frames, index), (value) => 12 + value * 0.3),
        11,
        index,
      ),
  },
  { name: 'rain', frame: (frames, index) => rain(current(frames, index), index) },
  { name: 'snow', frame: (frames, index) => snow(current(frames, index), index) },
  { name: 'foliage', frame: (frames, index) => foliage(current(frames, index), index) },
  {
    name: 'shake',
    frame: (frames, index) => {
      const by = shakeOf(secondsOf(index));
      return moved(current(frames, index), () => by);
    },
  },
  {
    name: 'keyframe pulsing',
    encode:
      '-c:v libx264 -preset veryfast -g 10 -keyint_min 10 -sc_threshold 0 -bf 0 -crf 30 -x264-params ipratio=0.35'.split(
        ' ',
      ),
  },
  {
    name: 'sunrise',
    frame: (frames, index) => {
      const gain = 0.35 + (0.65 * index) / frames.length;
      return each(current(frames, index), (value, x) => value * (gain + 0.1 * (x / caseWidth) * gain));
    },
  },
  { name: 'cloud shadows', frame: (frames, index) => cloud(current(frames, index), index) },
  {
    name: 'scene cut',
    frame: (frames, index) => {
      const frame = current(frames, index);
      if (secondsOf(index) < 20) return frame;
      return each(frame, (_value, x, y) =>
        pixel(frame, (caseHeight - 1 - y) * caseWidth + (caseWidth - 1 - x)),
      );
    },
    quietOnly: true,
    disturbances: 1,
  },
  {
    name: 'frozen picture',
    frame: (frames, index) => current(frames, index >= 100 && index < 250 ? 100 : index),
    quietOnly: true,
  },
  { name: 'ticking clock', frame: (frames, index) => clock(current(frames, index), index) },
  { name: 'JPEG blockiness', jpegQuality: 10 },
];
