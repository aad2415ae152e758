import type { Segment } from './segment.ts';

export interface Quota {
  /** Footage kept, counted back from the newest segment's end; so by its own time, not by the wall clock. */
  minutes: number;
  megabytes: number;
}

/** A ring as eviction sees it. `segments` is in order of time. */
export interface Evictable {
  readonly segments: readonly Segment[];
  readonly isPinned: (segment: Segment) => boolean;
}

const MEGABYTE = 1024 * 1024;

/** The segments to drop so that a ring keeps its own quota, oldest first. Pinned ones stay, though they count. */
export function evictions({ segments, isPinned }: Evictable, quota: Quota): Segment[] {
  const newest = segments.at(-1);
  if (newest === undefined) return [];
  const oldestUs = newest.endUs - quota.minutes * 60_000_000;
  let excessBytes = bytesOf(segments) - quota.megabytes * MEGABYTE;
  const dropped: Segment[] = [];
  for (const segment of segments) {
    const tooOld = segment.endUs <= oldestUs;
    if (!tooOld && excessBytes <= 0) break;
    // The newest stays: it tells where the footage ends.
    if (segment === newest || isPinned(segment)) continue;
    dropped.push(segment);
    excessBytes -= segment.sizeBytes;
  }
  return dropped;
}

/**
 * The segments to drop so that all rings together keep within `limitBytes` and the disk gets the `wantedBytes` it
 * lacks: the oldest first, of whichever camera, so that a camera with little footage keeps as many minutes as one with
 * much. What is pinned stays, and each ring's newest. Answers in the order of `rings`.
 */
export function evictionsOfAll(
  rings: readonly Evictable[],
  need: { limitBytes: number; wantedBytes: number },
): Segment[][] {
  const dropped = rings.map((): Segment[] => []);
  const total = rings.reduce((sum, { segments }) => sum + bytesOf(segments), 0);
  let excessBytes = Math.max(total - need.limitBytes, need.wantedBytes);
  if (excessBytes <= 0) return dropped;
  const oldestFirst = rings
    .flatMap((ring, index) => ring.segments.slice(0, -1).map((segment) => ({ ring, index, segment })))
    .sort((a, b) => a.segment.startUs - b.segment.startUs);
  for (const { ring, index, segment } of oldestFirst) {
    if (excessBytes <= 0) break;
    if (ring.isPinned(segment)) continue;
    dropped[index]?.push(segment);
    excessBytes -= segment.sizeBytes;
  }
  return dropped;
}

export function bytesOf(segments: readonly Segment[]): number {
  return segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}
