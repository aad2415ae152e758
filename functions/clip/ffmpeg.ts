import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { ProgramError, systemCodeOf } from '@faascam/core/errors';
import ffmpeg from 'fluent-ffmpeg';
import { z } from 'zod';

/** The one module of this function that runs ffmpeg and ffprobe. All that it starts ends with its signal. */

export interface FfmpegJob {
  input: string;
  inputOptions?: string[];
  outputOptions: string[];
  output: string;
}

/**
 * Runs ffmpeg from one file to another, through fluent-ffmpeg with raw options: its named ones (`inputFormat`,
 * `videoCodec`) are checked against lists that it reads wrongly from newer ffmpegs.
 * Throws `ProgramError` `ffmpeg-failed` with what ffmpeg said.
 */
export async function runFfmpeg(job: FfmpegJob, doing: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const command = ffmpeg({ stdoutLines: 20 })
    .input(job.input)
    .inputOptions(['-nostdin', '-v', 'error', ...(job.inputOptions ?? [])])
    .outputOptions(job.outputOptions)
    .output(job.output);
  const kill = (): void => {
    command.kill('SIGKILL');
  };
  signal.addEventListener('abort', kill, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      command
        .once('end', () => resolve())
        .once('error', (cause: Error, _stdout: string | null, stderr: string | null) => {
          const said = (stderr ?? '').trim().split('\n').slice(-3).join(' / ');
          reject(
            new ProgramError(
              'ffmpeg-failed',
              `ffmpeg could not ${doing}: ${said === '' ? cause.message : said}`,
              {
                cause,
              },
            ),
          );
        })
        .run();
    });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', kill);
  }
}

/** A number that ffprobe prints as text, or leaves out. */
const seconds = z
  .string()
  .regex(/^-?\d+(\.\d+)?$/)
  .transform((value) => Math.round(Number(value) * 1_000_000));

const probedStream = z.object({
  index: z.number().int(),
  codec_type: z.string().optional(),
  codec_name: z.string().default('unknown'),
  width: z.number().int().default(0),
  height: z.number().int().default(0),
  sample_rate: z.string().default(''),
  channels: z.number().int().default(0),
  extradata_hash: z.string().default(''),
});

const probedPacket = z.object({
  stream_index: z.number().int(),
  pts_time: seconds.optional(),
  duration_time: seconds.optional(),
  flags: z.string(),
  data_hash: z.string(),
});

const probed = z.object({
  packets: z.array(probedPacket),
  streams: z.array(probedStream),
  format: z.object({ start_time: seconds.default(0), duration: seconds.optional() }),
});

export type ProbedStream = z.infer<typeof probedStream>;
/** Times and durations are in microseconds, of the file's own time line. */
export type ProbedPacket = z.infer<typeof probedPacket>;
export type Probed = z.infer<typeof probed>;

const WHAT_TO_SHOW =
  'packet=stream_index,pts_time,duration_time,flags,data_hash' +
  ':stream=index,codec_type,codec_name,width,height,sample_rate,channels,extradata,extradata_hash' +
  ':format=start_time,duration';

/**
 * A file's streams and every packet in it, in order, each with a hash of its bytes. ffprobe is run directly:
 * fluent-ffmpeg's ffprobe leaves packets out.
 * Throws `ProgramError` `not-readable` with what ffprobe said.
 */
export async function probe(file: string, signal: AbortSignal): Promise<Probed> {
  const args = ['-show_data_hash', 'md5', '-show_entries', WHAT_TO_SHOW, '-of', 'json', file];
  const { stdout, complaints, code } = await runFfprobe(args, signal);
  const parsed = code === 0 ? probed.safeParse(JSON.parse(stdout)) : undefined;
  if (parsed?.success !== true) {
    throw new ProgramError('not-readable', `ffprobe cannot read ${file}: ${complaints.at(-1) ?? 'no media'}`);
  }
  return parsed.data;
}

/** How many pictures the file's video decodes to, and what the decoder complained about on the way. */
export async function decode(
  file: string,
  signal: AbortSignal,
): Promise<{ frames: number; complaints: string[] }> {
  const args = [
    '-count_frames',
    '-select_streams',
    'v',
    '-show_entries',
    'stream=nb_read_frames',
    '-of',
    'csv=p=0',
  ];
  const { stdout, complaints, code } = await runFfprobe([...args, file], signal);
  if (code !== 0) complaints.push(`ffprobe ended with ${code}`);
  const frames = Number.parseInt(stdout, 10);
  return { frames: Number.isNaN(frames) ? 0 : frames, complaints };
}

async function runFfprobe(args: string[], signal: AbortSignal) {
  const child = spawn('ffprobe', ['-hide_banner', '-v', 'error', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
    killSignal: 'SIGKILL',
  });
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', (cause) => {
      const missing = systemCodeOf(cause) === 'ENOENT';
      reject(
        missing
          ? new ProgramError(
              'program-missing',
              'ffprobe is not installed; install it with: sudo apt-get install ffmpeg',
              {
                cause,
              },
            )
          : cause,
      );
    });
    child.once('close', (code) => resolve(code ?? -1));
  });
  const [stdout, complaints, code] = await Promise.all([text(child.stdout), lastLines(child.stderr), ended]);
  signal.throwIfAborted();
  return { stdout, complaints, code };
}

/** The last lines of a stream that may be long: a broken file makes a decoder complain at every frame. */
async function lastLines(stream: Readable): Promise<string[]> {
  let tail = '';
  stream.setEncoding('utf8');
  for await (const chunk of stream) tail = (tail + String(chunk)).slice(-8192);
  return tail.split('\n').filter((line) => line.trim() !== '');
}
