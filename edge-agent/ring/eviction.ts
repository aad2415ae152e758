import type { Segment } from './segment.ts';

export interface Quota {
  /** Footage kept, counted back from the newest segment's end; so by its own time, not by the wall clock. */
  minutes: number;
  megabytes: number;
}

const MEGABYTE = 1024 * 1024;

/**
 * The segments to drop so that the ring keeps its quota, oldest first. `segments` is in order of time. Pinned ones
 * stay, though they count; `wantedBytes` is what the disk lacks.
 */
export function evictions(ring: {
  segments: readonly Segment[];
  isPinned: (segment: Segment) => boolean;
  quota: Quota;
  wantedBytes?: number;
}): Segment[] {
  const newest = ring.segments.at(-1);
  if (newest === undefined) return [];
  const oldestUs = newest.endUs - ring.quota.minutes * 60_000_000;
  let excessBytes = ring.segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  excessBytes = Math.max(excessBytes - ring.quota.megabytes * MEGABYTE, ring.wantedBytes ?? 0);
  const dropped: Segment[] = [];
  for (const segment of ring.segments) {
    const tooOld = segment.endUs <= oldestUs;
    if (!tooOld && excessBytes <= 0) break;
    // The newest stays: it tells where the footage ends.
    if (segment === newest || ring.isPinned(segment)) continue;
    dropped.push(segment);
    excessBytes -= segment.sizeBytes;
  }
  return dropped;
}
