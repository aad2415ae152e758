import type { Clock } from '@faascam/core/clock';
import type { Logger } from '@faascam/core/log';
import type { ObjectStore } from '@faascam/core/store';
import type { EventIndex } from '../event-index.ts';
import type { NatsLink } from '../nats-link.ts';

/** What operations work with. Whoever made the parts closes them. */
export interface Parts {
  store: ObjectStore;
  index: EventIndex;
  nats: NatsLink;
  clock: Clock;
  log: Logger;
}
