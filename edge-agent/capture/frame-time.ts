/**
 * The time in microseconds from a line that ffmpeg's `metadata=print` writes for each frame
 * (`frame:12   pts:2400000 pts_time:2.4`), `no-time` for a frame without one, undefined for its other lines.
 */
export function parseFrameTime(line: string): number | 'no-time' | undefined {
  const [, pts] = /^frame:\d+\s+pts:(-?\d{1,15}|\S+)/.exec(line) ?? [];
  if (pts === undefined) return undefined;
  return /^-?\d+$/.test(pts) ? Number(pts) : 'no-time';
}
