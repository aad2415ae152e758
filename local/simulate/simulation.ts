import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { ProgramError } from '@faascam/core/errors';
import { cameraIdFrom } from '@faascam/core/ids';
import { freePort, freeUdpPort, requirePort } from '@faascam/core/ports';
import { requireProgram } from '@faascam/core/programs';
import { TEST_PICTURE, type Scene } from './feeder-args.ts';
import type { Listening } from '../http-server.ts';
import { startHttpServer, type ShownCamera } from './http-server.ts';
import { recordingFacts } from './recording-facts.ts';
import { startRtspServer, type RtspStream } from './rtsp-server.ts';
import { SimulatedCamera } from './simulated-camera.ts';

export interface SimulationOptions {
  /** A camera each. Without any, one camera shows a test picture. */
  recordings: readonly string[];
  host: string;
  /** 0 takes a free one. RTSP has the next one. */
  port: number;
  /** Default: without end. */
  plays?: number | undefined;
  timeCode?: boolean | undefined;
}

/** Where a camera is to be seen. */
export interface CameraAddresses {
  id: string;
  /** Undefined where there is no RTSP server. */
  rtsp: string | undefined;
  mpegts: string;
  hls: string;
  mjpeg: string;
  jpeg: string;
}

interface PlannedCamera {
  id: string;
  scene: Scene;
}

interface RunningParts {
  directory: string;
  cameras: SimulatedCamera[];
  http: Listening | undefined;
  stopRtsp: (() => Promise<void>) | undefined;
}

/** Recordings shown as cameras. It can be stopped and started again, as often as wanted, at the same addresses. */
export class Simulation {
  /** Why there is no RTSP: what to install. */
  readonly withoutRtsp: string | undefined;
  readonly #options: SimulationOptions;
  readonly #planned: readonly PlannedCamera[];
  readonly #ports: { http: number; rtsp: number };
  #parts: RunningParts | undefined;

  private constructor(
    options: SimulationOptions,
    planned: readonly PlannedCamera[],
    ports: { http: number; rtsp: number },
    withoutRtsp: string | undefined,
  ) {
    this.#options = options;
    this.#planned = planned;
    this.#ports = ports;
    this.withoutRtsp = withoutRtsp;
  }

  /**
   * Looks at the recordings and ports. Throws `UsageError` `no-recording` for a file that is none, `FaascamError`
   * `port-in-use`, and `ProgramError` when ffmpeg is missing.
   */
  static async plan(options: SimulationOptions): Promise<Simulation> {
    await requireProgram('ffmpeg');
    await requireProgram('ffprobe');
    const planned: PlannedCamera[] = [];
    for (const path of options.recordings) {
      const facts = await recordingFacts(resolve(path));
      const name = basename(path).replace(/\.[a-z0-9]{1,5}$/i, '');
      planned.push({ id: freeId(name, planned), scene: { path: resolve(path), facts } });
    }
    if (planned.length === 0) planned.push({ id: 'test', scene: { path: undefined, facts: TEST_PICTURE } });
    const { host, port } = options;
    const ports = {
      http: port === 0 ? await freePort(host) : port,
      rtsp: port === 0 ? await freePort(host) : port + 1,
    };
    await requirePort(ports.http, host, 'the simulated cameras');
    await requirePort(ports.rtsp, host, "the simulated cameras' RTSP");
    return new Simulation(options, planned, ports, await lackOfRtsp(host));
  }

  get addresses(): CameraAddresses[] {
    const { host } = this.#options;
    const shown = host === '0.0.0.0' ? '127.0.0.1' : host;
    return this.#planned.map(({ id }) => {
      const base = `http://${shown}:${this.#ports.http}/${id}`;
      return {
        id,
        rtsp: this.withoutRtsp === undefined ? `rtsp://${shown}:${this.#ports.rtsp}/${id}` : undefined,
        mpegts: `${base}/stream.ts`,
        hls: `${base}/index.m3u8`,
        mjpeg: `${base}/stream.mjpeg`,
        jpeg: `${base}/snapshot.jpg`,
      };
    });
  }

  /** Cameras can be connected to when this resolves. Throws `ProgramError` when a server does not start. */
  async start(): Promise<void> {
    const { host, timeCode = false, plays = Infinity } = this.#options;
    const directory = await mkdtemp(join(tmpdir(), 'faascam-simulate-'));
    const parts: RunningParts = { directory, cameras: [], http: undefined, stopRtsp: undefined };
    this.#parts = parts;
    try {
      const streams: RtspStream[] = [];
      const shown = new Map<string, ShownCamera>();
      for (const { id, scene } of this.#planned) {
        const hlsDirectory = join(directory, id);
        const udpPort = this.withoutRtsp === undefined ? await freeUdpPort() : undefined;
        if (udpPort !== undefined) {
          const codec = scene.facts.videoCodec === 'hevc' && !timeCode ? 'hevc' : 'h264';
          streams.push({ path: `/${id}`, udpPort, codec });
        }
        const camera = await SimulatedCamera.start({ id, scene, plays, timeCode, hlsDirectory, udpPort });
        parts.cameras.push(camera);
        shown.set(id, { camera, hlsDirectory });
      }
      parts.http = await startHttpServer(host, this.#ports.http, shown);
      if (streams.length > 0) parts.stopRtsp = await startRtspServer(host, this.#ports.rtsp, streams);
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Resolves when all recordings are at their end; rejects with `ProgramError` when one cannot be shown. */
  async over(): Promise<void> {
    await Promise.all(this.#parts?.cameras.map((camera) => camera.over) ?? []);
  }

  /** Ends all that `start` has begun, as if the power was cut. */
  async stop(): Promise<void> {
    const parts = this.#parts;
    if (parts === undefined) return;
    this.#parts = undefined;
    await parts.http?.close();
    await parts.stopRtsp?.();
    for (const camera of parts.cameras) await camera.stop();
    await rm(parts.directory, { recursive: true, force: true });
  }
}

function freeId(name: string, others: readonly PlannedCamera[]): string {
  const id = cameraIdFrom(name).slice(0, 60);
  const taken = new Set(others.map((other) => other.id));
  for (let number = 2; taken.has(id); number++) {
    if (!taken.has(`${id}-${number}`)) return `${id}-${number}`;
  }
  return id;
}

/** What to install for RTSP; undefined when it is there. */
async function lackOfRtsp(host: string): Promise<string | undefined> {
  try {
    const stop = await startRtspServer(host, await freePort(host), []);
    await stop();
    return undefined;
  } catch (error) {
    if (error instanceof ProgramError && error.code === 'rtsp-server-missing') return error.message;
    throw error;
  }
}
