import { setTimeout as wait } from 'node:timers/promises';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '@faascam/core/clock';
import { createLogger } from '@faascam/core/log';
import { cameraSettings } from '@faascam/core/camera-settings';
import type { z } from 'zod';
import type { FramePublisher } from '../frames/live-publisher.ts';
import { Footage } from '../ring/footage.ts';
import type { CameraStatus } from './camera-status.ts';
import { recordCamera, type RecorderOptions } from './recorder.ts';

/** A camera that is recorded, with its frames kept instead of published. */
export interface CameraTest {
  status: CameraStatus;
  footage: Footage;
  /** What was sent; `streamS` counts from the first frame, in seconds. */
  frames: { jpeg: Buffer; capturedAtUs: number; streamS: number }[];
  lost: number;
  eventOpen: boolean;
  /** Resolves once the condition holds. */
  until(condition: (camera: CameraTest) => boolean): Promise<void>;
  /** Aborted by `stop`. */
  signal: AbortSignal;
  stop(): Promise<void>;
}

export async function openCameraTest(
  directory: string,
  settings: z.input<typeof cameraSettings>,
  changed: Partial<
    Pick<RecorderOptions, 'stallMs' | 'lostMs' | 'random' | 'allowExec' | 'clock' | 'tap'>
  > = {},
): Promise<CameraTest> {
  const parsed = cameraSettings.parse(settings);
  const log = createLogger('test');
  const ring = await mkdtemp(join(directory, 'ring-'));
  const footage = await Footage.open({ directory: ring, ring: parsed.ring, pace: 'live', log });
  const status: CameraStatus = { state: 'connecting', restarts: 0, active: false, framesPerSecond: 0 };
  const stop = new AbortController();
  const camera: CameraTest = {
    ...{ status, footage, frames: [], lost: 0, eventOpen: false, signal: stop.signal },
    until: async (condition) => {
      while (!condition(camera)) await Promise.race([wait(50), recording]);
    },
    stop: async () => {
      stop.abort();
      await recording;
    },
  };
  const publisher: FramePublisher = {
    frame: (jpeg, capturedAtUs) => {
      const firstUs = camera.frames[0]?.capturedAtUs ?? capturedAtUs;
      camera.frames.push({ jpeg: Buffer.from(jpeg), capturedAtUs, streamS: (capturedAtUs - firstUs) / 1e6 });
    },
    lost: () => {
      camera.lost += 1;
      return Promise.resolve();
    },
    openFeedback: () => ({
      get eventOpen() {
        return camera.eventOpen;
      },
      close: () => undefined,
    }),
  };
  const recording = recordCamera({
    ...{ camera: 'test', settings: parsed, footage, publisher, status, clock: systemClock, log },
    ...{ signal: stop.signal, ...changed },
  });
  // Told by whoever waits for it.
  recording.catch(() => undefined);
  return camera;
}
