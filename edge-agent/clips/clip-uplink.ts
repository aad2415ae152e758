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
  /** `waits` for its turn; `brought`: its objects are being put there; `offered`: the clip function may be reading them. */
  stage: 'waits' | 'brought' | 'offered';
  /** Settles when its objects, which made room for another event's, are gone. */
  cleared?: Promise<void>;
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
 * waits, rather one that nobody is at work on, never a newer one's, nor one's that is being brought: its offer would name
 * objects that are gone. Undefined: it has to wait itself.
 */
export function makesRoom(
  events: Iterable<EventOnItsWay>,
  stored: ReadonlySet<string>,
  order: number,
): EventOnItsWay | undefined {
  const [first] = [...events]
    .filter(({ id, stage, order: other }) => stored.has(id) && stage !== 'brought' && other < order)
    .sort((a, b) => Number(a.stage === 'offered') - Number(b.stage === 'offered') || a.order - b.order);
  return first;
}
