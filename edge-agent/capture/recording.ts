import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { FaascamError, UsageError } from '@faascam/core/errors';
import { z } from 'zod';
import { causeOf, type Cause } from './cause.ts';

const run = promisify(execFile);

const probed = z.object({
  format: z.object({ duration: z.coerce.number().positive().optional() }).optional(),
  streams: z.array(z.object({ codec_type: z.string() })),
});

/**
 * The length of a recording in milliseconds; 0 if its file does not tell.
 * Throws `UsageError` when it is no video that can be read.
 */
export async function probeRecording(path: string, camera: string): Promise<{ durationMs: number }> {
  const args = ['-v', 'repeat+level+error', '-protocol_whitelist', 'file', '-select_streams', 'v'];
  const entries = ['-show_entries', 'format=duration:stream=codec_type', '-of', 'json', `file:${path}`];
  let stdout: string;
  try {
    ({ stdout } = await run('ffprobe', [...args, ...entries]));
  } catch (error) {
    const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr) : '';
    throw usageError(faultOf(path, camera, stderr.split('\n')), error);
  }
  const { format, streams } = probed.parse(JSON.parse(stdout));
  if (streams.length === 0) throw usageError(faultOf(path, camera, ['matches no streams']));
  return { durationMs: (format?.duration ?? 0) * 1000 };
}

/** The error for a recording that ffmpeg could not play. */
export function recordingError(cause: Cause): FaascamError {
  return new FaascamError(cause.code, cause.message);
}

function faultOf(path: string, camera: string, complaints: string[]): Cause {
  const seen = { camera, shown: path, sourceKind: 'file', streamed: false } as const;
  return causeOf({ ...seen, ending: 'ended', complaints, exit: 'an error' });
}

function usageError(fault: Cause, cause?: unknown): UsageError {
  return new UsageError(fault.code, fault.message, { cause });
}
