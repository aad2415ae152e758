import sharp from 'sharp';
import type { MotionOptions } from './background.ts';
import { watchMotion } from './watch.ts';

const FRAMES = 25;
const [WIDTH, HEIGHT] = [640, 360];

/**
 * Runs the whole way of a frame a few times over a made-up picture in which something moves, so that the first frames of
 * a camera meet compiled code and a loaded decoder.
 */
export async function warmUp(settings: MotionOptions): Promise<void> {
  const watch = watchMotion(settings);
  const pixels = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, at) => 90 + ((at * 7919) % 61));
  for (let frame = 0; frame < FRAMES; frame++) {
    const picture = Uint8Array.from(pixels);
    const left = 20 * frame;
    for (let y = 100; y < 220; y++) picture.fill(20, y * WIDTH + left, y * WIDTH + left + 60);
    const raw = { width: WIDTH, height: HEIGHT, channels: 1 } as const;
    await watch(await sharp(picture, { raw }).jpeg().toBuffer(), 1_000_000 + frame * 200_000);
  }
}
