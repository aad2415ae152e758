import type { Freshness } from './policy.ts';

/** What the order of a lane depends on. */
export interface Queued {
  freshness: Freshness;
  /** Must be delivered, whatever comes after it. */
  kept: boolean;
}

/**
 * The queue of a lane (one function, one subject) after `arrived` came, and what it made worthless.
 * Where only the newest counts, it takes the place of the images at the end of the queue. An image in front of a
 * kept message stays where it is: whatever is kept is never overtaken.
 */
export function enqueue<T extends Queued>(waiting: readonly T[], arrived: T): { waiting: T[]; dropped: T[] } {
  if (arrived.freshness === 'ordered' || arrived.kept) return { waiting: [...waiting, arrived], dropped: [] };
  const isImage = (queued: T): boolean => queued.freshness === 'newest' && !queued.kept;
  let end = waiting.length;
  for (let last = waiting[end - 1]; last !== undefined && isImage(last); last = waiting[end - 1]) end -= 1;
  return { waiting: [...waiting.slice(0, end), arrived], dropped: waiting.slice(end) };
}
