import { startStream } from './child-stream.ts';
import type { ExecSource } from './kinds.ts';
import type { Analysis } from './source-args.ts';
import { SourceError } from './source-error.ts';
import type { OpenOptions, SourceInput } from './source-input.ts';
import { analysisArgs, LASTING_PICTURES } from './stream-options.ts';

/** Formats that tell the times of their pictures. ffmpeg chooses among them, and among nothing that names files. */
const TIMED = 'mpegts,nut,matroska,flv,mov';

/** Opens the output of a program that the user wrote, if the agent's settings allow programs at all. */
export async function openExec(source: ExecSource, options: OpenOptions): Promise<SourceInput> {
  if (!options.allowExec) {
    throw new SourceError(
      'exec-not-allowed',
      'would run a command, which is not allowed here: set agent.allowExec to true in the configuration of this host',
      'slow',
    );
  }
  const child = await startStream({
    program: '/bin/sh',
    args: ['-c', source.command],
    what: 'has a command that',
    signal: options.signal,
  });
  const format = source.format ?? asFormat(options.settings.format);
  return {
    args: execArgs(format, options.analysis),
    copy: format === 'mjpeg' ? LASTING_PICTURES : [],
    jpeg: format === 'mjpeg',
    stdin: child.stdout,
    failure: child.failure,
    close: child.close,
  };
}

/** ffmpeg's arguments for a program's output. */
export function execArgs(format: ExecSource['format'], analysis: Analysis): string[] {
  const pipe = ['-protocol_whitelist', 'pipe'];
  switch (format) {
    case undefined:
      return [...pipe, '-format_whitelist', TIMED, ...analysisArgs(analysis), '-i', 'pipe:0'];
    case 'mjpeg':
    case 'h264':
    case 'hevc':
      // These have no times: the time of arrival it is.
      return [
        ...[...pipe, '-f', format, '-use_wallclock_as_timestamps', '1', '-fpsprobesize', '0'],
        ...['-i', 'pipe:0'],
      ];
    case 'mpegts':
    case 'nut':
    case 'matroska':
    case 'flv':
      return [...pipe, '-f', format, ...analysisArgs(analysis), '-i', 'pipe:0'];
  }
}

function asFormat(format: OpenOptions['settings']['format']): ExecSource['format'] {
  return format === 'mjpeg' || format === 'mpegts' || format === 'flv' ? format : undefined;
}
