import { fileArgs } from './files.ts';
import { rtspInput } from './rtsp.ts';
import type { Source } from './source.ts';

/** `live`: in real time, a file over and over. `replay`: a file once, as fast as its frames are taken. */
export type Pace = 'live' | 'replay';

/** `quick` is enough for most cameras; one whose picture cannot be told from that gets the longer one. */
export type Analysis = 'quick' | 'thorough';

/** What ffmpeg has to be told of a source. */
export interface SourceArgs {
  /** Up to and with `-i`. */
  input: string[];
  /** For the streams that are copied. */
  copy: string[];
}

/** ffmpeg's arguments for a video file or an RTSP stream over TCP, which need nothing else. For all: `openInput`. */
export function sourceArgs(source: Source, pace: Pace, analysis: Analysis = 'quick'): SourceArgs {
  switch (source.kind) {
    case 'file':
      return { input: fileArgs(source.path, pace), copy: [] };
    case 'rtsp': {
      const { args, copy } = rtspInput(source.url, 'tcp', analysis);
      return { input: args, copy };
    }
    default:
      throw new TypeError(`a source of kind ${source.kind} has to be opened first`);
  }
}
