import { execFile, spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { FaascamError, messageOf, ProgramError, systemCodeOf } from '@faascam/core/errors';
import ffmpeg from 'fluent-ffmpeg';
import { z } from 'zod';

/** The one module of this function that runs ffmpeg and ffprobe. All that it starts ends with its signal. */

export interface FfmpegJob {
  input: string | Readable;
  inputOptions?: string[];
  /** Files read beside the input. */
  furtherInputs?: string[];
  outputOptions: string[];
  output: string;
  /** Told now and then how far the first output has come. */
  onTime?: ((outUs: number) => void) | undefined;
}

/** What ffmpeg said of a run that ended well. */
export interface FfmpegReport {
  /** Pictures in the first output. */
  frames: number;
  /** The last lines of its complaints. */
  complaints: string[];
}

const COMPLAINTS_KEPT = 20;
/** Pictures closer to each other than the output's ticks: a remark on what is written, not on what was read. */
const OUTPUT_TIMES = /non[- ]monoton\w+ (increasing )?dts/i;
/** `frame=123`, as `-progress` prints it. */
const PROGRESS = /^([a-z_0-9]+)= *(\S*)$/;

/**
 * Runs ffmpeg from one input to its outputs, through fluent-ffmpeg with raw options: its named ones (`inputFormat`,
 * `videoCodec`) are checked against lists that it reads wrongly from newer ffmpegs.
 * Throws `ProgramError` `ffmpeg-failed` with what ffmpeg said. What says nothing of the input is thrown under other codes,
 * so that no footage is called damaged for it: `ffmpeg-killed`, and `FaascamError` `temp-full`.
 */
export async function runFfmpeg(job: FfmpegJob, doing: string, signal: AbortSignal): Promise<FfmpegReport> {
  signal.throwIfAborted();
  const report: FfmpegReport = { frames: 0, complaints: [] };
  const quiet = ['-nostdin', '-v', 'error', '-nostats', '-progress', 'pipe:2', '-stats_period', '1'];
  // Spread, as it splits the texts of an array at their space.
  const command = ffmpeg({ stdoutLines: COMPLAINTS_KEPT })
    .input(job.input)
    .inputOptions(...quiet, ...(job.inputOptions ?? []));
  for (const input of job.furtherInputs ?? []) command.input(input);
  command.outputOptions(...job.outputOptions).output(job.output);
  const kill = (): void => {
    command.kill('SIGKILL');
  };
  const listen = (line: string): void => {
    const [, name, value = ''] = PROGRESS.exec(line) ?? [];
    if (name === 'frame') report.frames = Number(value);
    else if (name === 'out_time_us' && Number(value) >= 0) job.onTime?.(Number(value));
    else if (name === undefined && line.trim() !== '' && !OUTPUT_TIMES.test(line)) {
      report.complaints = [...report.complaints.slice(1 - COMPLAINTS_KEPT), line];
    }
  };
  signal.addEventListener('abort', kill, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      command
        .on('stderr', listen)
        .once('end', () => resolve())
        .once('error', (cause: Error) => reject(failureOf(cause, report.complaints, doing)))
        .run();
    });
    // A file that did not fit may end without its end, and ffmpeg well.
    if (report.complaints.some(isFull)) throw tempFull(doing, report.complaints.at(-1));
    return report;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', kill);
  }
}

function failureOf(cause: Error, complaints: string[], doing: string): FaascamError {
  if (complaints.some(isFull)) return tempFull(doing, cause);
  if (cause.message.includes('was killed with signal')) return killed('ffmpeg', doing, cause);
  const said = complaints.slice(-3).join(' / ');
  return new ProgramError(
    'ffmpeg-failed',
    `ffmpeg could not ${doing}: ${said === '' ? cause.message : said}`,
    { cause },
  );
}

function isFull(complaint: string): boolean {
  return complaint.includes('No space left on device');
}

/** `doing` is a verb and what it is done to. */
export function tempFull(doing: string, cause: unknown): FaascamError {
  return new FaascamError(
    'temp-full',
    `No room in ${tmpdir()} to ${doing}: free space there, or set TMPDIR.`,
    { cause },
  );
}

function killed(program: 'ffmpeg' | 'ffprobe', doing: string, cause?: unknown): ProgramError {
  return new ProgramError(
    'ffmpeg-killed',
    `${program} was killed when it was to ${doing}: mostly for want of memory, of which the clip function needs more then.`,
    { cause },
  );
}

/**
 * How many pictures the file's video decodes to, and what the decoder complained about on the way. A file that is
 * none is a complaint too.
 */
export async function decode(file: string, signal: AbortSignal): Promise<FfmpegReport> {
  try {
    return await runFfmpeg(
      {
        input: file,
        // Deblocking changes what pictures look like, and never whether they can be decoded.
        inputOptions: ['-skip_loop_filter', 'all'],
        outputOptions: ['-map', '0:v:0', '-fps_mode', 'passthrough', '-f', 'null'],
        output: '-',
      },
      'decode it',
      signal,
    );
  } catch (error) {
    if (!(error instanceof ProgramError) || error.code !== 'ffmpeg-failed') throw error;
    return { frames: 0, complaints: [messageOf(error)] };
  }
}

let version: Promise<string> | undefined;

/** The version of ffmpeg, as it says. */
export function ffmpegVersion(): Promise<string> {
  version ??= execute('ffmpeg', ['-version']).then(
    ({ stdout }) => /^ffmpeg version (\S+)/.exec(stdout)?.[1] ?? 'unknown',
    (error: unknown) => {
      // Not kept: every clip to come would fail for it.
      version = undefined;
      throw error;
    },
  );
  return version;
}

const execute = promisify(execFile);

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
  sample_rate: z.coerce.number().default(0),
  channels: z.number().int().default(0),
  extradata_hash: z.string().default(''),
});

const probed = z.object({
  streams: z.array(probedStream),
  format: z.object({ start_time: seconds.default(0) }),
});

/** Times are in microseconds, of the file's own time line. */
export type Probed = z.infer<typeof probed>;

const WHAT_TO_SHOW =
  'stream=index,codec_type,codec_name,width,height,sample_rate,channels,extradata,extradata_hash' +
  ':format=start_time';

/** A file's streams, by ffprobe. Throws `ProgramError` `not-readable` with what ffprobe said, or `ffmpeg-killed`. */
export async function probe(file: string, signal: AbortSignal): Promise<Probed> {
  const args = ['-show_data_hash', 'md5', '-show_entries', WHAT_TO_SHOW, '-of', 'json', file];
  const { stdout, complaints, code } = await runFfprobe(args, signal);
  if (code === undefined) throw killed('ffprobe', `read ${file}`);
  const parsed = code === 0 ? probed.safeParse(JSON.parse(stdout)) : undefined;
  if (parsed?.success !== true) {
    throw new ProgramError('not-readable', `ffprobe cannot read ${file}: ${complaints.at(-1) ?? 'no media'}`);
  }
  return parsed.data;
}

async function runFfprobe(args: string[], signal: AbortSignal) {
  const child = spawn('ffprobe', ['-hide_banner', '-v', 'error', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
    killSignal: 'SIGKILL',
  });
  const ended = new Promise<number | undefined>((resolve, reject) => {
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
    // None when a signal ended it.
    child.once('close', (code) => resolve(code ?? undefined));
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
