import { DiscardPolicy, JetStreamApiError, StorageType } from '@nats-io/jetstream';
import { Kvm, type KV } from '@nats-io/kv';
import { Objm, type ObjectStore } from '@nats-io/obj';
import { nanos, PermissionViolationError } from '@nats-io/transport-node';
import { ACTIVITY_STREAM } from './activity.ts';
import { ensureStreams, streamConfigs, type Messaging, type StreamToBe } from './messaging.ts';
import { orAbsent } from './nats-answers.ts';
import { auditLog, buckets } from './subjects.ts';

/** Whatever nobody fetched by then is offered again from the ring of its agent. */
const SEGMENTS_KEPT_MS = 86_400_000;
const SEGMENTS_MEGABYTES = 2048;
const SEGMENTS = `OBJ_${buckets.segments}`;

/** What NATS answers when a stream has all the bytes that it may, or the server has no more for it. */
const FULL_CODES = new Set([10_077, 10_023, 10_047]);

const DAY_MS = 86_400_000;
/** No session lasts longer than 30 days. */
const SESSIONS_KEPT_MS = 31 * DAY_MS;
const AUDIT_KEPT_MS = 90 * DAY_MS;
const SMALL_BYTES = 2 * 1024 * 1024;
/** As long as events are kept by default, and a day. */
const ACTIVITY_KEPT_MS = 31 * DAY_MS;
/** Some 80 cameras for as long; with more the oldest hours go earlier. */
const ACTIVITY_BYTES = 32 * 1024 * 1024;

interface StateBucket {
  name: string;
  storage: StorageType;
  /** Absent: for ever. */
  keptMs?: number;
  maxBytes?: number;
  /** What happens where it is full: nothing new is taken (the default), or the oldest goes. */
  discard?: DiscardPolicy;
}

const stateBuckets: readonly StateBucket[] = [
  { name: buckets.motion, storage: StorageType.Memory },
  { name: buckets.tracks, storage: StorageType.File },
  { name: buckets.agents, storage: StorageType.File },
  { name: buckets.cameras, storage: StorageType.File },
  { name: buckets.notify, storage: StorageType.File },
  { name: buckets.push, storage: StorageType.File },
];
/** Some 5,000 sessions of the page: who logs in again and again may not fill the disk. */
const sessionsBucket: StateBucket = {
  name: buckets.sessions,
  storage: StorageType.File,
  keptMs: SESSIONS_KEPT_MS,
  maxBytes: SMALL_BYTES,
};
const activityBucket: StateBucket = {
  name: buckets.activity,
  storage: StorageType.File,
  keptMs: ACTIVITY_KEPT_MS,
  maxBytes: ACTIVITY_BYTES,
  discard: DiscardPolicy.Old,
};

/**
 * Makes the streams, `more` of them as well, and buckets that do not exist yet. The connector does, for where each part has rights of its own the
 * others may only use what is there. What can be done without is left out where the server has no room for it; agents say so of their object store.
 */
export async function ensureSite(messaging: Messaging, more: readonly StreamToBe[] = []): Promise<void> {
  const { jsm } = messaging;
  // One question, for this is asked every few seconds.
  const there = new Set<string>();
  for await (const name of jsm.streams.names()) there.add(name);
  const missing = [...streamConfigs, ...more].filter(({ name }) => !there.has(name));
  if (missing.length > 0) await ensureStreams(jsm, undefined, missing);
  for (const bucket of stateBuckets) {
    if (!there.has(`KV_${bucket.name}`)) await jsm.streams.add(stateBucket(bucket));
  }
  // Timelines do without what moved.
  if (!there.has(ACTIVITY_STREAM)) await unlessFull(jsm.streams.add(stateBucket(activityBucket)));
  if (!there.has(SEGMENTS)) await unlessFull(openSegments(messaging, SEGMENTS_MEGABYTES));
  // The page does without a list of its sessions.
  if (!there.has(`KV_${buckets.sessions}`)) await unlessFull(jsm.streams.add(stateBucket(sessionsBucket)));
  if (!there.has(auditLog.stream)) await unlessFull(jsm.streams.add(auditStream));
}

/** Leaves out what the server has no room for. */
async function unlessFull(making: Promise<unknown>): Promise<void> {
  await making.catch((error: unknown) => {
    if (!isFull(error)) throw error;
  });
}

/**
 * A KV bucket as NATS's clients make it (ADR-8), but that a message may not roll up others: who writes one key, such as an
 * agent its health, could empty the whole bucket with it. Purging is a right of its own, which nobody has but who may write
 * all keys.
 */
function stateBucket({ name, storage, keptMs, maxBytes, discard = DiscardPolicy.New }: StateBucket) {
  return {
    ...(keptMs === undefined ? {} : { max_age: nanos(keptMs) }),
    ...(maxBytes === undefined ? {} : { max_bytes: maxBytes }),
    name: `KV_${name}`,
    subjects: [`$KV.${name}.>`],
    storage,
    max_msgs_per_subject: 1,
    discard,
    allow_direct: true,
    deny_delete: true,
    allow_rollup_hdrs: false,
  };
}

/** The newest entries of the page's audit log. Nobody but the server's admin can take one out. */
const auditStream = {
  name: auditLog.stream,
  subjects: [auditLog.subject],
  storage: StorageType.File,
  max_msgs: 10_000,
  max_bytes: SMALL_BYTES,
  max_age: nanos(AUDIT_KEPT_MS),
  discard: DiscardPolicy.Old,
  deny_delete: true,
  deny_purge: true,
};

/** Opens the bucket of what moved, made if absent. */
export async function openActivity({ js, jsm }: Messaging): Promise<KV> {
  const there = await orAbsent(jsm.streams.info(ACTIVITY_STREAM));
  if (there === undefined) await jsm.streams.add(stateBucket(activityBucket));
  return await new Kvm(js).open(buckets.activity);
}

/**
 * Opens the object store of segments, made if absent. `megabytes`: what it may hold, of all agents together; for who may
 * not change that, as much as it was made for.
 */
export async function openSegments({ nc, jsm }: Messaging, megabytes: number): Promise<ObjectStore> {
  const options = {
    storage: StorageType.File,
    ttl: nanos(SEGMENTS_KEPT_MS),
    description: 'Segments of events on their way',
  };
  const maxBytes = Math.floor(megabytes * 1024 * 1024);
  // A server on a small disk has less to give away than we would like: what it has is enough to go on.
  for (let max_bytes = maxBytes; ; max_bytes = Math.floor(max_bytes / 2)) {
    try {
      const objects = await new Objm(nc).create(buckets.segments, { ...options, max_bytes });
      const { config } = await jsm.streams.info(SEGMENTS);
      if (config.max_bytes === max_bytes) return objects;
      await jsm.streams.update(SEGMENTS, { ...config, max_bytes }).catch((error: unknown) => {
        if (!(error instanceof PermissionViolationError)) throw error;
      });
      return objects;
    } catch (error) {
      if (!isFull(error) || max_bytes < maxBytes / 64) throw error;
    }
  }
}

/** Whether the error says that there is no room. */
export function isFull(error: unknown): boolean {
  return error instanceof JetStreamApiError && FULL_CODES.has(error.code);
}
