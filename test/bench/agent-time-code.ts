import { spawn } from 'node:child_process';
import sharp from 'sharp';

/**
 * A number written into the top edge of a picture, as black and white squares: 32 bits of the number and 8 that check
 * them. It outlives any codec at a quality that people watch.
 */
const SQUARE = 16;
const SQUARES = 40;

/** Of all pictures with a code. */
export const codedWidth = SQUARE * SQUARES;
export const codedHeight = 360;

const BLACK = 24;
const WHITE = 232;

/** A yuv420p picture in which something moves, with the code `value` (whole, below 2^32). */
export function codedPicture(value: number): Buffer {
  const picture = Buffer.alloc((codedWidth * codedHeight * 3) / 2, 128);
  for (let y = 0; y < codedHeight; y++)
    picture.fill(64 + (y >> 2), y * codedWidth, y * codedWidth + codedWidth);
  // A square of a tenth of the width that goes to and fro once in some seconds.
  const way = codedWidth - 64;
  const left = Math.abs(way - (Math.floor(value / 8) % (2 * way)));
  for (let y = 160; y < 224; y++) picture.fill(220, y * codedWidth + left, y * codedWidth + left + 64);
  const bits = bitsOf(value);
  for (const [square, bit] of bits.entries()) {
    for (let y = 0; y < SQUARE; y++) {
      const from = y * codedWidth + square * SQUARE;
      picture.fill(bit === 1 ? WHITE : BLACK, from, from + SQUARE);
    }
  }
  return picture;
}

/** The code in a JPEG; undefined if there is none that can be trusted. */
export async function codeInJpeg(jpeg: Uint8Array): Promise<number | undefined> {
  const { data, info } = await sharp(jpeg)
    .extract({ left: 0, top: 0, width: codedWidth, height: SQUARE })
    .toColourspace('b-w')
    .raw()
    .toBuffer({ resolveWithObject: true });
  const middle = (SQUARE / 2) * codedWidth;
  const at = (square: number): number => data[(middle + square * SQUARE + SQUARE / 2) * info.channels] ?? 0;
  return codeOf(Array.from({ length: SQUARES }, (_, square) => at(square)));
}

/** The codes of all pictures of a recording, in order; pictures without a code that can be trusted are left out. */
export async function codesInVideo(path: string): Promise<number[]> {
  const edge = `crop=${codedWidth}:${SQUARE}:0:0,scale=${SQUARES}:1:flags=area,format=gray`;
  const args = ['-v', 'error', '-nostdin', '-i', path, '-an', '-vf', edge, '-fps_mode', 'passthrough'];
  const ffmpeg = spawn('ffmpeg', [...args, '-f', 'rawvideo', 'pipe:1'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const chunks: Buffer[] = [];
  for await (const chunk of ffmpeg.stdout) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  const pixels = Buffer.concat(chunks);
  const codes: number[] = [];
  for (let at = 0; at + SQUARES <= pixels.length; at += SQUARES) {
    const code = codeOf([...pixels.subarray(at, at + SQUARES)]);
    if (code !== undefined) codes.push(code);
  }
  return codes;
}

function bitsOf(value: number): number[] {
  const bits = Array.from({ length: 32 }, (_, bit) => Math.floor(value / 2 ** bit) % 2);
  return [...bits, ...Array.from({ length: 8 }, (_, bit) => (checkOf(value) >> bit) & 1)];
}

function checkOf(value: number): number {
  let check = 0x5a;
  for (let byte = 0; byte < 4; byte++) check = (check * 31 + (Math.floor(value / 256 ** byte) % 256)) % 256;
  return check;
}

/** The code whose squares have this brightness; undefined if it does not check. */
export function codeOf(brightness: readonly number[]): number | undefined {
  const bits = brightness.map((value): number => (value > 128 ? 1 : 0));
  const value = bits.slice(0, 32).reduce((sum, bit, index) => sum + bit * 2 ** index, 0);
  const check = bits.slice(32).reduce((sum, bit, index) => sum + bit * 2 ** index, 0);
  return check === checkOf(value) ? value : undefined;
}
