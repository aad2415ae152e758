/** A closed file of whole groups of pictures in the ring. Times are capture times in microseconds. */
export interface Segment {
  path: string;
  /** Capture time of its first picture, a keyframe. */
  startUs: number;
  /** Where the next one begins if nothing is missing between them. */
  endUs: number;
  sizeBytes: number;
}

/** The name tells start and duration, so that a scan of the directory rebuilds the index. */
export function segmentName(startUs: number, endUs: number): string {
  return `${String(startUs).padStart(17, '0')}-${endUs - startUs}.mkv`;
}

/** Start and end from a segment's file name; undefined if it is none of ours. */
export function parseSegmentName(name: string): { startUs: number; endUs: number } | undefined {
  const [, start, duration] = /^(\d{17})-(\d{1,12})\.mkv$/.exec(name) ?? [];
  if (start === undefined || duration === undefined) return undefined;
  const startUs = Number(start);
  const durationUs = Number(duration);
  return durationUs > 0 && Number.isSafeInteger(startUs)
    ? { startUs, endUs: startUs + durationUs }
    : undefined;
}
