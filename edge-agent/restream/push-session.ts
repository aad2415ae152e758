import { spawn, type ChildProcess } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { Writable, type Readable } from 'node:stream';
import type { RestreamSettings, RestreamTarget } from '@faascam/core/restream-settings';
import { whyNotStarted } from '../capture/child-start.ts';
import { LineSplitter } from '../capture/lines.ts';
import { pipeOf } from '../capture/pipe.ts';
import type { LivePacket, LiveStream } from '../live/live-stream.ts';
import type { LiveTap } from '../live/live-tap.ts';
import { clusterOf } from '../live/matroska-stream.ts';
import { pushPlan, pushPipes } from './push-args.ts';
import { pushCauseOf, type PushCause } from './push-cause.ts';

export interface PushSessionOptions {
  tap: LiveTap;
  target: RestreamTarget;
  settings: Pick<RestreamSettings, 'transcode' | 'sound'>;
  /** A target that takes nothing for so long is given up; one that calls itself, only once it has. */
  stallMs: number;
  /** How long a target that calls itself, and has not, is offered the same pictures. */
  renewMs: number;
  signal: AbortSignal;
  /** The camera sends something, and the target is being connected to. */
  onConnecting: () => void;
  /** The target takes what it gets. */
  onStreaming: () => void;
}

/**
 * How a session came to its end. `camera`: the camera's stream ended, or changed. `age`: nobody has called, and what waits
 * for a caller is old.
 */
export type PushEnd =
  { by: 'stopped' } | { by: 'camera' } | { by: 'age' } | { by: 'target'; cause: PushCause };

/** More than this waits for a target only when it is too slow: it then misses pictures up to a later keyframe. */
const MOST_WAITING_BYTES = 4 * 1024 * 1024;
/** Longer than ffmpeg looks at a stream before it listens for a caller. */
const LOOK_US = 1_000_000;
/** What an ended stream may take to be sent to its end. */
const FINISH_MS = 3000;
const KEPT_COMPLAINTS = 30;

/**
 * Becomes ffmpeg, with what comes on one pipe in another that can be opened by its name: ffmpeg opens the file of its
 * options, which the sockets that Node makes do not allow.
 */
const WITH_SECRETS = `exec ffmpeg "$@" ${pushPipes.secrets}<<END
$(cat <&${pushPipes.secrets})
END`;

/**
 * Waits for what a camera sends, and sends it on with an ffmpeg of its own, until one of the two ends or the signal is
 * aborted. It runs with a low priority, and what waits for it is bounded. Never rejects.
 */
export function pushSession(options: PushSessionOptions): Promise<PushEnd> {
  return new Promise((resolve) => {
    const session = new PushSession(options, resolve);
    session.begin();
  });
}

class PushSession {
  readonly #options: PushSessionOptions;
  readonly #resolve: (end: PushEnd) => void;
  readonly #complaints: string[] = [];
  #leave: () => void = () => undefined;
  #stream: LiveStream | undefined;
  #child: ChildProcess | undefined;
  #takesSound = false;
  #streamEnded = false;
  #beganUs: number | undefined;
  /** Packets were left out: the next that it can go on with is a keyframe. */
  #skips = false;
  #aged = false;
  #isOver = false;
  #stalled = false;
  #pictures = 0;
  #watch: NodeJS.Timeout | undefined;

  constructor(options: PushSessionOptions, resolve: (end: PushEnd) => void) {
    this.#options = options;
    this.#resolve = resolve;
  }

  begin(): void {
    const { signal, tap } = this.#options;
    if (signal.aborted) {
      this.#resolve({ by: 'stopped' });
      return;
    }
    signal.addEventListener('abort', this.#onAbort, { once: true });
    this.#leave = tap.subscribe({
      begin: (stream) => this.#start(stream),
      packet: (packet) => this.#pass(packet),
      end: () => this.#finish(),
      isBehind: () => {
        // What waits for a caller grows old: whoever calls wants to see what is now.
        const most = this.#waitsForCaller ? 0 : MOST_WAITING_BYTES;
        return (this.#child?.stdin?.writableLength ?? 0) > most;
      },
    });
    // What the tap had at once may have been refused.
    if (this.#isOver) this.#leave();
  }

  readonly #onAbort = (): void => {
    if (this.#child === undefined) this.#over({ by: 'stopped' });
    else this.#child.kill('SIGKILL');
  };

  #start(stream: LiveStream): void {
    const { target, settings, onConnecting } = this.#options;
    const plan = pushPlan(target, stream, settings);
    if ('refusal' in plan) {
      this.#over({ by: 'target', cause: { code: 'unfit-codec', says: plan.refusal, retry: 'slow' } });
      return;
    }
    onConnecting();
    this.#stream = stream;
    this.#takesSound = plan.takesSound;
    const child = this.#spawn(plan.args);
    if (child === undefined) return;
    this.#child = child;
    child.once('error', (error) => this.#complaints.push(`[error] ${error.message}`));
    child.once('close', (code, signal) => this.#ended(signal ?? `exit code ${code ?? 'unknown'}`));
    lowerPriority(child);
    child.stdin?.on('error', () => {
      // It has ended, which is told by `close`.
    });
    tellSecrets(child, plan.secrets);
    forEachLine(child.stderr, (line) => {
      this.#complaints.push(withoutSecrets(line, target));
      if (this.#complaints.length > KEPT_COMPLAINTS) this.#complaints.shift();
    });
    forEachLine(pipeOf(child, pushPipes.progress), (line) => this.#progress(line));
    child.stdin?.write(stream.head);
    if (this.#waitsForCaller) this.#renewInTime();
    else this.#watchTarget();
  }

  /** Undefined where the host starts no program; the session is then over, or soon. */
  #spawn(args: readonly string[]): ChildProcess | undefined {
    const failed = (error: unknown): void => {
      const says = `gets nothing, ${whyNotStarted(error)}`;
      this.#over({ by: 'target', cause: { code: 'no-process', says, retry: 'soon' } });
    };
    try {
      const stdio = ['pipe', 'ignore', 'pipe', 'pipe', 'pipe'] as const;
      const child = spawn('/bin/sh', ['-c', WITH_SECRETS, 'ffmpeg', ...args], { stdio: [...stdio] });
      // One that could not be started has no pipes, whatever its type says.
      if (child.pid !== undefined) return child;
      child.once('error', failed);
    } catch (error) {
      // For want of memory, for example: what a tap calls must not throw.
      failed(error);
    }
    return undefined;
  }

  #pass(packet: LivePacket): void {
    const track =
      packet.kind === 'video' ? this.#stream?.video : this.#takesSound ? this.#stream?.audio : undefined;
    const stdin = this.#child?.stdin;
    if (track === undefined || stdin === null || stdin === undefined) return;
    this.#beganUs ??= packet.streamUs;
    // What a tap has at once may be much more than ffmpeg needs to begin to listen.
    const enough = this.#waitsForCaller && packet.streamUs - this.#beganUs > LOOK_US;
    if (packet.kind === 'video' && packet.keyframe) this.#skips = false;
    else if (enough && stdin.writableLength > 0) this.#skips = true;
    if (!this.#skips) stdin.write(clusterOf(packet, track));
  }

  /** ffmpeg tells every second how many pictures it has given away, once it is connected. */
  #progress(line: string): void {
    const pictures = Number(/^frame=\s*(\d+)/.exec(line)?.[1] ?? 0);
    if (pictures <= this.#pictures) return;
    const begins = this.#pictures === 0;
    this.#pictures = pictures;
    if (begins) this.#options.onStreaming();
    if (begins && !this.#streamEnded) this.#watchTarget();
    else this.#watch?.refresh();
  }

  get #waitsForCaller(): boolean {
    return this.#pictures === 0 && isCalled(this.#options.target);
  }

  /** What ffmpeg has read by now is what a caller sees first: it is begun anew with what is newest. */
  #renewInTime(): void {
    this.#watch = setTimeout(() => {
      // While it reads, somebody has called, or will not see anything old.
      if (this.#child?.stdin?.writableLength === 0) this.#watch?.refresh();
      else {
        this.#aged = true;
        this.#child?.kill('SIGKILL');
      }
    }, this.#options.renewMs);
  }

  #watchTarget(): void {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => {
      this.#stalled = true;
      this.#child?.kill('SIGKILL');
    }, this.#options.stallMs);
  }

  #finish(): void {
    this.#leave();
    this.#streamEnded = true;
    clearTimeout(this.#watch);
    this.#child?.stdin?.end();
    const child = this.#child;
    this.#watch = setTimeout(() => child?.kill('SIGKILL'), FINISH_MS);
  }

  #ended(exit: string): void {
    const { target, signal } = this.#options;
    if (signal.aborted) this.#over({ by: 'stopped' });
    else if (this.#streamEnded) this.#over({ by: 'camera' });
    else if (this.#aged) this.#over({ by: 'age' });
    else {
      const seen = { exit, streamed: this.#pictures > 0, stalled: this.#stalled };
      const cause = pushCauseOf(target.kind, { ...seen, complaints: this.#complaints });
      this.#over({ by: 'target', cause });
    }
  }

  #over(end: PushEnd): void {
    this.#isOver = true;
    clearTimeout(this.#watch);
    this.#leave();
    this.#options.signal.removeEventListener('abort', this.#onAbort);
    this.#resolve(end);
  }
}

/** Whether the target connects to the agent, and not the agent to it. */
export function isCalled(target: RestreamTarget): boolean {
  return target.kind === 'srt' && target.mode === 'listener';
}

function forEachLine(pipe: Readable | null | undefined, take: (line: string) => void): void {
  const lines = new LineSplitter();
  pipe?.on('data', (chunk: Buffer) => lines.push(chunk).forEach(take));
  pipe?.on('end', () => lines.end().forEach(take));
  pipe?.on('error', () => {
    // Its writer has ended, and `close` tells.
  });
}

/** Recording and frames go first. */
function lowerPriority({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // It has ended already, or the system does not allow it: then it runs as all else.
  }
}

/** What is secret does not stand in the arguments, which everyone on the host can read. */
function tellSecrets(child: ChildProcess, secrets: readonly string[]): void {
  const pipe = child.stdio[pushPipes.secrets];
  if (!(pipe instanceof Writable)) return;
  pipe.on('error', () => {
    // It ended before it read them, and `close` tells.
  });
  pipe.end(secrets.map((line) => `${line}\n`).join(''));
}

/** Servers may repeat in their answer what they were told. */
function withoutSecrets(line: string, target: RestreamTarget): string {
  const secrets =
    target.kind === 'rtmp' ? [target.key] : target.kind === 'srt' ? [target.passphrase, target.streamId] : [];
  return secrets.reduce<string>(
    (text, secret) => (secret === undefined ? text : text.replaceAll(secret, '***')),
    line,
  );
}
