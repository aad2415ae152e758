import { capturedAtUs, firstUs, lastUs, longestIntervalUs, type Segment, type Track } from './segment.ts';

/** A segment and where it lies in the clip. */
export interface Placed {
  segment: Segment;
  /** What is added to its own times to have the clip's: whole milliseconds. */
  shiftUs: number;
  /**
   * For ffmpeg's concat demuxer: how long it takes until the next file begins; undefined for the last. The demuxer
   * puts the start of a file (that of any stream) at the sum of the durations before it.
   */
  fileDurationUs: number | undefined;
}

/**
 * Lays segments, in order of time, on one time line, true to their capture times: where footage is missing, the
 * time passes and the last picture stands. The first file begins at 0.
 *
 * Segments that overlap by their times (a clock was set back, a camera hurried) are laid end to end, since the time
 * of a clip cannot run backwards; the next hole takes the delay up again. All is moved by whole milliseconds, in which
 * Matroska counts.
 */
export function layOut(segments: Segment[], withSound: boolean): Placed[] {
  const placed: Placed[] = [];
  for (const segment of segments) {
    const before = placed.at(-1);
    const first = placed[0];
    let shiftUs = -segment.fileStartUs;
    if (before !== undefined && first !== undefined) {
      // The first pictures of two segments are as far apart as their captures.
      const origin = first.segment.firstPictureUs + first.shiftUs - first.segment.ref.startUs;
      shiftUs = wholeTicks(origin + segment.ref.startUs - segment.firstPictureUs);
      shiftUs += pushUs(before, segment, shiftUs, withSound);
      before.fileDurationUs = segment.fileStartUs + shiftUs - (before.segment.fileStartUs + before.shiftUs);
    }
    placed.push({ segment, shiftUs, fileDurationUs: undefined });
  }
  return placed;
}

/** By how much a segment must be moved on so that each of its tracks begins after that track's end in the one before. */
function pushUs(before: Placed, segment: Segment, shiftUs: number, withSound: boolean): number {
  let push = 0;
  for (const kind of withSound ? (['video', 'audio'] as const) : (['video'] as const)) {
    const earlier = before.segment[kind];
    const later = segment[kind];
    if (earlier === undefined || later === undefined) continue;
    const lateUs = lastUs(earlier) + before.shiftUs + MATROSKA_TICK_US - (firstUs(later) + shiftUs);
    // Times are rounded to Matroska's ticks: what comes just after is right as it is.
    if (lateUs > 0) push = Math.max(push, lateUs - MATROSKA_TICK_US + stepUs(before.segment, earlier));
  }
  // The file as a whole must not begin before the one before it.
  return Math.max(push, before.segment.fileStartUs + before.shiftUs - (segment.fileStartUs + shiftUs));
}

const MATROSKA_TICK_US = 1000;

function wholeTicks(us: number): number {
  return Math.round(us / MATROSKA_TICK_US) * MATROSKA_TICK_US;
}

/** How long after a track's last packet the next may come. */
function stepUs(segment: Segment, track: Track): number {
  const between = track.ptsUs.length - 1;
  const meanUs = between > 0 ? (lastUs(track) - firstUs(track)) / between : 0;
  const intervalUs = track === segment.video ? longestIntervalUs(segment) : meanUs;
  const stepUs = track.lastDurationUs > 0 ? track.lastDurationUs : intervalUs;
  return Math.max(wholeTicks(stepUs), MATROSKA_TICK_US);
}

/** The list that ffmpeg's concat demuxer reads. */
export function concatList(placed: Placed[]): string {
  const lines = ['ffconcat version 1.0'];
  for (const { segment, fileDurationUs } of placed) {
    lines.push(`file '${segment.path.replaceAll("'", String.raw`'\''`)}'`);
    if (fileDurationUs !== undefined) lines.push(`duration ${(fileDurationUs / 1_000_000).toFixed(6)}`);
  }
  return `${lines.join('\n')}\n`;
}

/** A picture of the clip: when it is shown, and when it was captured. */
export interface ClipFrame {
  clipUs: number;
  capturedAtUs: number;
}

/** The clip's pictures in the order they are shown. */
export function framesOf(placed: Placed[]): ClipFrame[] {
  return placed
    .flatMap(({ segment, shiftUs }) =>
      Array.from(segment.video.ptsUs, (ptsUs) => ({
        clipUs: ptsUs + shiftUs,
        capturedAtUs: capturedAtUs(segment, ptsUs),
      })),
    )
    .sort((a, b) => a.clipUs - b.clipUs);
}

/** The picture captured nearest to a time. */
export function nearestFrame(frames: ClipFrame[], atUs: number): ClipFrame | undefined {
  return frames.reduce<ClipFrame | undefined>(
    (best, frame) =>
      best === undefined || Math.abs(frame.capturedAtUs - atUs) < Math.abs(best.capturedAtUs - atUs)
        ? frame
        : best,
    undefined,
  );
}
