import { join } from 'node:path';
import { systemClock, type Clock } from '@faascam/core/clock';
import { UsageError } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import type { Messaging } from '@faascam/core/messaging';
import { requireProgram } from '@faascam/core/programs';
import type { CameraSettings } from '@faascam/core/settings';
import type { CameraStatus } from './capture/camera-status.ts';
import { recordCamera, type RecorderOptions } from './capture/recorder.ts';
import { serveClips, type ClipServiceOptions } from './clips/clip-service.ts';
import { LivePublisher } from './frames/live-publisher.ts';
import { reportHealth } from './health.ts';
import { Footage } from './ring/footage.ts';
import { parseSource } from './sources/source.ts';

export interface AgentOptions {
  /** The agent's id: its key in the bucket `agents`, and in receipts. */
  id: string;
  /** Footage goes to `ring/<camera>` below it. */
  dataDirectory: string;
  /** Settings by camera id. */
  cameras: Record<string, CameraSettings>;
  messaging: Messaging;
  clock?: Clock;
  log: Logger;
  /** Ends the agent in order: newest segments are closed, cameras are said to be lost, open requests get a moment. */
  signal: AbortSignal;
  /** Ends the cameras alone; requests for clips are served, with what was recorded, until `signal`. */
  stopRecording?: AbortSignal;
  /** Called once all cameras have ended and were said to be lost. */
  onRecordingEnded?: () => void;
  /** Shorter times, for tests. */
  timing?: Pick<RecorderOptions, 'stallMs' | 'lostMs' | 'random'> &
    Pick<ClipServiceOptions, 'graceMs' | 'offerWaitsMs' | 'ackWaitMs'>;
}

/**
 * Runs the agent on live cameras until the signal is aborted. Throws `UsageError` when a source is none, `ProgramError`
 * when ffmpeg is missing; a camera that is away, or NATS, is waited for.
 */
export async function runAgent(options: AgentOptions): Promise<void> {
  const { dataDirectory, messaging, log, signal } = options;
  const clock = options.clock ?? systemClock;
  const stopRecording = AbortSignal.any([signal, options.stopRecording ?? signal]);
  const sources = Object.values(options.cameras).map(({ source }) => parseSource(source));
  if (sources.length === 0)
    throw new UsageError('no-camera', 'The agent has no camera: give it at least one.');
  await requireProgram('ffmpeg');
  await requireProgram('ffprobe');

  const cameras = await Promise.all(
    Object.entries(options.cameras).map(async ([camera, settings]) => {
      const directory = join(dataDirectory, 'ring', camera);
      const cameraLog = log.child({ camera });
      const status: CameraStatus = { state: 'connecting', restarts: 0, active: false, framesPerSecond: 0 };
      return {
        camera,
        settings,
        status,
        log: cameraLog,
        footage: await Footage.open({ directory, ring: settings.ring, pace: 'live', log: cameraLog, clock }),
        publisher: new LivePublisher({ agent: options.id, camera, messaging, clock, log: cameraLog }),
      };
    }),
  );

  options.stopRecording?.addEventListener('abort', () => {
    for (const { footage } of cameras) footage.serveWhatIsThere();
  });

  // Parts end one after the other: recording first, so that requests see the newest footage, health last.
  const serving = new AbortController();
  const reporting = new AbortController();
  const watched = new Map(
    cameras.map(({ camera, status, publisher, footage }) => [
      camera,
      { status, publisher, ring: footage.ring },
    ]),
  );
  const health = reportHealth({
    ...{ agent: options.id, cameras: watched, messaging, clock, log, signal: reporting.signal },
  });
  const clips = cameras.map(({ camera, footage }) =>
    serveClips({
      ...{ id: options.id, camera, footage, messaging, clock, log, signal: serving.signal },
      ...options.timing,
    }),
  );
  // One camera's failure ends the others as well: the agent is whole or it is not.
  const failed = new AbortController();
  const recording = cameras.map(({ camera, settings, status, footage, publisher, log }) =>
    recordCamera({
      ...{ camera, settings, status, footage, publisher, clock, log },
      signal: AbortSignal.any([stopRecording, failed.signal]),
      ...options.timing,
    }).catch((error: unknown) => {
      failed.abort();
      throw error;
    }),
  );
  const results = await Promise.allSettled(recording);
  options.onRecordingEnded?.();
  if (!failed.signal.aborted) await aborted(signal);
  serving.abort();
  await Promise.all(clips);
  reporting.abort();
  await health;
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
