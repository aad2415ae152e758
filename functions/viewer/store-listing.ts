import type { Clock } from '@faascam/core/clock';
import { childrenOf } from '@faascam/core/event-walk';
import type { ObjectStore } from '@faascam/core/store';

interface Listing {
  listedAtUs: number;
  names: Promise<string[]>;
  count: number;
  /** It is there; until then, who asks waits for it. */
  done: boolean;
  /** A newer one is on its way. */
  renewing: boolean;
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

  /**
   * Names directly below `prefix` ('' or ending in '/'), in lexical order, as they were at most `maxAgeMs` ago. With `orOld`
   * an older listing is given at once as well, and renewed for whoever asks next.
   */
  async children(prefix: string, maxAgeMs: number, { orOld = false } = {}): Promise<string[]> {
    const known = this.#listings.get(prefix);
    const fresh = known !== undefined && this.#clock.nowUs() - known.listedAtUs <= maxAgeMs * 1000;
    if (known === undefined || (!fresh && !(orOld && known.done))) return await this.#list(prefix);
    this.#listings.delete(prefix);
    this.#listings.set(prefix, known);
    if (!fresh && !known.renewing) {
      known.renewing = true;
      // What was known stays in its place until then, and also if that fails: whoever waits for a listing will see why.
      void childrenOf(this.#store, prefix).then(
        (names) => {
          if (this.#listings.get(prefix) === known) this.#keep(prefix, Promise.resolve(names), names.length);
        },
        () => (known.renewing = false),
      );
    }
    return await known.names;
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

  async #list(prefix: string): Promise<string[]> {
    // The promise is kept, not its result, so that callers at the same time share one listing.
    const listing = this.#keep(prefix, childrenOf(this.#store, prefix), 0);
    try {
      const names = await listing.names;
      if (this.#listings.get(prefix) === listing) {
        listing.done = true;
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

  #keep(prefix: string, names: Promise<string[]>, count: number): Listing {
    this.forget([prefix]);
    const listedAtUs = this.#clock.nowUs();
    const listing: Listing = { listedAtUs, names, count, done: count > 0, renewing: false };
    this.#listings.set(prefix, listing);
    this.#count += count;
    return listing;
  }

  #makeRoom(keep: string): void {
    for (const prefix of [...this.#listings.keys()]) {
      if (this.#count <= this.#maxNames) return;
      if (prefix !== keep) this.forget([prefix]);
    }
  }
}
