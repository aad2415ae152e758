import { JetStreamApiError, type JetStreamManager } from '@nats-io/jetstream';
import { FaascamError } from './errors.ts';
import { createLogger, type Logger } from './log.ts';
import { streams } from './subjects.ts';

const SECOND_NS = 1_000_000_000;
const MEGABYTE = 1024 * 1024;

/** What nats-server answers when it, or the account, has not as many bytes to give away. */
const NO_ROOM_CODES = new Set([10_023, 10_028, 10_047]);
/** Another part has just made it, of another size. */
const EXISTS_OTHERWISE = 10_058;
/** With less a stream would be of no use: EVENTS holds some thousand messages, FRAMES some hundred pictures. */
const LEAST_BYTES = 16 * MEGABYTE;

/**
 * Every stream of faascam, with the most that it may hold: where the server has less, it gets less. Only keys that
 * nats-server 2.9 knows; duplicates are refused for two minutes.
 */
export const streamConfigs = [
  stream(streams.frames, ['frames.*'], 'memory', 60, 256),
  stream(streams.motion, ['motion.*'], 'memory', 60, 256),
  stream(streams.detections, ['detections.*'], 'file', 3600, 256),
  stream(streams.events, ['events.*'], 'file', 30 * 86_400, 1024),
  stream(streams.clips, ['clips.wanted.*', 'clips.ready.*', 'clips.stored.*'], 'file', 7 * 86_400, 1024),
  stream(streams.notices, ['notices.>'], 'file', 7 * 86_400, 64),
];
export type StreamToBe = (typeof streamConfigs)[number];

function stream(
  name: string,
  subjects: string[],
  storage: 'memory' | 'file',
  maxAgeSeconds: number,
  maxMegabytes: number,
) {
  return {
    name,
    subjects,
    storage,
    max_age: maxAgeSeconds * SECOND_NS,
    max_bytes: maxMegabytes * MEGABYTE,
    discard: 'old',
    duplicate_window: Math.min(120, maxAgeSeconds) * SECOND_NS,
  } as const;
}

/**
 * Makes the streams that do not exist yet: faascam's own, unless others are named. Safe to call from every part at the same
 * time. Where the server has too little room the streams are smaller, which is logged once, by whoever makes them. Throws
 * `FaascamError` `nats-no-room` when there is too little for even the smallest.
 */
export async function ensureStreams(
  jsm: JetStreamManager,
  log: Logger = createLogger('streams'),
  configs: readonly StreamToBe[] = streamConfigs,
): Promise<void> {
  const most = { file: Infinity, memory: Infinity };
  for (const config of configs) {
    try {
      await jsm.streams.info(config.name);
    } catch {
      const made = await make(jsm, config, Math.min(config.max_bytes, most[config.storage]), log);
      // The server did not have what was asked for: the streams and buckets to come need some, too.
      if (made < config.max_bytes) most[config.storage] = made / 2;
    }
  }
}

/** Returns how many bytes it may hold. */
async function make(jsm: JetStreamManager, config: StreamToBe, most: number, log: Logger): Promise<number> {
  let refusal: unknown;
  // Nobody may ask a server how much it has left, and not every part may shrink a stream that it made: so that it is not
  // all that is left, much less is asked for at once.
  for (let step = most; ; step /= 8) {
    const max_bytes = Math.max(LEAST_BYTES, step);
    try {
      await jsm.streams.add({ ...config, max_bytes });
      if (max_bytes < config.max_bytes) tellSmaller(config, max_bytes, log);
      return max_bytes;
    } catch (error) {
      if (codeOf(error) === EXISTS_OTHERWISE) return config.max_bytes;
      if (!NO_ROOM_CODES.has(codeOf(error))) throw error;
      refusal = error;
    }
    if (step <= LEAST_BYTES) break;
  }
  // Without the right to look around, it is said without figures.
  const there = await storedBy(jsm, config).catch(() => '');
  throw new FaascamError('nats-no-room', noRoomText(config, there), { cause: refusal });
}

function tellSmaller(config: StreamToBe, bytes: number, log: Logger): void {
  log.warn(
    { stream: config.name, megabytes: bytes / MEGABYTE, wantedMegabytes: config.max_bytes / MEGABYTE },
    `NATS has little room, so the stream ${config.name} is made smaller: its oldest messages go earlier. To keep more, raise ${settingOf(config)} in the config of nats-server, or its ${placeOf(config)}.`,
  );
}

function codeOf(error: unknown): number {
  return error instanceof JetStreamApiError ? error.code : 0;
}

function noRoomText(config: StreamToBe, there: string): string {
  const { name, max_bytes } = config;
  return (
    `NATS has no room for the stream ${name}: faascam asks for ${megabytes(max_bytes)} of its ${placeOf(config)}, ` +
    `${megabytes(LEAST_BYTES)} at least${there}. ` +
    `Raise ${settingOf(config)} in the config of nats-server (jetstream {...}) or the account's limit, or give it a larger disk.`
  );
}

/** What other streams have of the server's disk or memory. */
async function storedBy(jsm: JetStreamManager, { storage }: StreamToBe): Promise<string> {
  const { limits } = await jsm.getAccountInfo();
  const limitBytes = storage === 'file' ? limits.max_storage : limits.max_memory;
  let promisedBytes = 0;
  for await (const { config: other } of jsm.streams.list()) {
    if (other.storage === storage) promisedBytes += Math.max(0, other.max_bytes);
  }
  const limit = limitBytes >= 0 ? ` of the ${megabytes(limitBytes)} of this account` : '';
  return `, and other streams have ${megabytes(promisedBytes)}${limit} already`;
}

const settingOf = ({ storage }: StreamToBe): string =>
  storage === 'file' ? 'max_file_store' : 'max_memory_store';
const placeOf = ({ storage }: StreamToBe): string => (storage === 'file' ? 'disk' : 'memory');
const megabytes = (bytes: number): string => `${Math.round(bytes / MEGABYTE)} MB`;
