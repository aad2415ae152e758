import type { Logger } from '@faascam/core/log';
import type { DetectionsMessage } from '@faascam/core/messages';

type Oddity = 'late' | 'strange' | 'state-damaged';

const SAID_EVERY_MS = 60_000;

const sentences: Record<Oddity, string> = {
  late: 'a frame came out of order and was left out',
  strange: 'a frame is of a time far from the others; the next one tells which is right',
  'state-damaged':
    'the stored objects of this camera cannot be read (damaged, or of another version); following begins anew',
};

/** Counts what is odd about a camera's frames, and says each kind at most once a minute, with how often it was. */
export class OddFrames {
  readonly #log: Logger;
  readonly #counted = new Map<string, { count: number; saidAtMs: number }>();

  constructor(log: Logger) {
    this.#log = log;
  }

  tell({ camera, capturedAtUs, seq }: DetectionsMessage, oddity: Oddity): void {
    const key = `${camera} ${oddity}`;
    const counted = this.#counted.get(key) ?? { count: 0, saidAtMs: -Infinity };
    counted.count += 1;
    this.#counted.set(key, counted);
    const nowMs = performance.now();
    if (nowMs - counted.saidAtMs < SAID_EVERY_MS) return;
    counted.saidAtMs = nowMs;
    this.#log.warn({ camera, capturedAtUs, seq, oddity, count: counted.count }, sentences[oddity]);
  }
}
