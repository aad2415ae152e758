import { createRandom, scramble } from './random.ts';

/** The noise of a camera's sensor: `sigma` grey levels of brightness and less of colour. */
export interface SensorNoise {
  seed: number;
  sigma: number;
}

const tablePixels = 1 << 18;
let unitNoise: Float32Array | undefined;

/** Noise for a picture of any place and time, three values a pixel; made once a scene. */
export function noiseTable(sigma: number): Int8Array {
  unitNoise ??= noiseOfSigmaOne();
  const table = new Int8Array(unitNoise.length);
  for (let i = 0; i < table.length; i += 1) {
    const value = (unitNoise[i] ?? 0) * sigma;
    table[i] = Math.max(-127, Math.min(127, Math.round(value)));
  }
  return table;
}

function noiseOfSigmaOne(): Float32Array {
  const random = createRandom(1);
  const table = new Float32Array(tablePixels * 3);
  for (let at = 0; at < table.length; at += 3) {
    const brightness = random.normal();
    table[at] = brightness + random.normal() * 0.4;
    table[at + 1] = brightness + random.normal() * 0.3;
    table[at + 2] = brightness + random.normal() * 0.5;
  }
  return table;
}

/** Adds noise to a picture (rgb24); each time takes it from another place of the table, wrapping at its end. */
export function addNoise(table: Int8Array, seed: number, timeMs: number, pixels: Uint8Array): void {
  let from = (scramble(seed, Math.round(timeMs)) % tablePixels) * 3;
  let at = 0;
  while (at < pixels.length) {
    const run = Math.min(pixels.length - at, table.length - from);
    for (let i = 0; i < run; i += 1) {
      const value = (pixels[at + i] ?? 0) + (table[from + i] ?? 0);
      pixels[at + i] = value < 0 ? 0 : value > 255 ? 255 : value;
    }
    at += run;
    from = 0;
  }
}
