import { Kvm, type KV } from '@nats-io/kv';
import { StorageType } from '@nats-io/jetstream';
import type { Clock } from '@faascam/core/clock';
import { messageOf } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import type { AgentHealth } from '@faascam/core/messages';
import type { Messaging } from '@faascam/core/messaging';
import { buckets } from '@faascam/core/subjects';
import { software } from '@faascam/core/version';
import type { CameraStatus } from './capture/camera-status.ts';
import type { LivePublisher } from './frames/live-publisher.ts';
import { RateLimit } from './rate-limit.ts';
import type { Ring } from './ring/ring.ts';

const EVERY_MS = 2000;

/** What health tells of, by camera. */
export type WatchedCameras = ReadonlyMap<
  string,
  { status: Readonly<CameraStatus>; publisher: LivePublisher; ring: Ring }
>;

export function healthOf(agent: string, cameras: WatchedCameras, atUs: number): AgentHealth {
  const entries = [...cameras].map(([camera, { status, publisher, ring }]) => {
    const { segments, bytes, spanMs } = ring.stats;
    return [
      camera,
      {
        state: status.state,
        ...(status.cause === undefined ? {} : { cause: status.cause }),
        framesPublished: publisher.published,
        framesDropped: publisher.dropped,
        ...(status.lastFrameAtUs === undefined ? {} : { lastFrameAtUs: status.lastFrameAtUs }),
        restarts: status.restarts,
        ring: { segments, bytes, spanMs: Math.max(0, spanMs) },
      },
    ] as const;
  });
  return { v: 1, agent, atUs: Math.round(atUs), software, cameras: Object.fromEntries(entries) };
}

/**
 * Writes the agent's health into the bucket `agents` every two seconds, and once more when the signal is aborted.
 * While NATS is away it keeps trying.
 */
export async function reportHealth(options: {
  agent: string;
  cameras: WatchedCameras;
  messaging: Messaging;
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
}): Promise<void> {
  const { agent, cameras, messaging, clock, log, signal } = options;
  const limit = new RateLimit(clock);
  let bucket: KV | undefined;
  for (let last = false; !last;) {
    last = signal.aborted;
    try {
      bucket ??= await new Kvm(messaging.nc).create(buckets.agents, {
        history: 1,
        storage: StorageType.File,
      });
      await bucket.put(agent, JSON.stringify(healthOf(agent, cameras, clock.nowUs())));
    } catch (error) {
      limit.tell('health', () => log.warn(`The agent's health cannot be told: ${messageOf(error)}`));
    }
    if (!last) await clock.sleep(EVERY_MS, signal).catch(() => undefined);
  }
}
