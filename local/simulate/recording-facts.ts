import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';
import { UsageError } from '@faascam/core/errors';

const run = promisify(execFile);

/** What a recording holds, as far as it matters for showing it. */
export interface RecordingFacts {
  videoCodec: string;
  width: number;
  height: number;
  /** Undefined without sound. */
  audioCodec: string | undefined;
}

const probed = z.object({
  streams: z.array(
    z.object({
      codec_type: z.string().optional(),
      codec_name: z.string().optional(),
      width: z.number().optional(),
      height: z.number().optional(),
    }),
  ),
});

/** Looks into a file. Throws `UsageError` `no-recording` for one that ffprobe cannot read, or without a picture. */
export async function recordingFacts(path: string): Promise<RecordingFacts> {
  // A playlist must not make us fetch something from the network.
  const input = ['-protocol_whitelist', 'file', '-i', `file:${path}`];
  let text: string;
  try {
    text = (await run('ffprobe', ['-v', 'error', '-show_streams', '-of', 'json', ...input])).stdout;
  } catch (cause) {
    throw new UsageError('no-recording', `${path} is no recording that ffmpeg can read: name a video file.`, {
      cause,
    });
  }
  const { streams } = probed.parse(JSON.parse(text));
  const video = streams.find((stream) => stream.codec_type === 'video');
  const audio = streams.find((stream) => stream.codec_type === 'audio');
  if (video?.codec_name === undefined) {
    throw new UsageError('no-recording', `${path} holds no picture: name a video file.`);
  }
  const { width = 0, height = 0 } = video;
  return { videoCodec: video.codec_name, width, height, audioCodec: audio?.codec_name };
}
