import type { Readable } from 'node:stream';
import type { CameraSettings } from '@faascam/core/camera-settings';
import type { Analysis, Pace } from './source-args.ts';
import type { SourceError } from './source-error.ts';

/** What ffmpeg needs to play a source, and what runs beside it. */
export interface SourceInput {
  /** Up to and with `-i`. */
  args: string[];
  /** For the streams that are copied. */
  copy: string[];
  /** The video is a row of JPEG pictures, which can be passed on as they are. */
  jpeg: boolean;
  /**
   * What ffmpeg reads on its standard input, if it does: a stream of the camera as it is, pictures that were asked for
   * one by one, or what another ffmpeg made of uncompressed video. Its end is the end of the stream.
   */
  stdin?: Readable;
  /**
   * Why `stdin` ended, once it has, where what runs beside ffmpeg knows better than ffmpeg does. Undefined as long as
   * nothing failed there.
   */
  failure?(): SourceError | undefined;
  /** Ends what runs beside ffmpeg. Called once, after ffmpeg. */
  close(): Promise<void>;
}

export interface OpenOptions {
  pace: Pace;
  /** How long a stream is looked at first, where its description leaves something open. */
  analysis: Analysis;
  settings: Pick<CameraSettings, 'transport' | 'format' | 'pollMs'>;
  /** Whether `exec:` may run programs. */
  allowExec: boolean;
  signal: AbortSignal;
}

/** An input for which nothing runs beside ffmpeg. */
export function plainInput(args: string[], extra: { copy?: string[]; jpeg?: boolean } = {}): SourceInput {
  return { args, copy: extra.copy ?? [], jpeg: extra.jpeg ?? false, close: () => Promise.resolve() };
}
