import { encoded } from './encoder.ts';
import type { ScreenSource } from './kinds.ts';
import type { OpenOptions, SourceInput } from './source-input.ts';

/** Opens an X display. Its password, if it has one, is in the file that XAUTHORITY names, as for every X program. */
export async function openScreen(source: ScreenSource, options: OpenOptions): Promise<SourceInput> {
  return await encoded({
    input: screenArgs(source),
    rate: source.rate,
    encoder: source.encoder,
    signal: options.signal,
  });
}

/** Exported for tests. */
export function screenArgs({ display, size, rate }: ScreenSource): string[] {
  return [
    ...['-f', 'x11grab', '-framerate', String(rate)],
    // Without a size it is the whole screen.
    ...(size === undefined ? [] : ['-video_size', `${size.width}x${size.height}`]),
    ...['-i', display],
  ];
}
