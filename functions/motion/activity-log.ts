import type { KV } from '@nats-io/kv';
import {
  activityHour,
  activityKey,
  digitsOf,
  hourOf,
  levelOf,
  levelsIn,
  SLOTS,
  slotOf,
  type ActivityHour,
} from '@faascam/core/activity';
import type { Clock } from '@faascam/core/clock';
import { MalformedInputError, messageOf } from '@faascam/core/errors';
import type { FunctionMessaging } from '@faascam/core/function-messaging';
import type { Logger } from '@faascam/core/log';
import { parseMessage } from '@faascam/core/messages';
import { isOutdated } from '@faascam/core/nats-answers';
import { openActivity } from '@faascam/core/site-buckets';

/** An hour of a camera as this replica knows it. */
interface Hour {
  camera: string;
  startUs: number;
  levels: number[];
  /** At which it was read or written last; undefined: not yet. */
  revision: number | undefined;
  /** There is more in it than was written. */
  ahead: boolean;
  writing: Promise<void> | undefined;
}

const WAIT_AFTER_FAULT_MS = 30_000;
/** More hours than this, most of them unwritten, are not worth their memory: the oldest goes. */
const MOST_HOURS = 500;

/**
 * Keeps how much moved, in the bucket `activity`. An hour only ever rises, so that replicas may write it in any order and a
 * frame may come twice; it is written when a slot rises, a few times a slot at most. Frames never wait for it: what cannot be
 * written is tried again with what moves later, in whichever hour and in front of whichever camera, and at the end.
 */
export class ActivityLog {
  readonly #messaging: FunctionMessaging;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #hours = new Map<string, Hour>();
  #opening: Promise<KV> | undefined;
  #notBeforeUs = 0;
  #failing = false;

  constructor(messaging: FunctionMessaging, clock: Clock, log: Logger) {
    this.#messaging = messaging;
    this.#clock = clock;
    this.#log = log;
  }

  /** Something moved in this share of a frame's picture, 0 to 1. */
  note(camera: string, capturedAtUs: number, share: number): void {
    const hour = this.#hour(camera, capturedAtUs);
    const slot = slotOf(capturedAtUs);
    const level = levelOf(share);
    if ((hour.levels[slot] ?? 0) >= level) return;
    hour.levels[slot] = level;
    hour.ahead = true;
    this.#write(hour);
  }

  /** Resolves once all is written, or cannot be. */
  async close(): Promise<void> {
    // Whatever was wrong: there is no later.
    this.#notBeforeUs = 0;
    this.#writeAhead();
    const writing = (): Promise<void>[] => [...this.#hours.values()].flatMap((hour) => hour.writing ?? []);
    while (writing().length > 0) await Promise.all(writing());
  }

  #hour(camera: string, us: number): Hour {
    const key = activityKey(camera, us);
    const known = this.#hours.get(key);
    if (known !== undefined) return known;
    const [oldest] = this.#hours.keys();
    if (oldest !== undefined && this.#hours.size >= MOST_HOURS) this.#hours.delete(oldest);
    const levels = new Array<number>(SLOTS).fill(0);
    const hour: Hour = {
      ...{ camera, startUs: hourOf(us), levels },
      ...{ revision: undefined, ahead: false, writing: undefined },
    };
    this.#hours.set(key, hour);
    return hour;
  }

  #write(hour: Hour): void {
    if (hour.writing !== undefined || this.#clock.nowUs() < this.#notBeforeUs) return;
    hour.writing = this.#writeAll(hour).finally(() => {
      hour.writing = undefined;
      // What came just now, and what could not be written before, whose hour may be over.
      this.#writeAhead();
    });
  }

  #writeAhead(): void {
    for (const hour of this.#hours.values()) if (hour.ahead) this.#write(hour);
  }

  /** Never rejects. */
  async #writeAll(hour: Hour): Promise<void> {
    try {
      const bucket = await this.#open();
      while (hour.ahead) await this.#writeOnce(bucket, hour);
      this.#forgetBefore(hour);
      if (this.#failing) this.#log.info('What moves is kept for the timeline again.');
      this.#failing = false;
    } catch (error) {
      hour.revision = undefined;
      this.#opening = undefined;
      this.#notBeforeUs = this.#clock.nowUs() + WAIT_AFTER_FAULT_MS * 1000;
      if (!this.#failing)
        this.#log.warn(
          `What moves cannot be kept for the timeline: ${messageOf(error)}. It is tried again; events lack nothing.`,
        );
      this.#failing = true;
    }
  }

  async #writeOnce(bucket: KV, hour: Hour): Promise<void> {
    const key = activityKey(hour.camera, hour.startUs);
    if (hour.revision === undefined) {
      const entry = await bucket.get(key);
      const there = entry?.operation === 'PUT' ? hourIn(entry.value) : undefined;
      for (const [slot, level] of levelsIn(there?.levels ?? '').entries())
        hour.levels[slot] = Math.max(level, hour.levels[slot] ?? 0);
      hour.revision = entry?.revision ?? 0;
    }
    const { camera, startUs, levels } = hour;
    hour.ahead = false;
    const value: ActivityHour = { v: 1, camera, startUs, levels: digitsOf(levels) };
    try {
      hour.revision = await bucket.put(key, JSON.stringify(value), { previousSeq: hour.revision });
    } catch (error) {
      hour.ahead = true;
      hour.revision = undefined;
      // Another replica was faster: with what it wrote once more.
      if (!isOutdated(error)) throw error;
    }
  }

  /** A camera's earlier hours are over. A frame that is late reads one again. */
  #forgetBefore({ camera, startUs }: Hour): void {
    for (const [key, hour] of this.#hours) {
      const isDone = !hour.ahead && hour.writing === undefined;
      if (hour.camera === camera && hour.startUs < startUs && isDone) this.#hours.delete(key);
    }
  }

  #open(): Promise<KV> {
    this.#opening ??= this.#messaging.get().then(openActivity);
    return this.#opening;
  }
}

/** Undefined for what cannot be read: it is begun anew. */
function hourIn(value: Uint8Array): ActivityHour | undefined {
  try {
    return parseMessage(activityHour, value, 'What moved');
  } catch (error) {
    if (error instanceof MalformedInputError) return undefined;
    throw error;
  }
}
