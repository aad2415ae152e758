import type { Alignment } from './alignment.ts';
import type { Background } from './background.ts';
import { blockColumns, relitBlocks, type Blocks } from './blocks.ts';
import { START_VARIANCE } from './learning.ts';
import type { Luma } from './luma.ts';
import type { Track } from './tracks.ts';

/** A block that differs by more than this from the frame before is not steady, in grey levels; so many may not be. */
const UNSTEADY = 10;
const MOST_UNSTEADY = 0.15;
/** The ring around someone that tells of the light where he stands: this share of his size wide, and so many cells. */
const RING = 0.3;
const LEAST_RING = 5;
/** So many cells of it must tell. */
const LEAST_TOLD = 40;
/** What is brighter tells nothing of the scene. */
const WHITE = 250;
/** The scene looks as it is to be expected in the new light when it is off by at most this, in grey levels and as a share. */
const ALIKE = 8;
const ALIKE_SHARE = 0.08;

/** Whether the picture is nearly that of the frame before, whose blocks these are. */
export function isSteady({ shown }: Blocks, { width, height, pixels }: Luma): boolean {
  const columns = blockColumns(width);
  let unsteady = 0;
  for (let block = 0; block < shown.length; block++) {
    const row = Math.floor(block / columns);
    const at = 2 * row * width + 2 * (block - row * columns);
    const down = 2 * row + 1 < height ? width : 0;
    const across = 2 * (block - row * columns) + 1 < width ? 1 : 0;
    const sum =
      (pixels[at] ?? 0) +
      (pixels[at + across] ?? 0) +
      (pixels[at + down] ?? 0) +
      (pixels[at + down + across] ?? 0);
    if (Math.abs(sum / 4 - (shown[block] ?? 0)) > UNSTEADY) unsteady++;
  }
  return unsteady <= MOST_UNSTEADY * shown.length;
}

/**
 * The background in another light: as the picture shows it, but where someone was followed until now as it is to be
 * expected there, from how the light has changed around him. Who stands there is still there when the lamp goes on.
 */
export function relit(before: Background, { pixels }: Luma, alignment: Alignment): Background {
  const { width, height, tracks, blocks } = before;
  const mean = Float32Array.from(pixels);
  const lastSeenUs = Math.max(...tracks.map(({ seenUs }) => seenUs));
  const known = tracks.filter(({ gains, seenUs }) => gains > 0 && seenUs === lastSeenUs);
  for (const track of known) {
    const { gain, offset } = lightAround(track, known, before.mean, pixels, width, height) ?? alignment;
    for (let y = track.top; y <= track.bottom; y++) {
      for (let at = y * width + track.left; at <= y * width + track.right; at++) {
        const expected = Math.max(0, Math.min(255, gain * (before.mean[at] ?? 0) + offset));
        const off = Math.abs((pixels[at] ?? 0) - expected);
        if (off > ALIKE + ALIKE_SHARE * expected) mean[at] = expected;
      }
    }
  }
  const variance = before.variance.map((value) => Math.max(value, START_VARIANCE));
  return { ...before, mean, variance, blocks: relitBlocks(blocks, alignment) };
}

type Light = Pick<Alignment, 'gain' | 'offset'>;

/** How the light has changed around someone: by least squares over a ring around him, where nobody else is. */
function lightAround(
  track: Track,
  others: readonly Track[],
  mean: Float32Array,
  pixels: Uint8Array,
  width: number,
  height: number,
): Light | undefined {
  const across = Math.max(LEAST_RING, Math.round(RING * (track.right - track.left + 1)));
  const down = Math.max(LEAST_RING, Math.round(RING * (track.bottom - track.top + 1)));
  const cells: number[] = [];
  for (let y = Math.max(0, track.top - down); y <= Math.min(height - 1, track.bottom + down); y++) {
    for (let x = Math.max(0, track.left - across); x <= Math.min(width - 1, track.right + across); x++) {
      if (others.some(({ left, top, right, bottom }) => x >= left && x <= right && y >= top && y <= bottom))
        continue;
      const at = y * width + x;
      if ((pixels[at] ?? 0) < WHITE) cells.push(at);
    }
  }
  let light = fitted(cells, mean, pixels);
  // Once more without those that fit badly.
  if (light !== undefined) {
    const { gain, offset } = light;
    const off = (at: number): number => Math.abs((pixels[at] ?? 0) - gain * (mean[at] ?? 0) - offset);
    const worst = cells.map(off).sort((a, b) => a - b)[Math.floor(0.7 * cells.length)] ?? 0;
    light =
      fitted(
        cells.filter((at) => off(at) <= worst),
        mean,
        pixels,
      ) ?? light;
  }
  return light;
}

function fitted(cells: readonly number[], mean: Float32Array, pixels: Uint8Array): Light | undefined {
  if (cells.length < LEAST_TOLD) return undefined;
  let [sumX, sumY, sumXY, sumXX] = [0, 0, 0, 0];
  for (const at of cells) {
    const [x, y] = [mean[at] ?? 0, pixels[at] ?? 0];
    sumX += x;
    sumY += y;
    sumXY += x * y;
    sumXX += x * x;
  }
  const n = cells.length;
  const spread = sumXX - (sumX * sumX) / n;
  const gain = spread > n ? Math.max(0, (sumXY - (sumX * sumY) / n) / spread) : 1;
  return { gain, offset: (sumY - gain * sumX) / n };
}
