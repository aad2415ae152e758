import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { removeUnfinished, replaceWhole } from '@faascam/core/durable-file';
import { systemCodeOf } from '@faascam/core/errors';
import { gap, type Gap } from '@faascam/core/messages';
import { z } from 'zod';
import { unlessDiskFull } from './disk-full.ts';

const outage = gap.extend({ epoch: z.number().int().positive().optional() });
/** A span without footage and why, as in a clip's gaps, by the dates of an epoch; absent: of the first. */
export type Outage = z.infer<typeof outage>;

const journal = z.object({ v: z.literal(1), outages: z.array(outage) });

/** More than a week of requests can ask for, even from a camera that drops out every few minutes. */
const KEPT_OUTAGES = 2000;

/** Whoever restarts the agent waits for the camera as well; only a longer wait is the camera's fault. */
const STARTUP_US = 15_000_000;

/** What is known of the time between two segments. */
export interface Between {
  /** The agent was started in between. */
  agentStartedUs?: number | undefined;
  /** The disk had no room; `toUs` is undefined as long as it has none. */
  full?: { fromUs: number; toUs?: number | undefined } | undefined;
  /** There was footage, but of another epoch, which ended at this date. */
  steppedToUs?: number | undefined;
}

/**
 * Why nothing lies between the footage that ended at `endedUs` (undefined: there never was any) and the footage that
 * began at `beganUs`.
 */
export function outagesBetween(
  endedUs: number | undefined,
  beganUs: number,
  { agentStartedUs, full, steppedToUs }: Between = {},
): Gap[] {
  if (full !== undefined) {
    const fromUs = Math.min(Math.max(full.fromUs, endedUs ?? 0), beganUs);
    // What begins again once there is room waits for the camera as well.
    const toUs = Math.max(fromUs, Math.min(beganUs, (full.toUs ?? beganUs) + STARTUP_US));
    return [
      ...outagesBetween(endedUs, fromUs, { agentStartedUs, steppedToUs }),
      ...(toUs > fromUs ? [{ fromUs, toUs, cause: 'disk-full' as const }] : []),
      ...outagesBetween(toUs, beganUs),
    ];
  }
  if (endedUs === undefined && steppedToUs !== undefined) {
    // What begins again after the step waits for the camera as well.
    const toUs = beganUs - steppedToUs <= STARTUP_US ? beganUs : steppedToUs;
    return [{ fromUs: 0, toUs, cause: 'clock-stepped' }, ...outagesBetween(toUs, beganUs)];
  }
  if (endedUs === undefined) return [{ fromUs: 0, toUs: beganUs, cause: 'before-start' }];
  if (beganUs <= endedUs) return [];
  if (agentStartedUs === undefined || agentStartedUs <= endedUs) {
    return [{ fromUs: endedUs, toUs: beganUs, cause: 'camera-lost' }];
  }
  if (beganUs - agentStartedUs <= STARTUP_US)
    return [{ fromUs: endedUs, toUs: beganUs, cause: 'agent-stopped' }];
  return [
    { fromUs: endedUs, toUs: agentStartedUs, cause: 'agent-stopped' },
    { fromUs: agentStartedUs, toUs: beganUs, cause: 'camera-lost' },
  ];
}

/** The outages of a camera, kept in a file so that a gap's cause is known after a restart. */
export class OutageJournal {
  readonly #path: string;
  #outages: Outage[];
  #last: Promise<void> = Promise.resolve();

  private constructor(path: string, outages: Outage[]) {
    this.#path = path;
    this.#outages = outages;
  }

  /** Opens the journal in a folder that is there. */
  static async open(path: string): Promise<OutageJournal> {
    await removeUnfinished(dirname(path));
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if (systemCodeOf(error) === 'ENOENT') return new OutageJournal(path, []);
      throw error;
    }
    try {
      return new OutageJournal(path, journal.parse(JSON.parse(text)).outages);
    } catch {
      // Damaged by a failing disk: the causes of old gaps are lost, nothing else.
      return new OutageJournal(path, []);
    }
  }

  get all(): readonly Outage[] {
    return this.#outages;
  }

  /** Those by the dates of an epoch. */
  of(epoch: number): Gap[] {
    return this.#outages
      .filter((known) => (known.epoch ?? 0) === epoch)
      .map(({ fromUs, toUs, cause }) => ({ fromUs, toUs, cause }));
  }

  /** Adds outages of an epoch. They are on disk when this resolves, unless that is full: then a restart forgets them. */
  async add(outages: readonly Gap[], epoch: number): Promise<void> {
    if (outages.length === 0) return;
    const added = outages.map((each): Outage => (epoch === 0 ? each : { ...each, epoch }));
    this.#outages = [...this.#outages, ...added].slice(-KEPT_OUTAGES);
    // One after the other, or an older state would replace a newer one.
    const turn = this.#last.then(() => unlessDiskFull(() => this.#write()));
    this.#last = turn.catch(() => undefined);
    await turn;
  }

  async #write(): Promise<void> {
    await replaceWhole(this.#path, Buffer.from(JSON.stringify({ v: 1, outages: this.#outages })));
  }
}
