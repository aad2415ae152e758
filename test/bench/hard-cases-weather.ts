import {
  caseHeight,
  caseWidth,
  chance,
  each,
  pixel,
  secondsOf,
  shifted,
  type Frame,
} from './hard-cases-pixels.ts';

/** What comes down, sways and shakes. `seed` 0 is one strength and way of it; others are others. */

/** A factor around 1 for a seed, from `low` to `high`; 1 for seed 0. */
function strength(seed: number, low: number, high: number, salt: number): number {
  return seed === 0 ? 1 : low + (high - low) * chance(seed * 31 + salt)();
}

/** Bright marks, as slanted lines from a point downwards. */
function streaks(
  frame: Frame,
  marks: readonly { x: number; y: number; length: number; wide: number }[],
  slant: number,
): Frame {
  const changed = Uint8Array.from(frame);
  for (const { x, y, length, wide } of marks) {
    for (let down = 0; down < length; down++) {
      for (let across = 0; across < wide; across++) {
        const column = Math.round(x + across - down * slant);
        const row = Math.round(y + down);
        if (column < 0 || column >= caseWidth || row < 0 || row >= caseHeight) continue;
        const at = row * caseWidth + column;
        changed[at] = Math.min(255, pixel(changed, at) + 45);
      }
    }
  }
  return changed;
}

export function rain(frame: Frame, index: number, seed: number): Frame {
  const random = chance(index * 7 + 3 + seed * 1000);
  const many = strength(seed, 0.4, 1.8, 1);
  const marks = Array.from({ length: Math.round(260 * many) }, (_, mark) => ({
    x: random() * caseWidth,
    y: random() * caseHeight - 20,
    length: mark < 12 * many ? 50 + random() * 40 : 12 + random() * 14,
    wide: mark < 12 * many ? 3 : 1,
  }));
  return streaks(frame, marks, 0.15 * strength(seed, -2, 2, 2));
}

export function snow(frame: Frame, index: number, seed: number): Frame {
  const changed = Uint8Array.from(frame);
  const random = chance(99 + seed);
  const [many, fast] = [strength(seed, 0.4, 1.6, 3), strength(seed, 0.6, 1.5, 4)];
  const timeS = secondsOf(index);
  for (let flake = 0; flake < 170 * many; flake++) {
    const radius = flake < 10 * many ? 6 + random() * 3 : 1 + random() * 2.5;
    const speed = fast * radius * (30 + random() * 25);
    const drift = (random() - 0.5) * 40;
    const [startX, startY] = [random() * caseWidth, random() * (caseHeight + 40)];
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

const SIDE = 256;
let leafPicture: Uint8Array | undefined;

/** Leaves that repeat every 256 pixels. */
function leaves(): Uint8Array {
  if (leafPicture !== undefined) return leafPicture;
  leafPicture = new Uint8Array(SIDE * SIDE);
  const random = chance(5);
  for (let leaf = 0; leaf < 2600; leaf++) {
    const [x, y, value] = [random() * SIDE, random() * SIDE, 35 + random() * 130];
    const [wide, high] = [2 + random() * 5, 2 + random() * 4];
    for (let row = -high; row < high; row++) {
      for (let column = -wide; column < wide; column++) {
        leafPicture[(Math.round(y + row) & 255) * SIDE + (Math.round(x + column) & 255)] = value;
      }
    }
  }
  return leafPicture;
}

export function foliage(frame: Frame, index: number, seed: number): Frame {
  const timeS = secondsOf(index);
  const picture = leaves();
  const gust = (1.2 + Math.max(0, Math.sin(timeS / 2.7)) * 4) * strength(seed, 0.5, 1.6, 5);
  const left = seed === 0 ? 520 : 60 + 520 * chance(seed)();
  const wide = 120 * strength(seed, 0.6, 1.6, 6);
  return each(frame, (value, x, y) => {
    const reach = ((x - left) / wide) ** 2 + ((y - 70) / 85) ** 2 + 0.12 * Math.sin(x / 9) * Math.cos(y / 7);
    if (reach > 1) return value;
    const sway = gust * Math.sin(timeS * 5.1 + x / 70 + y / 50) + 0.6 * gust * Math.sin(timeS * 8.3 + y / 17);
    const column = Math.round(x + sway) & 255;
    return pixel(picture, ((Math.round(y + sway * 0.4) & 255) << 8) + column);
  });
}

export function shake(frame: Frame, index: number, seed: number): Frame {
  const timeS = secondsOf(index);
  const strong = (1 + 1.5 * Math.max(0, Math.sin(timeS / 3))) * strength(seed, 0.5, 1.4, 7);
  const across = strong * (Math.sin(timeS * 17.3) + 0.6 * Math.sin(timeS * 29.1));
  const down = strong * 0.8 * (Math.sin(timeS * 13.7 + 1) + 0.5 * Math.sin(timeS * 31.9));
  return shifted(frame, across, down);
}

/** Threads of a web close before the lens, out of focus, bright, swaying in the wind with what hangs in it. */
export function web(frame: Frame, index: number, seed: number): Frame {
  const timeS = secondsOf(index);
  const random = chance(41 + seed);
  const changed = new Uint8ClampedArray(frame);
  const wind = (4 + 8 * Math.max(0, Math.sin(timeS / 2.3 + seed))) * strength(seed, 0.6, 1.5, 8);
  for (let thread = 0; thread < 6; thread++) {
    const [fromX, toX] = [random() * caseWidth, random() * caseWidth];
    const [wide, light, pace] = [3 + random() * 5, 25 + random() * 50, 2 + random() * 5];
    const phase = random() * 6;
    for (let y = 0; y < caseHeight; y++) {
      const part = y / caseHeight;
      // Held at both ends: it sways most in its middle.
      const sway = wind * Math.sin(Math.PI * part) * Math.sin(timeS * pace + phase);
      const middle = fromX + (toX - fromX) * part + sway;
      const glint = light * (0.6 + 0.4 * Math.sin(timeS * 3 + y / 40 + phase));
      for (let x = Math.ceil(middle - 3 * wide); x <= middle + 3 * wide; x++) {
        if (x < 0 || x >= caseWidth) continue;
        const at = y * caseWidth + x;
        changed[at] = (changed[at] ?? 0) + glint * Math.exp(-((x - middle) ** 2) / (2 * wide * wide));
      }
    }
  }
  return new Uint8Array(changed.buffer);
}
