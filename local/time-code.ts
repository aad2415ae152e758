import encodeQr from 'qr';
import decodeQr from 'qr/decode.js';

/** Modules of white around a code: half of what the standard asks for, which decoders of pictures bear. */
const BORDER = 2;
/** A code's modules with its border: version 1 of QR (ISO/IEC 18004), which holds 17 digits at the highest correction. */
const MODULES = 21 + 2 * BORDER;
/** A code takes a sixth of a picture's width: legible down to 320 pixels, and most of the picture stays free. */
const SHARE_OF_WIDTH = 1 / 6;
/** Neither black nor white of the video range: what an encoder overshoots stays apart. */
const DARK = 24;
const LIGHT = 228;
/** Retries of the decoder for one picture. */
const PATIENCE_MS = 50;

/** A plane of brightness, row by row, a byte a pixel; what follows behind it is left alone. */
export interface GreyPicture {
  data: Uint8Array;
  width: number;
  height: number;
}

/** The dark modules of a moment's code, row by row, border included. `us` is in microseconds, whole, since the Unix epoch. */
export function timeCodeModules(us: number): boolean[][] {
  return encodeQr(String(us), 'raw', { ecc: 'high', version: 1, encoding: 'numeric', border: BORDER });
}

/** Writes a moment's code into the upper left corner of a picture of at least 160x120. */
export function drawTimeCode({ data, width, height }: GreyPicture, us: number): void {
  const modules = timeCodeModules(us);
  const size = Math.max(3, Math.floor(Math.min(width * SHARE_OF_WIDTH, height / 2) / MODULES));
  for (const [row, line] of modules.entries()) {
    for (const [column, dark] of line.entries()) {
      for (let y = row * size; y < (row + 1) * size; y++) {
        const from = y * width + column * size;
        data.fill(dark ? DARK : LIGHT, from, from + size);
      }
    }
  }
}

/**
 * The moment that a code in a picture tells, in microseconds, wherever in the picture it is, drawn or filmed; undefined
 * where none can be read. The code corrects and checks itself (Reed-Solomon), so a wrong moment is no case.
 */
export function readTimeCode({ data, width, height }: GreyPicture): number | undefined {
  // The decoder wants the planes of colour behind, and does not look at them.
  const planes = new Uint8Array(width * height + 2 * Math.ceil(width / 2) * Math.ceil(height / 2));
  planes.set(data.subarray(0, width * height));
  let text: string;
  try {
    text = decodeQr({ data: planes, width, height }, { format: 'I420', timeLimit: PATIENCE_MS });
  } catch {
    // The decoder says so of every picture without a code.
    return undefined;
  }
  return /^\d{15,16}$/.test(text) ? Number(text) : undefined;
}
