import { Readable } from 'node:stream';
import type { Clock } from '@faascam/core/clock';
import type { Logger } from '@faascam/core/log';
import { followedInput, type FramePicture } from './ffmpeg-args.ts';
import { processor } from './hardware.ts';
import type { SegmentFollower } from './segment-follower.ts';
import { runSession, type SampledFrame } from './session.ts';

/** A decoder that gives nothing for this long while the segments grow has failed. */
const STALL_MS = 15_000;

/**
 * Decodes all pictures of a session from `fromUs` on, out of its segments as they grow, until the signal is aborted or the
 * session ends. Frames carry the session's own times. Resolves with how many there were; rejects as `runSession` does.
 */
export async function decodeBurst(options: {
  follower: SegmentFollower;
  fromUs: number;
  picture: FramePicture;
  fps: number;
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
  onFrame: (frame: SampledFrame) => void;
}): Promise<number> {
  const { follower, fromUs, picture, fps, clock, log, signal } = options;
  // The signal ends what is read; ffmpeg then comes to its end by itself, with all that it was given.
  const stdin = Readable.from(follower.follow(fromUs, signal), { objectMode: true });
  const end = await runSession({
    capture: {
      input: followedInput,
      frames: { mode: 'all', picture, fps, thumbnails: true, decoder: processor },
    },
    stdin,
    stallMs: STALL_MS,
    clock,
    log,
    signal: new AbortController().signal,
    onFrame: options.onFrame,
  });
  if (end.frames === 0 && !signal.aborted) {
    log.warn(
      { complaints: end.complaints.slice(-3) },
      'The newest footage could not be decoded; keyframes are looked at alone.',
    );
  }
  return end.frames;
}
