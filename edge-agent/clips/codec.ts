import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { ClipReady } from '@faascam/core/clip-messages';
import { messageOf } from '@faascam/core/errors';
import { z } from 'zod';

const run = promisify(execFile);

const probed = z.object({
  streams: z.array(z.object({ codec_type: z.string(), codec_name: z.string().optional() })),
});

/** The file is no video, or none any more. */
export class UnreadableSegmentError extends Error {
  override readonly name = 'UnreadableSegmentError';
}

/**
 * The codecs of a segment, by ffprobe's names. Throws `UnreadableSegmentError` when the file is at fault, and another
 * error when ffprobe could not be run.
 */
export async function codecOf(path: string): Promise<ClipReady['codec']> {
  const args = ['-v', 'error', '-show_entries', 'stream=codec_type,codec_name', '-of', 'json', path];
  const { streams } = probed.parse(JSON.parse(await outputOf(args)));
  const nameOf = (type: string) => streams.find((stream) => stream.codec_type === type)?.codec_name;
  const video = nameOf('video');
  const audio = nameOf('audio');
  if (video === undefined) throw new UnreadableSegmentError(`${path} has no video`);
  return { video, ...(audio === undefined ? {} : { audio }) };
}

async function outputOf(args: string[]): Promise<string> {
  try {
    return (await run('ffprobe', args, { timeout: 20_000 })).stdout;
  } catch (error) {
    // It ran to its end and did not like the file; missing, killed or without memory it says nothing of that.
    const judged = error instanceof Error && 'code' in error && typeof error.code === 'number';
    if (!judged) throw error;
    // After the command itself come its complaints, a line each.
    const [command, reason = command] = messageOf(error).split('\n');
    throw new UnreadableSegmentError(reason ?? 'ffprobe refused it', { cause: error });
  }
}
