import { spawn, type ChildProcess } from 'node:child_process';
import { pipeline } from 'node:stream';
import { FaascamError, systemCodeOf } from '@faascam/core/errors';
import { redact } from '@faascam/core/redact';
import type { CameraSettings } from '@faascam/core/camera-settings';
import { causeOf, type Ending } from '../capture/cause.ts';
import { running, whyNotStarted } from '../capture/child-start.ts';
import { LineSplitter } from '../capture/lines.ts';
import { openInput, SourceError, type SourceInput } from '../sources/input.ts';
import { shownSource, type Source } from '../sources/source.ts';
import { rtspClockAhead } from './camera-clock.ts';
import { claimsIn, PacketList, type ProbedPacket } from './packet-list.ts';
import { Enough, measure, type StreamFacts } from './stream-facts.ts';

/** A camera that does not stream, and why. Codes are those of a camera's state; the message names it, no secret. */
export class ProbeError extends FaascamError {
  override readonly name = 'ProbeError';
}

export interface ProbeOptions {
  /** The camera's id, for messages. */
  camera: string;
  settings: Pick<CameraSettings, 'transport' | 'format' | 'pollMs'>;
  allowExec: boolean;
  signal: AbortSignal;
  /** The whole look takes no longer. Default 20 s: 12 for a slow connection, 8 for the stream. */
  limitMs?: number;
}

const LIMIT_MS = 20_000;
/** More complaints tell nothing new. */
const MOST_COMPLAINTS = 200;

/**
 * Looks at a source for some seconds, as the agent would take it, and tells what it is. Nothing is decoded. Rejects with
 * `ProbeError` when it does not stream, with the signal's reason when that is aborted; no process is left behind.
 */
export async function probeSource(source: Source, options: ProbeOptions): Promise<StreamFacts> {
  const { signal, limitMs = LIMIT_MS } = options;
  const limit = AbortSignal.timeout(limitMs);
  const either = AbortSignal.any([signal, limit]);
  const shown = shownSource(source);
  let input: SourceInput;
  try {
    input = await openInput(source, { pace: 'replay', analysis: 'quick', ...pick(options), signal: either });
  } catch (error) {
    signal.throwIfAborted();
    if (limit.aborted) throw failure(source, options, { ending: 'stalled', complaints: [], exit: '' });
    if (!(error instanceof SourceError)) throw error;
    const message = redact(`Camera ${options.camera} (${shown}) ${error.message}.`);
    throw new ProbeError(error.code, message, { cause: error });
  }
  try {
    const seen = await watch(input, either);
    signal.throwIfAborted();
    const video = seen.list.stream('video');
    const pictures = seen.packets.filter(({ kind }) => kind === 'video').length;
    if (video === undefined || pictures === 0) {
      const known = input.failure?.();
      if (known !== undefined) {
        throw new ProbeError(known.code, redact(`Camera ${options.camera} (${shown}) ${known.message}.`));
      }
      const ending = limit.aborted ? 'stalled' : 'ended';
      throw failure(source, options, { ending, complaints: seen.complaints, exit: seen.exit });
    }
    const audio = seen.list.stream('audio');
    const measured = measure(seen.packets);
    const { profile, rate: claimedRate } = seen.claims;
    const clockAheadMs = await clockOf(source, input, either);
    return {
      ...measured,
      video: {
        ...measured.video,
        ...{ codec: video.codec, width: video.width, height: video.height },
        ...(profile === undefined ? {} : { profile }),
        ...(claimedRate === undefined ? {} : { claimedRate }),
      },
      ...(audio === undefined ? {} : { audio: { codec: audio.codec } }),
      ...(clockAheadMs === undefined ? {} : { clockAheadMs }),
      timesIncrease: !seen.complaints.some((line) => /non-monoton/i.test(line)),
    };
  } finally {
    await input.close();
  }
}

/** A camera's own clock, where it speaks RTSP itself. */
async function clockOf(
  { kind }: Source,
  { args }: SourceInput,
  signal: AbortSignal,
): Promise<number | undefined> {
  const url = args[args.indexOf('-i') + 1] ?? '';
  if ((kind !== 'rtsp' && kind !== 'onvif') || !url.startsWith('rtsp://')) return undefined;
  return await rtspClockAhead(url, signal);
}

function pick({ settings, allowExec }: ProbeOptions): Pick<ProbeOptions, 'settings' | 'allowExec'> {
  return { settings, allowExec };
}

function failure(
  source: Source,
  { camera }: ProbeOptions,
  seen: { ending: Ending; complaints: readonly string[]; exit: string },
): ProbeError {
  const about = { camera, shown: shownSource(source), sourceKind: source.kind, streamed: false };
  const { code, message } = causeOf({ ...about, ...seen });
  return new ProbeError(code, message);
}

interface Seen {
  list: PacketList;
  packets: ProbedPacket[];
  complaints: string[];
  claims: { profile?: string; rate?: number };
  exit: string;
}

/** Reads packets until they are enough, the stream ends, or the signal is aborted; ffmpeg has ended then. */
async function watch(input: SourceInput, signal: AbortSignal): Promise<Seen> {
  const child = await running(() =>
    spawn('ffmpeg', argsFor(input), {
      stdio: [input.stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    }),
  ).catch(cannotRun);
  const seen: Seen = { list: new PacketList(), packets: [], complaints: [], claims: {}, exit: '' };
  const kill = (): void => {
    child.kill('SIGKILL');
  };
  if (signal.aborted) kill();
  signal.addEventListener('abort', kill, { once: true });
  // It ends, and closes its input, whenever it has read enough: the stream behind it is closed by its owner.
  if (input.stdin !== undefined && child.stdin !== null) pipeline(input.stdin, child.stdin, () => undefined);
  const enough = new Enough();
  let done = false;
  readLines(child.stdout, (line) => {
    const packet = done ? undefined : seen.list.push(line);
    if (packet === undefined) return;
    seen.packets.push(packet);
    done = enough.push(packet);
    if (done) kill();
  });
  let inputs = true;
  readLines(child.stderr, (line) => {
    // What it says of its output repeats what it said of the input.
    if (line.includes('Output #0')) inputs = false;
    const claims = inputs ? claimsIn(line) : undefined;
    if (claims !== undefined) seen.claims = claims;
    if (/\[(warning|error|fatal)\]/.test(line) && seen.complaints.length < MOST_COMPLAINTS) {
      seen.complaints.push(line);
    }
  });
  try {
    seen.exit = await endOf(child);
  } finally {
    signal.removeEventListener('abort', kill);
  }
  return seen;
}

function argsFor(input: SourceInput): string[] {
  return [
    ...['-hide_banner', '-nostats', '-loglevel', 'repeat+level+info', ...input.args],
    ...['-map', '0:v:0', '-map', '0:a:0?', '-c', 'copy', ...input.copy],
    ...['-flush_packets', '1', '-f', 'framecrc', 'pipe:1'],
  ];
}

function readLines(stream: ChildProcess['stdout'], take: (line: string) => void): void {
  const lines = new LineSplitter();
  stream?.on('data', (chunk: Buffer) => lines.push(chunk).forEach(take));
  stream?.on('end', () => lines.end().forEach(take));
}

function cannotRun(cause: unknown): never {
  if (systemCodeOf(cause) !== 'ENOENT')
    throw new ProbeError('program-failed', `ffmpeg could not be started, ${whyNotStarted(cause)}.`, {
      cause,
    });
  const message = 'ffmpeg is not installed; install it with: sudo apt-get install ffmpeg';
  throw new ProbeError('program-missing', message, { cause });
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(signal ?? `exit code ${code ?? 0}`));
  });
}
