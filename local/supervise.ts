import { systemClock } from '@faascam/core/clock';
import { messageOf } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';

/** Something that runs until it is stopped, or ends by itself. */
export interface Part {
  readonly name: string;
  readonly pid: number;
  readonly ended: Promise<string>;
  stop(limitMs: number): Promise<void>;
}

export interface Supervised {
  stop(limitMs: number): Promise<void>;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
/** A part that ran this long had a good start: the next restart waits little again. */
const GOOD_RUN_US = 60_000_000;

/**
 * Starts a part and starts it again whenever it ends by itself, after waits that double up to 30 s. The first start
 * must succeed. The owner calls `stop`.
 */
export async function supervise(start: () => Promise<Part>, log: Logger): Promise<Supervised> {
  const stopping = new AbortController();
  let part = await start();
  const keep = async (): Promise<void> => {
    let waitMs = FIRST_WAIT_MS;
    for (;;) {
      const startedUs = systemClock.nowUs();
      const sentence = await part.ended;
      stopping.signal.throwIfAborted();
      if (systemClock.nowUs() - startedUs > GOOD_RUN_US) waitMs = FIRST_WAIT_MS;
      log.error(`${sentence}; starting it again in ${waitMs / 1000} s`);
      for (let running = false; !running;) {
        await systemClock.sleep(waitMs, stopping.signal);
        waitMs = Math.min(LONGEST_WAIT_MS, waitMs * 2);
        try {
          part = await start();
          running = true;
          log.info(`${part.name} runs again`);
        } catch (error) {
          log.error(`${part.name} did not start: ${messageOf(error)}; trying again in ${waitMs / 1000} s`);
        }
      }
    }
  };
  const kept = keep().catch((error: unknown) => {
    if (!stopping.signal.aborted) throw error;
  });
  return {
    stop: async (limitMs) => {
      stopping.abort();
      await part.stop(limitMs);
      await kept;
    },
  };
}
