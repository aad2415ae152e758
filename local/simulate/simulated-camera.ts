import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { systemClock } from '@faascam/core/clock';
import { ProgramError } from '@faascam/core/errors';
import { drawTimeCode } from '../time-code.ts';
import {
  codedFeederArgs,
  codedSize,
  feederArgs,
  picturesArgs,
  type FeederTargets,
  type Scene,
} from './feeder-args.ts';
import { MjpegEncoder } from './mjpeg-encoder.ts';
import { ended } from './process-end.ts';
import { StreamFan } from './stream-fan.ts';

export interface SimulatedCameraOptions extends FeederTargets {
  /** Names it, in addresses and errors. */
  id: string;
  scene: Scene;
  /** How often the recording is shown; Infinity goes on until `stop`. */
  plays: number;
  /** Whether each picture carries the moment at which it was made. */
  timeCode: boolean;
}

/** A recording that is shown in real time. Whoever starts it stops it. */
export class SimulatedCamera {
  readonly id: string;
  /** Its MPEG-TS, for any number of readers. */
  readonly stream = new StreamFan();
  /** Its pictures as JPEGs, made while someone looks. */
  readonly pictures: MjpegEncoder;
  /** Resolves when its recording is at its end; rejects with `ProgramError` `camera-failed` when ffmpeg fails. */
  readonly over: Promise<void>;
  readonly #processes: ChildProcess[] = [];
  #stopped = false;

  private constructor(options: SimulatedCameraOptions) {
    this.id = options.id;
    this.pictures = new MjpegEncoder(this.stream);
    this.over = this.#show(options);
    // Told by whoever waits for it.
    this.over.catch(() => undefined);
  }

  static async start(options: SimulatedCameraOptions): Promise<SimulatedCamera> {
    await mkdir(options.hlsDirectory, { recursive: true });
    return new SimulatedCamera(options);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const child of this.#processes) child.kill('SIGKILL');
    await this.over.catch(() => undefined);
    await this.pictures.stop();
  }

  async #show({ scene, plays, timeCode, ...targets }: SimulatedCameraOptions): Promise<void> {
    const size = codedSize(scene.facts);
    const feeder = timeCode
      ? this.#run(codedFeederArgs(size, targets), 'pipe')
      : this.#run(feederArgs(scene, plays, targets), 'ignore');
    feeder.child.stdout?.on('data', (chunk: Buffer) => this.stream.push(chunk));
    if (timeCode) {
      const pictures = this.#run(picturesArgs(scene, plays), 'ignore');
      drawCodes(pictures.child, feeder.child, size);
      await pictures.over;
      feeder.child.stdin?.end();
    }
    await feeder.over;
  }

  /** `over` rejects when ffmpeg fails by itself. */
  #run(args: string[], stdin: 'pipe' | 'ignore'): { child: ChildProcess; over: Promise<void> } {
    const child = spawn('ffmpeg', args, { stdio: [stdin, 'pipe', 'pipe'] });
    this.#processes.push(child);
    let complaints = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaints = (complaints + text).slice(-2000);
    });
    child.stdin?.on('error', () => {
      // It has ended, which is told below.
    });
    const over = ended(child).then(() => {
      if (this.#stopped || child.exitCode === 0) return;
      const reason = complaints.trim().split('\n').at(-1) ?? '';
      throw new ProgramError('camera-failed', `ffmpeg can show ${this.id} no longer: ${reason}`);
    });
    over.catch(() => undefined);
    return { child, over };
  }
}

/**
 * Takes yuv420p pictures from one process to another, each with the code of the moment at which it passes. While the other
 * does not take them, they are let go, as by a sensor.
 */
function drawCodes(from: ChildProcess, to: ChildProcess, size: { width: number; height: number }): void {
  const { width, height } = size;
  const pictureBytes = (width * height * 3) / 2;
  let picture = Buffer.allocUnsafe(pictureBytes);
  let filled = 0;
  let ready = true;
  to.stdin?.on('drain', () => (ready = true));
  from.stdout?.on('data', (chunk: Buffer) => {
    for (let at = 0; at < chunk.length;) {
      const taken = chunk.copy(picture, filled, at);
      at += taken;
      filled += taken;
      if (filled < pictureBytes) continue;
      filled = 0;
      if (!ready || to.stdin === null) continue;
      drawTimeCode({ data: picture, width, height }, systemClock.nowUs());
      ready = to.stdin.write(picture);
      picture = Buffer.allocUnsafe(pictureBytes);
    }
  });
}
