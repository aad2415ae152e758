import { createHash } from 'node:crypto';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { manifest, type ClipStored } from '@faascam/core/clip-messages';
import type { Messaging } from '@faascam/core/messaging';
import { buckets, subjects } from '@faascam/core/subjects';
import { signedFaults, signedOf } from '@faascam/local/verify/receipt-check';
import type { GatewayClient } from './gateway-client.ts';
import { expected, type Report } from './report.ts';
import type { Traffic } from './traffic.ts';
import { awaited } from './wait.ts';

export interface ClipChecks {
  report: Report;
  client: GatewayClient;
  messaging: Messaging;
  traffic: Traffic;
  camera: string;
  /** Of the agent that offered the footage. */
  publicKey: string;
  scratch: string;
  patienceMs: number;
  signal: AbortSignal;
}

const run = promisify(execFile);
const eventList = z.object({ events: z.array(z.looseObject({ id: z.string() })) });
/** What footage of a recording may be short of: nothing was recorded before its beginning and after its end. */
const NO_FAULT = new Set(['before-start', 'end-of-recording']);

/** From events to clips that can be watched. Answers whether they are stored. */
export async function checkClips(checks: ClipChecks): Promise<boolean> {
  const { report, traffic, patienceMs, signal } = checks;
  const waiting = { patienceMs, signal, newsAtMs: () => traffic.lastAtMs };
  const ids = traffic.events.filter(({ phase }) => phase === 'end').map(({ id }) => id);
  const wanted = await report.check('Footage is wanted once of each event, and of all of it', async () => {
    await awaited(() => (traffic.wanted.length >= ids.length ? true : undefined), {
      ...{ ...waiting, otherwise: `nobody wanted footage of ${ids.length - traffic.wanted.length} events` },
    });
    return wantedSeen(traffic);
  });
  if (!wanted) return false;
  const stored = await report.check('Offered and signed footage becomes a stored clip', async () => {
    await awaited(() => (ids.every((id) => storedOf(traffic, id) !== undefined) ? true : undefined), {
      ...{ ...waiting, otherwise: `a clip was offered ${traffic.offered.length} times and not stored` },
    });
    return storedSeen(traffic, ids);
  });
  if (!stored) return false;
  await report.check(
    'The same footage offered again is not stored again',
    async () => await again(checks, ids),
  );
  await report.check('The page lists the events, and plays their clips', async () => {
    for (const id of ids) await listed(checks, id);
    const sizes = await Promise.all(ids.map(async (id) => await watched(checks, id)));
    return `${sizes.length} clips, ${sizes.join(' and ')} bytes, as they were stored, and decoded to their end`;
  });
  await report.check('Receipts carry the signature of whoever recorded the footage', async () => {
    for (const id of ids) await signed(checks, id);
    return `${ids.length} receipts, signed by ${checks.publicKey.slice(0, 8)}...`;
  });
  await report.check('Footage on its way is removed when it has arrived', async () => {
    await awaited(async () => ((await chunksOf(checks, ids)) === 0 ? true : undefined), {
      ...{ patienceMs, signal, otherwise: 'segments were still in the object store' },
    });
    return 'the object store holds none of it';
  });
  return true;
}

export function storedOf({ stored }: Traffic, id: string): ClipStored | undefined {
  return stored.find(({ eventId }) => eventId === id);
}

function wantedSeen({ wanted, events }: Traffic): string {
  for (const { id, phase, startUs, endUs } of events) {
    if (phase !== 'end') continue;
    const asked = wanted.filter(({ eventId }) => eventId === id);
    const [first] = asked;
    expected(asked.length === 1 && first !== undefined, `${id} was wanted ${asked.length} times`);
    expected(first.fromUs <= startUs && first.toUs >= endUs, `of ${id} only a part was wanted`);
  }
  const seconds = wanted.map(({ fromUs, toUs }) => ((toUs - fromUs) / 1e6).toFixed(1));
  return `${seconds.join(' s, ')} s`;
}

function storedSeen(traffic: Traffic, ids: readonly string[]): string {
  for (const id of ids) {
    const stored = storedOf(traffic, id);
    const causes = stored?.gaps.map(({ cause }) => cause) ?? [];
    const bad = causes.filter((cause) => !NO_FAULT.has(cause));
    expected(bad.length === 0, `footage of ${id} is missing: ${bad.join(', ')}`);
    expected(stored?.keys.clip !== undefined && stored.clipSha256 !== undefined, `${id} has no clip`);
  }
  const unsigned = traffic.offered.filter(({ attestation }) => attestation === undefined).length;
  expected(unsigned === 0, `${unsigned} offers were not signed`);
  const segments = traffic.offered.reduce((sum, offer) => sum + offer.segments.length, 0);
  return `${ids.length} clips of ${segments} segments in ${traffic.offered.length} offers`;
}

async function again({ messaging, traffic, camera, patienceMs, signal }: ClipChecks, ids: readonly string[]) {
  for (const id of ids) {
    const offer = traffic.offered.find(({ eventId }) => eventId === id);
    const first = storedOf(traffic, id);
    const said = (): ClipStored[] => traffic.stored.filter(({ eventId }) => eventId === id);
    const before = said().length;
    await messaging.js.publish(subjects.clipsReady(camera), JSON.stringify(offer));
    await awaited(() => (said().length > before ? true : undefined), {
      ...{ patienceMs, signal, otherwise: `the second offer of ${id} was not answered` },
    });
    for (const { receiptSha256, clipSha256 } of said()) {
      expected(
        receiptSha256 === first?.receiptSha256 && clipSha256 === first?.clipSha256,
        `${id} has another receipt now: it was stored twice`,
      );
    }
  }
  return 'its receipt is the first one, to the byte';
}

async function listed({ client, camera, patienceMs, signal }: ClipChecks, id: string): Promise<void> {
  await awaited(
    async () => {
      const { status, text } = await client.callFunction('viewer', `/api/events?camera=${camera}&limit=100`);
      expected(status === 200, `api/events is answered with ${status}: ${text.slice(0, 300)}`);
      return eventList.parse(JSON.parse(text)).events.some((event) => event.id === id) ? true : undefined;
    },
    { patienceMs, signal, otherwise: `the page did not list ${id}` },
  );
}

async function watched({ client, traffic, scratch }: ClipChecks, id: string): Promise<number> {
  const path = `/api/events/${id}/clip.mp4`;
  const { status, body } = await client.callFunction('viewer', path);
  expected(status === 200, `the clip of ${id} is answered with ${status}`);
  const sha256 = createHash('sha256').update(body).digest('hex');
  expected(sha256 === storedOf(traffic, id)?.clipSha256, `the clip of ${id} is not what was stored`);
  const part = await client.callFunction('viewer', path, { headers: { range: 'bytes=100-199' } });
  expected(
    part.status === 206 && part.body.equals(body.subarray(100, 200)),
    `100 bytes of the clip of ${id} are answered with ${part.status} and ${part.body.length} bytes`,
  );
  const file = join(scratch, `${id}.mp4`);
  await writeFile(file, body);
  await run('ffmpeg', ['-v', 'error', '-xerror', '-i', file, '-f', 'null', '-']);
  return body.length;
}

async function signed({ client, publicKey }: ClipChecks, id: string): Promise<void> {
  const { status, text } = await client.callFunction('viewer', `/api/events/${id}/event.json`);
  expected(status === 200, `the receipt of ${id} is answered with ${status}`);
  const raw: unknown = JSON.parse(text);
  const receipt = manifest.parse(raw);
  const { event, attestation } = z.looseObject({ event: z.unknown(), attestation: z.unknown() }).parse(raw);
  const found = signedOf(attestation, new Set([publicKey]));
  expected(!('code' in found), `${id}: ${'code' in found ? found.text : ''}`);
  const faults = signedFaults(receipt, event, found.attestation);
  expected(faults.length === 0, `${id}: ${faults.map((fault) => fault.text).join('; ')}`);
}

async function chunksOf({ messaging: { jsm } }: ClipChecks, ids: readonly string[]): Promise<number> {
  let chunks = 0;
  for (const id of ids) {
    const filter = `$O.${buckets.segments}.C.${id}.>`;
    const { state } = await jsm.streams.info(`OBJ_${buckets.segments}`, { subjects_filter: filter });
    chunks += Object.keys(state.subjects ?? {}).length;
  }
  return chunks;
}
