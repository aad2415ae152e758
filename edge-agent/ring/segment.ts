/** A closed file of whole groups of pictures in the ring. Times are capture times in microseconds. */
export interface Segment {
  path: string;
  /** Capture time of its first picture, a keyframe. */
  startUs: number;
  /** Where the next one begins if nothing is missing between them. */
  endUs: number;
  sizeBytes: number;
  /** Counts up each time the host's clock is set: segments of two epochs may claim the same time. */
  epoch: number;
}

/** When a closed file was captured. `joinsPrevious`: the same session wrote the one before. `epoch`: default the first. */
export interface SegmentTimes {
  startUs: number;
  endUs: number;
  joinsPrevious: boolean;
  epoch?: number | undefined;
}

/** In order of writing. */
export function inOrder(
  a: Pick<Segment, 'epoch' | 'startUs'>,
  b: Pick<Segment, 'epoch' | 'startUs'>,
): number {
  return a.epoch - b.epoch || a.startUs - b.startUs;
}

/** The name tells start, duration and epoch, if it is not the first, so that a scan of the directory rebuilds the index. */
export function segmentName(startUs: number, endUs: number, epoch = 0): string {
  return `${String(startUs).padStart(17, '0')}-${endUs - startUs}${epoch === 0 ? '' : `.${epoch}`}.mkv`;
}

/** Start, end and epoch from a segment's file name; undefined if it is none of ours. */
export function parseSegmentName(name: string): Pick<Segment, 'startUs' | 'endUs' | 'epoch'> | undefined {
  const [, start, duration, epoch = '0'] = /^(\d{17})-(\d{1,12})(?:\.([1-9]\d{0,8}))?\.mkv$/.exec(name) ?? [];
  if (start === undefined || duration === undefined) return undefined;
  const startUs = Number(start);
  const durationUs = Number(duration);
  return durationUs > 0 && Number.isSafeInteger(startUs)
    ? { startUs, endUs: startUs + durationUs, epoch: Number(epoch) }
    : undefined;
}
