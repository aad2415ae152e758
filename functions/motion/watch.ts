import type { MotionHeader } from '@faascam/core/messages';
import { beginBackground, observe, type MotionOptions } from './background.ts';
import { lumaOf, type Luma } from './luma.ts';
import { decodeBackground, encodeBackground } from './state.ts';

/** What one frame showed, with the foreground mask at the model's grid: 0 and 1, row by row. */
export interface Seen {
  said: MotionHeader;
  mask: Uint8Array;
  width: number;
  height: number;
}

/**
 * The motion function without its servers: takes one camera's frames in order and answers what it would say of each.
 * The state goes through its bytes after each frame, so that it is as precise as the function's own. Throws
 * `MalformedInputError` for a picture that cannot be decoded.
 */
export function watchMotion(settings: MotionOptions): (jpeg: Buffer, capturedAtUs: number) => Promise<Seen> {
  const watch = watchLuma(settings);
  return async (jpeg, capturedAtUs) => watch(await lumaOf(jpeg), capturedAtUs);
}

/** The same for frames that are on the model's grid already. */
export function watchLuma(settings: MotionOptions): (luma: Luma, capturedAtUs: number) => Seen {
  let state: Buffer | undefined;
  return (luma, capturedAtUs) => {
    const before = state === undefined ? undefined : decodeBackground(state);
    const { background, mask } =
      before === undefined
        ? {
            background: beginBackground(luma, capturedAtUs),
            mask: new Uint8Array(luma.pixels.length),
          }
        : observe(before, luma, capturedAtUs, settings);
    state = encodeBackground(background);
    return { said: background.said, mask, width: luma.width, height: luma.height };
  };
}
