import type { CameraView } from '../api.ts';

export interface Sample {
  /** ms since the Unix epoch, by the browser's clock. */
  atMs: number;
  framesPerSecond: number;
  /** Frames that were not sent since the agent's start, of all reasons together. */
  dropped: number;
}

/** What a camera did, oldest first. */
export type Samples = readonly Sample[];

/** A sample every two seconds makes half an hour. */
const MOST = 900;

/** The samples with what a camera is doing now. Pure. */
export function withSample(known: Samples | undefined, camera: CameraView, atMs: number): Samples {
  const dropped = camera.dropped.reduce((sum, { frames }) => sum + frames, 0);
  const sample = { atMs, framesPerSecond: camera.framesPerSecond ?? 0, dropped };
  return [...(known ?? []), sample].slice(-MOST);
}

/** Frames dropped between one sample and the next. An agent that started anew counts from nothing. Pure. */
export function dropsOf(samples: Samples): number[] {
  return samples.map(({ dropped }, index) => {
    const before = samples[index - 1];
    if (before === undefined) return 0;
    return dropped >= before.dropped ? dropped - before.dropped : dropped;
  });
}
