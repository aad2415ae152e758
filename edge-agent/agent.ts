import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock, type Clock } from '@faascam/core/clock';
import { messageOf, systemCodeOf, UsageError } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import type { AgentHealth } from '@faascam/core/messages';
import type { LiveSettings } from '@faascam/core/live-settings';
import type { Messaging } from '@faascam/core/messaging';
import { requireProgram } from '@faascam/core/programs';
import type { CameraSettings } from '@faascam/core/camera-settings';
import { aborted } from './aborted.ts';
import { Attestor } from './attestor.ts';
import type { CameraChanges } from './camera-changes.ts';
import { CameraSet } from './camera-set.ts';
import type { UnitTiming } from './camera-unit.ts';
import { ClipUplink, usualUplink, type UplinkSettings } from './clips/clip-uplink.ts';
import { tellOfDevices } from './device-notices.ts';
import { reportHealth } from './health.ts';
import { LiveView } from './live/live-view.ts';
import { ProfileTeller } from './profile-teller.ts';
import { Room } from './ring/room.ts';
import { Timebase } from './timebase.ts';
import { Uplink } from './uplink.ts';

/** What an agent is to do; it may be given another order while it runs. */
export interface AgentOrder {
  /** Settings by camera id. */
  cameras: Record<string, CameraSettings>;
  /** Footage of all cameras together; 0 or absent for no limit but each camera's own and the disk's. */
  ringMegabytes?: number | undefined;
  /** What clips may take of the link and of NATS. */
  uplink?: UplinkSettings | undefined;
  /** Tells configs apart, for health and receipts. */
  configRevision?: string | undefined;
}

/** An agent that runs. */
export interface RunningAgent {
  /** Changes what it does; see `CameraSet.apply`. */
  apply(order: AgentOrder): Promise<CameraChanges>;
}

export interface AgentOptions extends AgentOrder {
  /** The agent's id: its key in the bucket `agents`, and in receipts. */
  id: string;
  /** Footage goes to `ring/<camera>` below it, unless `ringPath` is given; the agent's key and its chains to `evidence`. */
  dataDirectory: string;
  /** Footage goes to `<camera>` below it, such as a RAM disk. Empty or absent: see `dataDirectory`. */
  ringPath?: string | undefined;
  /** Whether cameras may be `exec:`, which runs programs as this user. */
  allowExec?: boolean | undefined;
  /** How its cameras are watched live; absent: not at all. It counts from the start. */
  live?: LiveSettings | undefined;
  /** Connects to NATS. Called again until it has, with waits; what it rejects with is told once. The agent closes what it gets. */
  connect: () => Promise<Messaging>;
  /** Measures durations: it goes on evenly, also when the host's clock is set. */
  clock?: Clock;
  /** The host's clock, in microseconds since the Unix epoch; for tests. */
  hostUs?: () => number;
  log: Logger;
  /** Ends the agent in order: newest segments are closed, cameras are said to be lost, open requests get a moment. */
  signal: AbortSignal;
  /** Ends the cameras alone; requests for clips are served, with what was recorded, until `signal`. */
  stopRecording?: AbortSignal;
  /** Called once all cameras have ended and were said to be lost. */
  onRecordingEnded?: () => void;
  /** Called once the agent runs. */
  onRunning?: (agent: RunningAgent) => void;
  /** Called every few seconds as long as the agent lives, with what it tells of itself; also while NATS is away. */
  onHealth?: ((health: AgentHealth) => void) | undefined;
  /** Shorter times, for tests. */
  timing?: UnitTiming;
}

/**
 * Footage waits for NATS so long at the most. Where it answers, the functions know of each camera before its first frame, and
 * none is dropped.
 */
const FIRST_TRY_MS = 1000;

/**
 * Runs the agent on live cameras until the signal is aborted. Each camera is on its own: what is wrong with one shows in
 * its health and in the log, and the others run on. A camera that is away is waited for; so is NATS, while footage is recorded.
 * Throws `UsageError` when there is no camera at all, `ProgramError` when ffmpeg is missing.
 */
export async function runAgent(options: AgentOptions): Promise<void> {
  const { id, log, signal } = options;
  const clock = options.clock ?? systemClock;
  if (Object.keys(options.cameras).length === 0)
    throw new UsageError('no-camera', 'The agent has no camera: give it at least one.');
  const ffmpeg = await requireProgram('ffmpeg');
  await requireProgram('ffprobe');

  const ringPath = options.ringPath ?? '';
  const ringDirectory = ringPath === '' ? join(options.dataDirectory, 'ring') : ringPath;
  await makeRingDirectory(ringDirectory);
  const over = new AbortController();
  const dates = await Timebase.open({
    ...{ ringDirectory, clock, hostUs: options.hostUs, log },
    signal: over.signal,
  });
  const { dataDirectory } = options;
  const attestor = await Attestor.open({ dataDirectory, agent: id, clock: dates.dated, log });
  const room = new Room({ directory: ringDirectory, log, clock });
  const clips = new ClipUplink(clock, options.uplink);
  const nats: Uplink = new Uplink({
    connect: options.connect,
    onConnected: async () => await profiles.again(),
    ...{ clock, dates, log },
  });
  const profiles = new ProfileTeller(nats, log, over.signal);
  let configRevision: string | undefined;
  const cameras = new CameraSet({
    ...{ agent: id, ringDirectory, room, uplink: clips, nats, attestor, clock, dates, log },
    configRevision: () => configRevision,
    ...{ allowExec: options.allowExec ?? false, timing: options.timing ?? {} },
  });
  const live =
    options.live === undefined
      ? undefined
      : await LiveView.start({ settings: options.live, cameras: cameras.units, nats, clock, log });
  let settings = options.cameras;
  const apply = async (order: AgentOrder): Promise<CameraChanges> => {
    room.limitMegabytes = order.ringMegabytes ?? 0;
    clips.set(order.uplink ?? usualUplink);
    configRevision = order.configRevision;
    settings = order.cameras;
    // Before the first frame of a camera, so that it is looked at as it should be.
    await profiles.tell(order.cameras);
    const changes = await cameras.apply(order.cameras);
    live?.camerasChanged();
    await profiles.withdraw(changes.removed);
    return changes;
  };

  // Parts end one after the other: recording first, so that requests see the newest footage, health and the connection last.
  const connection = nats.run(over.signal);
  await Promise.race([nats.tried, clock.sleep(FIRST_TRY_MS, signal)]).catch(() => undefined);
  const reporting = new AbortController();
  const health = reportHealth({
    ...{ agent: id, cameras: cameras.units, ffmpeg, configRevision: () => configRevision },
    publicKey: attestor.publicKey,
    live: () => live?.health,
    onHealth: options.onHealth,
    ...{ nats, clock: dates.dated, log, signal: reporting.signal },
  });
  const devices = tellOfDevices({ cameras: () => settings, log, signal: reporting.signal });
  try {
    await apply(options);
    options.onRunning?.({ apply });
    await aborted(AbortSignal.any([signal, options.stopRecording ?? signal]));
    await cameras.endRecording(options.stopRecording?.aborted ?? false);
    options.onRecordingEnded?.();
    await aborted(signal);
  } finally {
    await live?.close();
    await cameras.close();
    reporting.abort();
    await health;
    await devices;
    over.abort();
    await connection;
  }
}

async function makeRingDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (cause) {
    const why = systemCodeOf(cause) ?? messageOf(cause);
    throw new UsageError(
      'ring-not-writable',
      `The folder of the footage, ${path}, cannot be made (${why}): mend agent.ringPath or the rights of the folder.`,
      { cause },
    );
  }
}
