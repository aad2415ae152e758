import { Kvm, type KV } from '@nats-io/kv';
import { StorageType } from '@nats-io/jetstream';
import type { Clock } from '@faascam/core/clock';
import { messageOf } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import type { AgentHealth, CameraHealth, RestreamHealth } from '@faascam/core/messages';
import { buckets } from '@faascam/core/subjects';
import { software } from '@faascam/core/version';
import type { CameraStatus } from './capture/camera-status.ts';
import type { LivePublisher } from './frames/live-publisher.ts';
import { HostUse } from './host.ts';
import { LastHour } from './last-hour.ts';
import { RateLimit } from './rate-limit.ts';
import type { Ring } from './ring/ring.ts';
import type { Uplink } from './uplink.ts';

const EVERY_MS = 2000;
const DISK_FULL =
  'It is looked at but not recorded, the disk of its footage is full: free some space there, or give agent.ringPath another disk.';

/** What health tells of a camera. Its footage is missing while its folder cannot be opened. */
export interface WatchedCamera {
  readonly status: Readonly<CameraStatus>;
  /** Events whose clips are not stored yet. */
  readonly clipsWaiting?: number;
  readonly publisher: Pick<LivePublisher, 'published' | 'publishedBytes' | 'dropped' | 'droppedFor'>;
  readonly footage:
    { readonly ring: Pick<Ring, 'stats' | 'newest'>; readonly withoutRoom: boolean } | undefined;
  readonly chain?: CameraHealth['chain'];
  readonly restream?: { readonly health: RestreamHealth[] };
}

/** What an agent says of one camera. */
export function cameraHealthOf(
  { status, publisher, footage, chain, clipsWaiting, restream }: WatchedCamera,
  bytesSentLastHour: number,
): CameraHealth {
  const stats = footage?.ring.stats;
  // It streams, but there will be no clips: worth a word.
  const unrecorded = status.cause === undefined && status.state === 'streaming' && footage?.withoutRoom;
  return {
    state: status.state,
    cause: unrecorded ? DISK_FULL : status.cause,
    causeCode: unrecorded ? 'disk-full' : status.causeCode,
    decoding: status.decoding,
    active: status.active,
    framesPerSecond: Math.max(0, Math.round(status.framesPerSecond * 100) / 100),
    framesPublished: publisher.published,
    bytesSent: publisher.publishedBytes,
    bytesSentLastHour,
    framesDropped: publisher.dropped,
    framesDroppedFor: { ...publisher.droppedFor },
    lastFrameAtUs: status.lastFrameAtUs,
    lastSegmentAtUs: footage?.ring.newest?.endUs,
    restarts: status.restarts,
    ring: {
      segments: stats?.segments ?? 0,
      bytes: stats?.bytes ?? 0,
      spanMs: Math.max(0, stats?.spanMs ?? 0),
      pinnedBytes: stats?.pinnedBytes ?? 0,
      bytesWrittenLastHour: stats?.writtenLastHour ?? 0,
    },
    chain,
    clips: { waiting: clipsWaiting ?? 0, lostFor: { evicted: stats?.lostPins ?? 0 } },
    restream: restream === undefined || restream.health.length === 0 ? undefined : restream.health,
  };
}

export interface HealthOptions {
  agent: string;
  /** As they are at each moment. */
  cameras: ReadonlyMap<string, WatchedCamera>;
  /** ffmpeg's version. */
  ffmpeg: string;
  /** Asked each time: the config may be changed. */
  configRevision: () => string | undefined;
  /** What the agent signs with. */
  publicKey: string;
  /** Where its live server is, if it has one. */
  live?: (() => AgentHealth['live']) | undefined;
  /** Called each time that health is about to be told. */
  onHealth?: ((health: AgentHealth) => void) | undefined;
  nats: Pick<Uplink, 'messaging' | 'isConnected' | 'state'>;
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
}

/**
 * Writes the agent's health into the bucket `agents` every two seconds, and once more when the signal is aborted.
 * While NATS is away only `onHealth` hears of it.
 */
export async function reportHealth(options: HealthOptions): Promise<void> {
  const { agent, nats, clock, log, signal } = options;
  const limit = new RateLimit(clock);
  const sent = new SentBytes(clock);
  const host = new HostUse();
  let bucket: KV | undefined;
  for (let last = false; !last;) {
    last = signal.aborted;
    const health: AgentHealth = {
      ...{ v: 1, agent, atUs: Math.round(clock.nowUs()), software },
      versions: { node: process.versions.node, ffmpeg: options.ffmpeg },
      uplink: nats.state,
      host: host.read(),
      configRevision: options.configRevision(),
      publicKey: options.publicKey,
      live: options.live?.(),
      cameras: Object.fromEntries(
        [...options.cameras].map(([id, camera]) => [id, cameraHealthOf(camera, sent.note(id, camera))]),
      ),
    };
    options.onHealth?.(health);
    const { messaging } = nats;
    if (messaging !== undefined && nats.isConnected()) {
      try {
        const kept = { history: 1, storage: StorageType.File };
        bucket ??= await new Kvm(messaging.nc).create(buckets.agents, kept);
        await bucket.put(agent, JSON.stringify(health));
      } catch (error) {
        limit.tell('health', () => log.warn(`The agent's health cannot be told: ${messageOf(error)}`));
      }
    }
    if (!last) await clock.sleep(EVERY_MS, signal).catch(() => undefined);
  }
}

/** Bytes sent in the last hour by camera, out of counters that only grow. */
class SentBytes {
  readonly #clock: Clock;
  readonly #cameras = new Map<string, { bytes: number; lastHour: LastHour }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  note(camera: string, { publisher }: WatchedCamera): number {
    const known = this.#cameras.get(camera) ?? { bytes: 0, lastHour: new LastHour(this.#clock) };
    // A camera that was taken out and in again counts from nothing.
    known.lastHour.add(Math.max(0, publisher.publishedBytes - known.bytes));
    known.bytes = publisher.publishedBytes;
    this.#cameras.set(camera, known);
    return known.lastHour.total;
  }
}
