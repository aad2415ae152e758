/** A segment that ffmpeg has closed, in microseconds of the stream's time. */
export interface ListedSegment {
  name: string;
  startUs: number;
  endUs: number;
}

/** Reads a line of ffmpeg's csv segment list, `000012.mkv,24.000000,26.000000`; undefined if it is no such line. */
export function parseSegmentLine(line: string): ListedSegment | undefined {
  const match = /^(\d{6,12}\.mkv),(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)$/.exec(line.trim());
  const [, name, start, end] = match ?? [];
  if (name === undefined || start === undefined || end === undefined) return undefined;
  const startUs = Math.round(Number(start) * 1e6);
  const endUs = Math.round(Number(end) * 1e6);
  if (!Number.isSafeInteger(startUs) || !Number.isSafeInteger(endUs) || endUs <= startUs) return undefined;
  return { name, startUs, endUs };
}
