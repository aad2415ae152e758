import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';

const run = promisify(execFile);

const us = z.string().transform((value) => Math.round(Number(value) * 1_000_000));

const packet = z.object({
  stream_index: z.number(),
  pts_time: us.optional(),
  duration_time: us.optional(),
  flags: z.string(),
  data_hash: z.string(),
});
/** Times and durations in microseconds, of the file's own time line. */
export type ProbedPacket = z.infer<typeof packet>;

const probed = z.object({
  packets: z.array(packet),
  streams: z.array(z.object({ index: z.number(), codec_type: z.string(), codec_name: z.string() })),
});

/** Every packet of a file by kind, in order, as ffprobe sees them: not by what the function itself reads with. */
export async function packetsOf(path: string): Promise<{ video: ProbedPacket[]; audio: ProbedPacket[] }> {
  const show =
    'packet=stream_index,pts_time,duration_time,flags,data_hash:stream=index,codec_type,codec_name';
  const args = ['-v', 'error', '-show_data_hash', 'md5', '-show_entries', show, '-of', 'json', path];
  const { stdout } = await run('ffprobe', args, { maxBuffer: 256 * 1024 * 1024 });
  const { packets, streams } = probed.parse(JSON.parse(stdout));
  const of = (type: string): ProbedPacket[] => {
    const index = streams.find((stream) => stream.codec_type === type)?.index;
    return packets.filter((each) => each.stream_index === index);
  };
  return { video: of('video'), audio: of('audio') };
}
