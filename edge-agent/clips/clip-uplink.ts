import type { Clock } from '@faascam/core/clock';
import { ChunkLane } from './chunk-lane.ts';
import { OfferSchedule } from './offer-schedule.ts';

/** What the agent's clips may take of the link and of NATS. */
export interface UplinkSettings {
  /** Of all clips together; 0 for no limit. */
  clipKilobytesPerSecond: number;
  /** What the object store may hold, of all agents together. */
  storeMegabytes: number;
}

export const usualUplink: UplinkSettings = { clipKilobytesPerSecond: 0, storeMegabytes: 2048 };

/** An event whose footage is on its way, or waits for that. */
export interface EventOnItsWay {
  id: string;
  camera: string;
  /** The event's place among all: the highest goes first. */
  order: number;
  /** Whether it is offered now: the clip function may be reading its objects. */
  offered: boolean;
  /** When it was offered last, in this process. */
  offeredAtUs?: number;
}

/** What all cameras of an agent share on the way of their clips: turns, the link, and the room in the object store. */
export class ClipUplink {
  readonly schedule: OfferSchedule;
  readonly lane: ChunkLane;
  readonly events = new Map<string, EventOnItsWay>();
  storeMegabytes = usualUplink.storeMegabytes;

  constructor(clock: Clock, settings: UplinkSettings = usualUplink) {
    this.schedule = new OfferSchedule(clock);
    this.lane = new ChunkLane(clock);
    this.set(settings);
  }

  set({ clipKilobytesPerSecond, storeMegabytes }: UplinkSettings): void {
    this.lane.kilobytesPerSecond = clipKilobytesPerSecond;
    this.storeMegabytes = storeMegabytes;
  }
}

/**
 * Whose objects go when the object store is full and an event of this `order` has none there yet: the oldest one's that
 * waits, rather one that nobody is at work on, never a newer one's. Undefined: it has to wait itself.
 */
export function makesRoom(
  events: Iterable<EventOnItsWay>,
  stored: ReadonlySet<string>,
  order: number,
): EventOnItsWay | undefined {
  const [first] = [...events]
    .filter((event) => stored.has(event.id) && event.order < order)
    .sort((a, b) => Number(a.offered) - Number(b.offered) || a.order - b.order);
  return first;
}
