import { inOrder, type Segment } from './segment.ts';

export interface Quota {
  /** Footage kept, counted back from the newest segment's end; so by its own time, not by the wall clock. */
  minutes: number;
  /** Of what no event holds. */
  megabytes: number;
  /** Of what events hold until their clips are stored. */
  pinnedMegabytes: number;
}

/** A ring as eviction sees it. `segments` is in order of writing. */
export interface Evictable {
  readonly segments: readonly Segment[];
  readonly isPinned: (segment: Segment) => boolean;
}

/** A span that an event holds. */
export interface Hold {
  event: string;
  fromUs: number;
  toUs: number;
}

const MEGABYTE = 1024 * 1024;

/**
 * How long before the newest segment's end each ended, by the footage's own time. Where the host's clock was set dates do
 * not tell: what was written before ended when what was written next began.
 */
export function agesOf(segments: readonly Segment[]): Map<Segment, number> {
  const ages = new Map<Segment, number>();
  let ageUs = 0;
  let next: Segment | undefined;
  for (const segment of segments.toReversed()) {
    if (next !== undefined) {
      ageUs += next.epoch === segment.epoch ? next.endUs - segment.endUs : next.endUs - next.startUs;
    }
    ages.set(segment, ageUs);
    next = segment;
  }
  return ages;
}

/** The segments to drop so that a ring keeps its own quota, oldest first. Pinned ones stay, and have a bound of their own. */
export function evictions({ segments, isPinned }: Evictable, quota: Quota): Segment[] {
  const newest = segments.at(-1);
  if (newest === undefined) return [];
  const oldestUs = quota.minutes * 60_000_000;
  const ages = agesOf(segments);
  const idle = segments.filter((segment) => !isPinned(segment));
  let excessBytes = bytesOf(idle) - quota.megabytes * MEGABYTE;
  const dropped: Segment[] = [];
  for (const segment of idle) {
    if ((ages.get(segment) ?? 0) < oldestUs && excessBytes <= 0) break;
    // The newest stays: it tells where the footage ends.
    if (segment === newest) continue;
    dropped.push(segment);
    excessBytes -= segment.sizeBytes;
  }
  return dropped;
}

/**
 * The events that lose their pins so that what is pinned, of all rings together, is at most `limitBytes`: those that ended
 * first. Footage that a younger event holds as well stays pinned. Answers in the order of `rings`.
 */
export function lostHolds(
  rings: readonly (Evictable & { readonly held: readonly Hold[] })[],
  limitBytes: number,
): string[][] {
  const lost = rings.map((): string[] => []);
  const pinned = rings.flatMap(({ segments, isPinned }) => segments.filter(isPinned));
  let excessBytes = bytesOf(pinned) - limitBytes;
  if (excessBytes <= 0) return lost;
  const oldestFirst = rings
    .flatMap(({ segments, held }, index) =>
      held.map((hold) => ({
        ...{ index, hold },
        segments: segments.filter(({ startUs, endUs }) => hold.fromUs < endUs && hold.toUs > startUs),
      })),
    )
    .sort((a, b) => a.hold.toUs - b.hold.toUs);
  const holders = new Map<Segment, number>();
  for (const { segments } of oldestFirst) {
    for (const segment of segments) holders.set(segment, (holders.get(segment) ?? 0) + 1);
  }
  for (const { index, hold, segments } of oldestFirst) {
    if (excessBytes <= 0) break;
    lost[index]?.push(hold.event);
    for (const segment of segments) {
      const others = (holders.get(segment) ?? 0) - 1;
      holders.set(segment, others);
      if (others === 0) excessBytes -= segment.sizeBytes;
    }
  }
  return lost;
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
    .sort((a, b) => inOrder(a.segment, b.segment));
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
