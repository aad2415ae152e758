import { statfs } from 'node:fs/promises';
import { systemClock, type Clock } from '@faascam/core/clock';
import { systemCodeOf } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import { RateLimit } from '../rate-limit.ts';
import { bytesOf, evictionsOfAll, lostHolds, type Evictable, type Hold } from './eviction.ts';
import type { Segment } from './segment.ts';

export interface RoomOptions {
  /** A directory on the rings' disk. It must exist by the first `makeRoom`. */
  directory: string;
  /** What all rings may hold together; 0 for no limit but the disk's. */
  limitMegabytes?: number;
  log: Logger;
  clock?: Clock;
  /** Below this much free space the oldest footage goes, whatever the quotas. Default: see `reserveOf`. */
  reserveBytes?: number;
  /** The disk's free and whole size in bytes; for tests. */
  disk?: () => Promise<Disk>;
}

export interface Disk {
  freeBytes: number;
  sizeBytes: number;
}

/** A ring that lies in the room. */
export interface Tenant extends Evictable {
  /** What its next segment may take. */
  readonly nextBytes: number;
  /** What events hold. */
  readonly held: readonly Hold[];
  losePins(events: readonly string[]): Promise<void>;
  /** Takes these out of the ring and deletes their files. */
  drop(segments: readonly Segment[]): Promise<void>;
}

const MEGABYTE = 1024 * 1024;
const MOST_RESERVED_BYTES = 128 * MEGABYTE;
const RESERVED_SHARE = 0.05;
/** What events may hold of all that the rings can have: the rest is for the moments before the next ones. */
const PINNED_SHARE = 0.75;
const TELL_INTERVAL_MS = 600_000;

/** Free space that footage leaves to others, in bytes: 128 MB, and on a small disk (a RAM disk) a twentieth of it. */
export function reserveOf(diskBytes: number): number {
  return Math.min(MOST_RESERVED_BYTES, diskBytes * RESERVED_SHARE);
}

/** The disk that the rings of all cameras share. */
export class Room {
  limitMegabytes: number;
  readonly #options: RoomOptions;
  readonly #limit: RateLimit;
  readonly #tenants = new Set<Tenant>();
  #last: Promise<void> = Promise.resolve();

  constructor(options: RoomOptions) {
    this.#options = options;
    this.limitMegabytes = options.limitMegabytes ?? 0;
    this.#limit = new RateLimit(options.clock ?? systemClock, TELL_INTERVAL_MS);
  }

  enter(tenant: Tenant): void {
    this.#tenants.add(tenant);
  }

  leave(tenant: Tenant): void {
    this.#tenants.delete(tenant);
  }

  /** Drops what is beyond the limit of all rings, and, when the disk is nearly full, the oldest of the rest. */
  async makeRoom(): Promise<void> {
    // One after the other, or each would free what the disk lacks.
    const turn = this.#last.then(() => this.#makeRoom());
    this.#last = turn.catch(() => undefined);
    await turn;
  }

  /** Whether there is room to write a ring's next segments besides this share of what is to stay free. */
  async hasRoom(tenant: Tenant, reserveShare: number): Promise<boolean> {
    const { freeBytes, sizeBytes } = await this.#disk();
    return freeBytes >= tenant.nextBytes + this.#reserve(sizeBytes) * reserveShare;
  }

  #reserve(sizeBytes: number): number {
    return this.#options.reserveBytes ?? reserveOf(sizeBytes);
  }

  async #makeRoom(): Promise<void> {
    const { freeBytes, sizeBytes } = await this.#disk();
    // Each camera is writing its next segment, and we are asked again when that is closed.
    const next = [...this.#tenants].reduce((sum, { nextBytes }) => sum + nextBytes, 0);
    const wantedBytes = this.#reserve(sizeBytes) + next - freeBytes;
    if (wantedBytes > 0) {
      this.#limit.tell('disk', () =>
        this.#options.log.warn(
          { directory: this.#options.directory },
          'The disk of the ring is nearly full: its oldest footage is dropped early. Free some space or keep less.',
        ),
      );
    }
    const limitBytes = this.limitMegabytes > 0 ? this.limitMegabytes * MEGABYTE : Number.MAX_SAFE_INTEGER;
    const tenants = [...this.#tenants];
    const heldBytes = tenants.reduce((sum, { segments }) => sum + bytesOf(segments), 0);
    const mostPinned = PINNED_SHARE * Math.min(limitBytes, heldBytes + freeBytes);
    for (const [index, events] of lostHolds(tenants, mostPinned).entries()) {
      await tenants[index]?.losePins(events);
    }
    const dropped = evictionsOfAll(tenants, { limitBytes, wantedBytes });
    for (const [index, tenant] of tenants.entries()) {
      const segments = dropped[index] ?? [];
      if (segments.length > 0) await tenant.drop(segments);
    }
  }

  async #disk(): Promise<Disk> {
    if (this.#options.disk !== undefined) return await this.#options.disk();
    try {
      const { bavail, blocks, bsize } = await statfs(this.#options.directory);
      return { freeBytes: bavail * bsize, sizeBytes: blocks * bsize };
    } catch (error) {
      // Some network file systems do not tell; the quotas still hold.
      if (systemCodeOf(error) === 'ENOSYS') return { freeBytes: Number.MAX_SAFE_INTEGER, sizeBytes: 0 };
      throw error;
    }
  }
}
