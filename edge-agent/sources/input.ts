import type { Readable } from 'node:stream';
import { FaascamError } from '@faascam/core/errors';
import type { CameraSettings } from '@faascam/core/settings';
import { sourceArgs, type Analysis, type Pace } from './source-args.ts';
import type { Source } from './source.ts';

/** What ffmpeg needs to play a source, and what runs beside it. */
export interface SourceInput {
  /** Up to and with `-i`. */
  args: string[];
  /** For the streams that are copied. */
  copy: string[];
  /** The video is a row of JPEG pictures, which can be passed on as they are. */
  jpeg: boolean;
  /** What ffmpeg reads on its standard input, if it does. Its end is the end of the stream. */
  stdin?: Readable;
  /** Ends what runs beside ffmpeg. Called once, after ffmpeg. */
  close(): Promise<void>;
}

/** Why a source could not be opened, before any ffmpeg. `retry` as in `Cause`. */
export class SourceError extends FaascamError {
  override readonly name = 'SourceError';
  readonly retry: 'soon' | 'slow';

  constructor(code: string, message: string, retry: 'soon' | 'slow', options?: ErrorOptions) {
    super(code, message, options);
    this.retry = retry;
  }
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

/**
 * Makes a source ready for ffmpeg: asks cameras for their stream's address, looks at what an address serves, starts
 * programs. Rejects with `SourceError`, whose message follows the camera's name, and with the signal's reason.
 */
export async function openInput(source: Source, options: OpenOptions): Promise<SourceInput> {
  options.signal.throwIfAborted();
  const { input, copy } = sourceArgs(source, options.pace, options.analysis);
  return await Promise.resolve({ args: input, copy, jpeg: false, close: () => Promise.resolve() });
}
