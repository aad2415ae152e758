import { startStream } from './child-stream.ts';
import type { Encoder } from './kinds.ts';
import type { SourceInput } from './source-input.ts';

/**
 * Opens a source of uncompressed pictures. The ring copies streams and would be filled by raw pictures within seconds,
 * so a first ffmpeg makes H.264 of them, with a keyframe a second; the recording ffmpeg reads that. NUT between the
 * two keeps each picture's time.
 */
export async function encoded(options: {
  /** ffmpeg's arguments up to and with `-i`. */
  input: readonly string[];
  rate: number;
  encoder: Encoder;
  signal: AbortSignal;
}): Promise<SourceInput> {
  const child = await startStream({
    program: 'ffmpeg',
    args: encodeArgs(options.input, options.rate, options.encoder),
    what: 'has pictures that have to be encoded, and the ffmpeg that does it',
    signal: options.signal,
  });
  return {
    args: [...['-protocol_whitelist', 'pipe', '-f', 'nut', '-fpsprobesize', '0'], ...['-i', 'pipe:0']],
    copy: [],
    jpeg: false,
    stdin: child.stdout,
    failure: child.failure,
    close: child.close,
  };
}

/** The arguments of the ffmpeg that encodes, as fast as it can and without holding a picture back. */
export function encodeArgs(input: readonly string[], rate: number, encoder: Encoder): string[] {
  const quality =
    encoder === 'libx264'
      ? ['-preset', 'ultrafast', '-tune', 'zerolatency', '-crf', '23']
      : // This encoder knows a bit rate alone; its own default is 200 kbit/s.
        ['-b:v', '4M'];
  return [
    ...['-hide_banner', '-nostats', '-nostdin', '-loglevel', 'error'],
    ...input,
    // H.264 in this pixel format, which every player knows, has even sizes.
    ...['-map', '0:v:0', '-an', '-vf', 'crop=trunc(iw/2)*2:trunc(ih/2)*2,format=yuv420p'],
    ...['-fps_mode', 'passthrough', '-c:v', encoder, ...quality, '-g', String(Math.max(1, Math.round(rate)))],
    ...['-flush_packets', '1', '-f', 'nut', 'pipe:1'],
  ];
}
