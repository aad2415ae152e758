import type { Clock } from '@faascam/core/clock';
import { childrenOf, eventsOfDay, type EventDay } from '@faascam/core/event-walk';
import type { ObjectStore } from '@faascam/core/store';

interface Listing {
  listedAtUs: number;
  names: Promise<string[]>;
  count: number;
}

/**
 * The "folders" below a prefix of the store, remembered for a while: listing is the slow and, in the cloud, the
 * paid part. Holds at most about `maxNames` names; the listings longest unused go first.
 */
export class StoreListing {
  readonly #store: Pick<ObjectStore, 'list'>;
  readonly #clock: Clock;
  readonly #maxNames: number;
  /** In order of use, the longest unused first. */
  readonly #listings = new Map<string, Listing>();
  #count = 0;

  constructor(store: Pick<ObjectStore, 'list'>, clock: Clock, maxNames = 50_000) {
    this.#store = store;
    this.#clock = clock;
    this.#maxNames = maxNames;
  }

  /** Names directly below `prefix` ('' or ending in '/'), in lexical order, as they were at most `maxAgeMs` ago. */
  async children(prefix: string, maxAgeMs: number): Promise<string[]> {
    return await this.#remembered(prefix, maxAgeMs, () => childrenOf(this.#store, prefix));
  }

  /** Ids of the day's events that have a receipt, oldest first, as they were at most `maxAgeMs` ago. */
  async events(day: Pick<EventDay, 'prefix' | 'date'>, maxAgeMs: number): Promise<string[]> {
    return await this.#remembered(day.prefix, maxAgeMs, async () => {
      const ids: string[] = [];
      for await (const { id, objects } of eventsOfDay(this.#store, day)) {
        if (objects.has('event.json')) ids.push(id);
      }
      return ids;
    });
  }

  async #remembered(prefix: string, maxAgeMs: number, list: () => Promise<string[]>): Promise<string[]> {
    const known = this.#listings.get(prefix);
    if (known !== undefined && this.#clock.nowUs() - known.listedAtUs <= maxAgeMs * 1000) {
      this.#listings.delete(prefix);
      this.#listings.set(prefix, known);
      return await known.names;
    }
    this.forget([prefix]);
    // The promise is kept, not its result, so that callers at the same time share one listing.
    const listing: Listing = {
      listedAtUs: this.#clock.nowUs(),
      names: list(),
      count: 0,
    };
    this.#listings.set(prefix, listing);
    try {
      const names = await listing.names;
      if (this.#listings.get(prefix) === listing) {
        listing.count = names.length;
        this.#count += names.length;
        this.#makeRoom(prefix);
      }
      return names;
    } catch (error) {
      if (this.#listings.get(prefix) === listing) this.#listings.delete(prefix);
      throw error;
    }
  }

  /** The next call lists these prefixes anew. */
  forget(prefixes: string[]): void {
    for (const prefix of prefixes) {
      this.#count -= this.#listings.get(prefix)?.count ?? 0;
      this.#listings.delete(prefix);
    }
  }

  forgetAll(): void {
    this.#listings.clear();
    this.#count = 0;
  }

  /** How many names are remembered below prefixes of so many levels. */
  countBelow(levels: number): number {
    let sum = 0;
    for (const [prefix, { count }] of this.#listings) {
      if (prefix.split('/').length - 1 === levels) sum += count;
    }
    return sum;
  }

  #makeRoom(keep: string): void {
    for (const prefix of [...this.#listings.keys()]) {
      if (this.#count <= this.#maxNames) return;
      if (prefix !== keep) this.forget([prefix]);
    }
  }
}
