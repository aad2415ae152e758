import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '@faascam/core/clock';
import type { Logger } from '@faascam/core/log';
import type { RestreamHealth } from '@faascam/core/messages';
import { redact } from '@faascam/core/redact';
import { parseTarget, shownTarget, type RestreamSettings } from '@faascam/core/restream-settings';
import { reconnectAfter } from '../capture/reconnect-policy.ts';
import type { LiveTap } from '../live/live-tap.ts';
import type { PushCause } from './push-cause.ts';
import { isCalled, pushSession } from './push-session.ts';

const STALL_MS = 20_000;
const RENEW_MS = 30_000;
const WAITS_FOR_CAMERA = 'The camera sends nothing at the moment.';

export interface RestreamOptions {
  camera: string;
  tap: LiveTap;
  clock: Clock;
  log: Logger;
  /** Shorter times, for tests. */
  timing?: { stallMs?: number; renewMs?: number; random?: () => number } | undefined;
}

/** Where a camera is sent on to. Each target is on its own: what is wrong with one touches neither others nor the recording. */
export class Restream {
  readonly #options: RestreamOptions;
  #pushes: { settings: RestreamSettings; push: RestreamPush }[] = [];

  constructor(options: RestreamOptions) {
    this.#options = options;
  }

  /** In the order of the settings. */
  get health(): RestreamHealth[] {
    return this.#pushes.map(({ push }) => ({ ...push.health }));
  }

  /** Sends to these targets from now on; those that stay as they were go on. Resolves when the others have ended. */
  async set(targets: readonly RestreamSettings[]): Promise<void> {
    const before = [...this.#pushes];
    this.#pushes = targets.map((settings) => {
      const at = before.findIndex((other) => isDeepStrictEqual(other.settings, settings));
      const [kept] = at < 0 ? [] : before.splice(at, 1);
      return kept ?? { settings, push: new RestreamPush(settings, this.#options) };
    });
    await Promise.all(before.map(({ push }) => push.stop()));
  }
}

/** One target that a camera is sent on to, until `stop`. */
class RestreamPush {
  readonly health: RestreamHealth;
  readonly #options: RestreamOptions;
  readonly #settings: RestreamSettings;
  readonly #stop = new AbortController();
  readonly #over: Promise<void>;
  #streamingSinceUs: number | undefined;

  constructor(settings: RestreamSettings, options: RestreamOptions) {
    this.#options = options;
    this.#settings = settings;
    const to = shownTarget(parseTarget(settings.to));
    this.health = { to, state: 'waiting', cause: WAITS_FOR_CAMERA, causeCode: 'camera', restarts: 0 };
    this.#over = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#over;
  }

  async #run(): Promise<void> {
    const { tap, clock, timing = {} } = this.#options;
    const { signal } = this.#stop;
    const target = parseTarget(this.#settings.to);
    const waitsForCaller = `The target ${this.health.to} waits for a caller.`;
    let connections = 0;
    let failures = 0;
    while (!signal.aborted) {
      const beganUs = clock.nowUs();
      this.#streamingSinceUs = undefined;
      const end = await pushSession({
        ...{ tap, target, settings: this.#settings, signal },
        ...{ stallMs: timing.stallMs ?? STALL_MS, renewMs: timing.renewMs ?? RENEW_MS },
        onConnecting: () => {
          this.health.restarts = connections;
          connections += 1;
          if (isCalled(target)) this.#become('waiting', { code: 'caller', message: waitsForCaller });
          else this.#become('connecting');
        },
        onStreaming: () => this.#streams(),
      });
      if (end.by === 'stopped') return;
      if (end.by === 'age') {
        // Nothing has happened that anybody would want to know.
        connections -= 1;
        continue;
      }
      if (end.by === 'camera') {
        this.#become('waiting', { code: 'camera', message: WAITS_FOR_CAMERA });
        continue;
      }
      const since = this.#sinceUs();
      const last = {
        ...{ failures, retry: end.cause.retry, random: (timing.random ?? Math.random)() },
        streamedMs: since === undefined ? 0 : (clock.nowUs() - since) / 1000,
        lastedMs: (clock.nowUs() - beganUs) / 1000,
      };
      const { waitMs, ...next } = reconnectAfter(last);
      failures = next.failures;
      this.#failed(end.cause, waitMs);
      await clock.sleep(waitMs, signal).catch(() => undefined);
    }
  }

  /** When the target began to take what it gets. */
  #sinceUs(): number | undefined {
    return this.#streamingSinceUs;
  }

  #streams(): void {
    const { camera, clock, log } = this.#options;
    this.#streamingSinceUs = clock.nowUs();
    this.#become('streaming');
    log.info(`Camera ${camera} is sent on to ${this.health.to}.`);
  }

  #failed({ code, says }: PushCause, retryInMs: number): void {
    const { camera, log } = this.#options;
    const message = redact(`The target ${this.health.to} ${says}.`);
    const state = code === 'unfit-codec' ? 'failed' : 'waiting';
    // Once for each cause: a target may be away for days.
    if (this.health.causeCode !== code || this.#streamingSinceUs !== undefined)
      log.warn({ cause: code, retryInMs }, `Camera ${camera} is not sent on. ${message}`);
    this.#become(state, { code, message });
  }

  #become(state: RestreamHealth['state'], cause?: { code: string; message: string }): void {
    this.health.state = state;
    // While it is tried again, what was wrong is worth to be known.
    if (state === 'connecting') return;
    this.health.cause = cause?.message;
    this.health.causeCode = cause?.code;
  }
}
