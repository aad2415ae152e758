import { createHash } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { buffer } from 'node:stream/consumers';
import { manifest as manifestSchema, type Manifest } from '@faascam/core/clip-messages';
import { messageOf } from '@faascam/core/errors';
import { eventKey } from '@faascam/core/ids';
import type { ClipWanted } from '@faascam/core/messages';
import type { Random } from '@faascam/local/demo/random';
import type { Fault } from './faults.ts';
import { remainsOf, type Remains } from './remains.ts';
import type { Site } from './site.ts';
import { eventIn, told, want, type Told } from './wanted.ts';
import { verdictOf, type Verdict } from './verdict.ts';

export interface Row {
  fault: string;
  verdicts: Map<string, Verdict>;
  /** From the fault's end until all of its events were stored and nothing was held for them; undefined: they were not. */
  recoveredMs: number | undefined;
  /** Causes of gaps that it explains. */
  causes: readonly string[];
}

/** After this an event counts as lost. The longest wait between an agent's offers is five minutes. */
const GIVE_UP_MS = 420_000;
const POLL_MS = 500;

export interface EpisodeOptions {
  site: Site;
  fault: Fault;
  /** The suite asks for so many events by itself, in footage of these cameras. */
  events: number;
  cameras: readonly [string, ...string[]];
  random: Random;
  /** Events of earlier episodes. */
  known: ReadonlySet<string>;
  /** Causes that the fault before explains. */
  before: readonly string[];
}

/** Lets the fault happen at a random moment while events are recorded, and waits until all is well again. */
export async function runEpisode(options: EpisodeOptions): Promise<Row> {
  const { site, fault, random } = options;
  await recording(site, options.cameras);
  const leadMs = random.between(500, 2500);
  const lastMs = leadMs + fault.lastsMs + 1500;
  const times = Array.from({ length: options.events }, (_, index) =>
    index === 0 ? random.between(0, leadMs) : random.between(leadMs * 0.8, lastMs),
  );
  const asked = new Set<string>();
  const asking = times.map(async (atMs) => {
    const camera = random.pick(options.cameras);
    const [before, after] = [random.between(3, 6), random.between(0, 3)];
    await wait(atMs);
    const untilUs = site.lastRecordedUs(camera);
    const wanted = eventIn(camera, untilUs - before * 1e6, untilUs + after * 1e6);
    asked.add(wanted.eventId);
    await want(site.messaging, wanted, fault.copies);
  });
  await wait(leadMs);
  await fault.happen(site, random);
  const endedMs = performance.now();
  await Promise.all(asking);
  const recovered = await settled(site, async () => {
    const { wanted } = await told(site.messaging);
    const all = new Set([...wanted.keys()].filter((id) => !options.known.has(id)));
    for (const id of asked) all.add(id);
    return all;
  });
  const allowed = new Set([...fault.causes, ...options.before]);
  return {
    fault: fault.name,
    verdicts: await judge(site, recovered.ids, allowed),
    recoveredMs: recovered.atMs === undefined ? undefined : recovered.atMs - endedMs,
    causes: fault.causes,
  };
}

/** Resolves once all cameras record. */
async function recording(site: Site, cameras: readonly string[]): Promise<void> {
  const begin = cameras.map((camera) => site.recordedUntilUs(camera));
  // Segments that begin from now on: what an event of this episode asks for lies in them or just before.
  for (let waitedMs = 0; waitedMs < 300_000; waitedMs += POLL_MS) {
    if (cameras.every((camera, index) => site.recordedUntilUs(camera) !== (begin[index] ?? 0))) {
      for (const camera of cameras) site.lastRecordedUs(camera);
      return;
    }
    await wait(POLL_MS);
  }
  throw new Error(`The cameras do not record: ${site.agent.output.slice(-3000)}`);
}

/**
 * Waits until the events that `idsNow` gives at first have their receipts, and neither pins nor segments are held for
 * them. What comes later is another's.
 */
export async function settled(
  site: Site,
  idsNow: () => Promise<ReadonlySet<string>>,
): Promise<{ ids: ReadonlySet<string>; atMs: number | undefined }> {
  let ids: ReadonlySet<string> | undefined;
  const beganMs = performance.now();
  while (performance.now() - beganMs < GIVE_UP_MS) {
    try {
      ids ??= await idsNow();
      const { receipts, held } = await remainsOf(site);
      if ([...ids].every((id) => receipts.has(id) && !held.has(id))) return { ids, atMs: performance.now() };
    } catch {
      // NATS or the store is not back yet.
    }
    await wait(POLL_MS);
  }
  return { ids: ids ?? new Set(), atMs: undefined };
}

/** Looks at everything that there is of these events. */
export async function judge(
  site: Site,
  ids: Iterable<string>,
  allowed: ReadonlySet<string>,
): Promise<Map<string, Verdict>> {
  const all = await told(site.messaging);
  const remains = await remainsOf(site);
  const verdicts = new Map<string, Verdict>();
  for (const id of ids) {
    const wanted = all.wanted.get(id);
    if (wanted === undefined) throw new Error(`The event ${id} is in no stream.`);
    verdicts.set(id, await judgeOne(site, wanted, { all, remains }, allowed));
  }
  return verdicts;
}

async function judgeOne(
  site: Site,
  wanted: ClipWanted,
  { all, remains }: { all: Told; remains: Remains },
  allowed: ReadonlySet<string>,
): Promise<Verdict> {
  const id = wanted.eventId;
  const keys = remains.keys.get(id) ?? [];
  const digests = new Map<string, string>();
  let receipt: Manifest | string | undefined;
  for (const key of keys) {
    const found = await site.store.get(key);
    if (found === undefined) continue;
    const bytes = await buffer(found.stream);
    digests.set(key, createHash('sha256').update(bytes).digest('hex'));
    if (key === eventKey(id, 'event.json')) receipt = receiptOf(bytes);
  }
  const verdict = verdictOf(
    {
      ...{ wanted, receipt, keys, digests, announced: all.stored.get(id) ?? [] },
      receiptsTaken: receiptsTaken(site, id),
    },
    allowed,
  );
  if (remains.held.has(id)) verdict.faults.push('footage is still held for it');
  return verdict;
}

function receiptOf(bytes: Buffer): Manifest | string {
  try {
    return manifestSchema.parse(JSON.parse(bytes.toString()));
  } catch (error) {
    return `its receipt cannot be read: ${messageOf(error).split('\n')[0] ?? ''}`;
  }
}

/** A folder cannot tell; there, what was announced does. */
function receiptsTaken({ storeServer }: Site, id: string): number {
  const { relay } = storeServer;
  if (relay === undefined) return 1;
  const key = eventKey(id, 'event.json');
  return [...relay.taken].filter(([path]) => path.endsWith(key)).reduce((sum, [, times]) => sum + times, 0);
}
