import type { Clock } from '@faascam/core/clock';
import type { Logger } from '@faascam/core/log';
import type { ObjectStore } from '@faascam/core/store';
import type { BoxHubs } from '../box-hubs.ts';
import type { EventIndex } from '../event-index.ts';
import type { LiveGuards } from '../live-guards.ts';
import type { LiveLink } from '../live-link.ts';
import type { NatsLink } from '../nats-link.ts';
import type { NewsHub } from '../news.ts';

/** What operations work with. Whoever made the parts closes them. */
export interface Parts {
  store: ObjectStore;
  index: EventIndex;
  nats: NatsLink;
  live: LiveLink;
  guards: LiveGuards;
  /** Signs tokens for the agents' live servers; empty: none are given. */
  liveSecret: string;
  /** How long an answer may go on that has no end of its own. */
  streamMs: number;
  clock: Clock;
  log: Logger;
  news: NewsHub;
  boxes: BoxHubs;
  /** Something of an event was stored, or it was removed, just now: lists and listeners are to know. */
  noteStored: (id: string, removed: boolean) => void;
  /** What share links are signed with. Throws `UsageError`. */
  shareSecret: () => Promise<Buffer>;
}
