import { basename, resolve } from 'node:path';
import { systemClock } from '@faascam/core/clock';
import { createLogger } from '@faascam/core/log';
import { frameSettings } from '@faascam/core/camera-settings';
import { causeOf } from '@faascam/edge-agent/capture/cause';
import { processor } from '@faascam/edge-agent/capture/hardware';
import { recordingError } from '@faascam/edge-agent/capture/recording';
import { runSession } from '@faascam/edge-agent/capture/session';

export interface VideoFrame {
  /** Counted from 0. */
  index: number;
  /** From the recording's start. */
  timeUs: number;
  jpeg: Buffer;
}

/** ffmpeg that gives nothing for this long, while we wait for it, hangs. */
const STALL_MS = 60_000;

/**
 * Every frame of a recording as the agent would send it: same size, same JPEG, its own time. Called in order, one at a
 * time; answers how many there were. Throws `FaascamError` when the recording breaks off, and the signal's reason.
 */
export async function eachFrame(
  path: string,
  onFrame: (frame: VideoFrame) => Promise<void>,
  signal: AbortSignal,
): Promise<number> {
  const { width, quality } = frameSettings.parse(undefined);
  let index = 0;
  const { ending, complaints, exit, frames } = await runSession({
    capture: {
      // A playlist must not make us fetch something from the network.
      input: { args: ['-protocol_whitelist', 'file', '-i', `file:${resolve(path)}`], copy: [] },
      frames: { mode: 'all', picture: { width, quality, rotate: 0 }, thumbnails: false, decoder: processor },
    },
    stallMs: STALL_MS,
    clock: systemClock,
    log: createLogger('frames'),
    signal,
    onFrame: ({ jpeg, streamUs }) => onFrame({ index: index++, timeUs: streamUs, jpeg }),
  });
  signal.throwIfAborted();
  const seen = { sourceKind: 'file', streamed: frames > 0 } as const;
  const cause = causeOf({ ending, complaints, exit, camera: basename(path), shown: path, ...seen });
  if (frames === 0 || cause.code !== 'stream-ended') throw recordingError(cause);
  return frames;
}
