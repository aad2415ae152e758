import { signal } from '@preact/signals';
import type { EventFeed } from '../data/feed.ts';

/** The list that is on the screen: the player takes the events beside the one shown from it. */
export const shownFeed = signal<EventFeed | undefined>(undefined);

/** Keeps a list of events up to date as long as it is shown. Gives what ends that. */
export function openFeed(feed: EventFeed): () => void {
  feed.open();
  shownFeed.value = feed;
  return () => {
    feed.close();
    if (shownFeed.value === feed) shownFeed.value = undefined;
  };
}
