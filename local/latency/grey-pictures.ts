import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { systemClock } from '@faascam/core/clock';
import type { GreyPicture } from '../time-code.ts';

/** Codes are legible in smaller pictures than people want to see. */
const WIDEST = 960;
const LARGEST_HEAD = 64;

/** ffmpeg's arguments behind an input, for its pictures in shades of grey on standard output. */
const GREY = [
  ...['-map', '0:v:0', '-an', '-vf', `scale='min(${WIDEST},iw)':-2:flags=area,format=gray`],
  ...['-fps_mode', 'passthrough', '-c:v', 'pgm', '-flush_packets', '1', '-f', 'image2pipe', 'pipe:1'],
];

/**
 * Hands over an input's pictures, each with the moment at which it had come, until its end or the signal. Answers the last
 * line that ffmpeg complained with; empty if there is none.
 */
export async function greyPictures(
  input: { args: readonly string[]; stdin?: Readable | undefined },
  signal: AbortSignal,
  take: (picture: GreyPicture, seenUs: number) => void,
): Promise<string> {
  const child = spawn('ffmpeg', ['-hide_banner', '-loglevel', 'error', ...input.args, ...GREY], {
    stdio: [input.stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    signal,
    killSignal: 'SIGKILL',
  });
  if (input.stdin !== undefined && child.stdin !== null) {
    child.stdin.on('error', () => undefined);
    input.stdin.pipe(child.stdin);
  }
  let complaints = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-2000);
  });
  const splitter = new PgmSplitter();
  child.stdout?.on('data', (chunk: Buffer) => {
    const seenUs = systemClock.nowUs();
    for (const picture of splitter.push(chunk)) take(picture, seenUs);
  });
  await new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', () => resolve());
  });
  return complaints.trim().split('\n').at(-1) ?? '';
}

/** Cuts a stream of PGM pictures as ffmpeg writes them: `P5`, width and height, 255, the bytes. */
export class PgmSplitter {
  #rest: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): GreyPicture[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const pictures: GreyPicture[] = [];
    for (;;) {
      const head = /^P5\s(\d{1,5})\s(\d{1,5})\s255\s/.exec(this.#rest.toString('latin1', 0, LARGEST_HEAD));
      if (head === null) return pictures;
      const [width, height] = [Number(head[1]), Number(head[2])];
      const end = head[0].length + width * height;
      if (this.#rest.length < end) return pictures;
      pictures.push({ data: this.#rest.subarray(head[0].length, end), width, height });
      this.#rest = this.#rest.subarray(end);
    }
  }
}
