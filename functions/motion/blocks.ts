import type { Alignment } from './alignment.ts';
import type { Background } from './background.ts';

/** What each block of two by two cells has shown, row by row, in the background's own light. */
export interface Blocks {
  /** Brightness that it has kept since `ageMs`, 0..255. */
  shown: Uint8Array;
  /** For how long it has kept that brightness, ms. */
  ageMs: Uint16Array;
  /** Brightness of the background before something that stood still became part of it; 0 for none. */
  buried: Uint8Array;
}

const MOST_AGE_MS = 25_500;
/** A block keeps its brightness while it differs by less than this and a cell's deviation, in grey levels. */
const STEADY = 3;

export const blockColumns = (width: number): number => (width + 1) >> 1;

export function noBlocks(width: number, height: number): Blocks {
  const blocks = blockColumns(width) * blockColumns(height);
  return {
    shown: new Uint8Array(blocks),
    ageMs: new Uint16Array(blocks),
    buried: new Uint8Array(blocks),
  };
}

/**
 * The blocks after a frame: those that keep their brightness get older, the others begin anew. The light of the whole
 * picture is taken out, so that pumping exposure does not look like life.
 */
export function ageBlocks(
  { width, height, blocks, variance }: Background,
  pixels: Uint8Array,
  { gain, offset }: Alignment,
  elapsedMs: number,
): Blocks {
  const { shown, ageMs } = blocks;
  const [nextShown, nextAge] = [new Uint8Array(shown.length), new Uint16Array(shown.length)];
  const columns = blockColumns(width);
  for (let row = 0, block = 0; row < blockColumns(height); row++) {
    const down = 2 * row + 1 < height ? width : 0;
    for (let column = 0; column < columns; column++, block++) {
      const at = 2 * row * width + 2 * column;
      const across = 2 * column + 1 < width ? 1 : 0;
      const sum =
        (pixels[at] ?? 0) +
        (pixels[at + across] ?? 0) +
        (pixels[at + down] ?? 0) +
        (pixels[at + down + across] ?? 0);
      const brightness = Math.max(1, Math.min(255, (sum / 4 - offset) / gain + 0.5)) | 0;
      const spread = Math.max(variance[at] ?? 0, variance[at + down + across] ?? 0);
      const kept = Math.abs(brightness - (shown[block] ?? 0)) <= STEADY + Math.sqrt(spread);
      // Where the picture is cut off at white nothing can be told.
      const white = sum >= 4 * 250;
      nextShown[block] = kept || white ? (shown[block] ?? 0) || brightness : brightness;
      nextAge[block] = kept || white ? Math.min(MOST_AGE_MS, (ageMs[block] ?? 0) + elapsedMs) : 0;
    }
  }
  return { shown: nextShown, ageMs: nextAge, buried: blocks.buried };
}

/** The blocks in another light: what was known of them is carried over. */
export function relitBlocks({ shown, ageMs, buried }: Blocks, { gain, offset }: Alignment): Blocks {
  const lit = (brightness: number): number =>
    brightness === 0 ? 0 : Math.max(1, Math.min(255, brightness * gain + offset));
  return { shown: shown.map(lit), ageMs, buried: buried.map(lit) };
}
