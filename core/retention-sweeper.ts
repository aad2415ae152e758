import { z } from 'zod';
import { systemClock, type Clock } from './clock.ts';
import { MalformedInputError, messageOf } from './errors.ts';
import type { Logger } from './log.ts';
import { parseMessage, sha256, timeUs } from './messages.ts';
import { readObject } from './read-object.ts';
import { settingsDigest, sweepDecision, type SweepState } from './retention.ts';
import { retentionSettings, type RetentionSettings } from './retention-settings.ts';
import { sweep, type SweepOptions, type SweepReport } from './retention-sweep.ts';
import { settingsFromEnv } from './settings.ts';
import type { ObjectStore } from './store.ts';

/** No camera can be called so: ids begin with a letter or digit. */
const STATE_KEY = '_faascam/retention.json';
const MAX_STATE_BYTES = 10_000;
/** The store is asked no more often whether it is time. */
const ASK_EVERY_US = 300_000_000;

const sweepState = z.object({
  v: z.literal(1),
  settings: sha256,
  startedAtUs: timeUs,
  fullAtUs: timeUs.optional(),
});

/**
 * Sweeps a store when it is due, whoever asks: what is remembered lies in the store, so that of many processes one
 * sweeps, and now and then two, which does no harm.
 */
export class RetentionSweeper {
  readonly #settings: RetentionSettings;
  readonly #digest: string;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #signal: AbortSignal;
  #running: Promise<void> | undefined;
  #askAgainUs = 0;

  constructor(options: { settings: RetentionSettings; clock: Clock; log: Logger; signal: AbortSignal }) {
    this.#settings = options.settings;
    this.#digest = settingsDigest(options.settings);
    this.#clock = options.clock;
    this.#log = options.log;
    this.#signal = options.signal;
  }

  /** Sweeps if it is due; a call while one is under way joins it. Never throws: a failure is logged, and tried again. */
  sweepIfDue(store: ObjectStore): Promise<void> {
    if (this.#running !== undefined) return this.#running;
    if (this.#signal.aborted || this.#clock.nowUs() < this.#askAgainUs) return Promise.resolve();
    this.#askAgainUs = this.#clock.nowUs() + ASK_EVERY_US;
    this.#running = this.#sweep(store)
      .catch((error: unknown) => {
        if (!this.#signal.aborted)
          this.#log.warn({ fault: messageOf(error) }, 'old events could not be removed; it is tried again');
      })
      .finally(() => {
        this.#running = undefined;
      });
    return this.#running;
  }

  async #sweep(store: ObjectStore): Promise<void> {
    const nowUs = this.#clock.nowUs();
    const before = await this.#stateIn(store);
    const decision = sweepDecision(before, { settings: this.#digest, nowUs });
    if (decision.kind === 'wait') return;
    const begun: SweepState = { settings: this.#digest, startedAtUs: nowUs };
    if (decision.kind === 'announce') {
      const report = await this.#look(store, { nowUs, dryRun: true, full: true });
      // Not before it was told: the next sweep acts.
      await putState(store, begun);
      this.#tell(report, decision.why);
      return;
    }
    const { full } = decision;
    await putState(store, { ...begun, fullAtUs: before?.fullAtUs });
    const report = await this.#look(store, { nowUs, dryRun: false, full });
    if (full) await putState(store, { ...begun, fullAtUs: nowUs });
    this.#tell(report, undefined);
  }

  #look(store: ObjectStore, options: Omit<SweepOptions, 'signal'>): Promise<SweepReport> {
    return sweep(store, this.#settings, { ...options, signal: this.#signal });
  }

  async #stateIn(store: ObjectStore): Promise<SweepState | undefined> {
    try {
      const bytes = await readObject(store, STATE_KEY, MAX_STATE_BYTES);
      return bytes === undefined ? undefined : parseMessage(sweepState, bytes, STATE_KEY);
    } catch (error) {
      // Damaged, or of a newer version: as if there were none, which removes nothing at first.
      if (error instanceof MalformedInputError) return undefined;
      throw error;
    }
  }

  #tell({ events, sizeBytes, overBytes }: SweepReport, announced: string | undefined): void {
    const told = { events, megabytes: Math.round(sizeBytes / 1e5) / 10 };
    if (announced !== undefined && events > 0) {
      this.#log.warn(
        { ...told, why: announced },
        'these events are older than the retention settings allow, and are removed in an hour; faascam clips sweep lists them',
      );
    }
    if (announced === undefined && events > 0) this.#log.info(told, 'old events removed');
    if (overBytes > 0) {
      this.#log.warn(
        { megabytes: Math.ceil(overBytes / 1e6) },
        'the clip store is over its size, and all events that are left are kept: raise retention.megabytes or let some go',
      );
    }
  }
}

async function putState(store: ObjectStore, state: SweepState): Promise<void> {
  const body = Buffer.from(`${JSON.stringify({ v: 1, ...state })}\n`);
  await store.put(STATE_KEY, body, { contentType: 'application/json' });
}

/**
 * A function's sweeper, as environment variable FAASCAM_RETENTION says; undefined where it is not set: then somebody else
 * sweeps. Throws `UsageError` for settings that cannot be.
 */
export function sweeperFromEnv(log: Logger, signal: AbortSignal): RetentionSweeper | undefined {
  if ((process.env['FAASCAM_RETENTION'] ?? '').trim() === '') return undefined;
  const settings = settingsFromEnv(retentionSettings, 'FAASCAM_RETENTION');
  return new RetentionSweeper({ settings, clock: systemClock, log, signal });
}
