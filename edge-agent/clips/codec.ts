import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { ClipReady } from '@faascam/core/clip-messages';
import { z } from 'zod';

const run = promisify(execFile);

const probed = z.object({
  streams: z.array(z.object({ codec_type: z.string(), codec_name: z.string().optional() })),
});

/** The codecs of a segment, by ffprobe's names. Rejects when it cannot be read. */
export async function codecOf(path: string): Promise<ClipReady['codec']> {
  const args = ['-v', 'error', '-show_entries', 'stream=codec_type,codec_name', '-of', 'json', path];
  const { stdout } = await run('ffprobe', args, { timeout: 20_000 });
  const { streams } = probed.parse(JSON.parse(stdout));
  const nameOf = (type: string) => streams.find((stream) => stream.codec_type === type)?.codec_name;
  const video = nameOf('video');
  const audio = nameOf('audio');
  if (video === undefined) throw new Error(`${path} has no video`);
  return { video, ...(audio === undefined ? {} : { audio }) };
}
