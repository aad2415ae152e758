import { createHash, randomBytes } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Attestation, RemovedEvent } from '@faascam/core/attestation';
import { canonicalSha256 } from '@faascam/core/canonical-json';
import { manifest, type ClipReady, type Manifest } from '@faascam/core/clip-messages';
import { eventIdOf, eventKey, type EventObject } from '@faascam/core/ids';
import { createLogger } from '@faascam/core/log';
import type { EventMessage } from '@faascam/core/messages';
import { sidecarsOf } from '@faascam/core/sidecar';
import { openStore, type ObjectStore } from '@faascam/core/store';
import { Attestor } from '@faascam/edge-agent/attestor';

/** For the tests: a folder of clips as agent and clip function leave it, with a key of its own. The caller closes it. */
export interface TestStore {
  directory: string;
  clips: string;
  store: ObjectStore;
  attestor: Attestor;
  /** Records an event that began at this second, and stores it. */
  record(second: number, options?: RecordOptions): Promise<Manifest>;
  /** Reads, changes and writes a receipt, as someone does who may write to the store. */
  edit(id: string, change: (receipt: Manifest) => unknown): Promise<void>;
  /** Removes an event, with a trace. */
  remove(receipt: Manifest): Promise<void>;
  pathOf(id: string, name: EventObject): string;
  close(): Promise<void>;
}

export interface RecordOptions {
  camera?: string;
  attestor?: Attestor | undefined;
  signed?: boolean;
  /** Stored, and the agent hears of it. */
  heard?: boolean;
}

/** Objects of an event that its receipt names with their digests. */
export const STORED_OBJECTS = [
  'clip.mp4',
  'clip-2.mp4',
  'clip-h264.mp4',
  'preview.mp4',
  'strip.jpg',
  'snapshot.jpg',
] as const satisfies readonly EventObject[];
type StoredObject = (typeof STORED_OBJECTS)[number];

const START_US = Date.UTC(2026, 4, 1, 12) * 1000;
const SECOND_US = 1_000_000;
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** `original`: the directory of another one, which this one begins as a copy of. */
export async function openTestStore(original?: string): Promise<TestStore> {
  const directory = await mkdtemp(join(tmpdir(), 'faascam-verify-'));
  const clips = join(directory, 'clips');
  if (original !== undefined) await cp(original, directory, { recursive: true });
  const store = await openStore({ kind: 'directory', path: clips }, directory);
  const attestor = await openTestAttestor(directory);
  const pathOf = (id: string, name: EventObject): string => join(clips, eventKey(id, name));
  return {
    ...{ directory, clips, store, attestor, pathOf },
    record: async (second, options = {}) => await record(store, { attestor, ...options }, second),
    edit: async (id, change) => {
      const path = pathOf(id, 'event.json');
      const receipt = manifest.parse(JSON.parse(await readFile(path, 'utf8')));
      const changed = change(receipt) ?? receipt;
      // Whoever may write there also writes what the store tells of the object.
      for (const sidecar of await sidecarsOf(path)) await rm(sidecar);
      await writeFile(path, JSON.stringify(changed, undefined, 2));
    },
    remove: async ({ event, attestation }) => {
      const folder = dirname(pathOf(event.id, 'event.json'));
      await rm(folder, { recursive: true });
      await mkdir(folder);
      const removed: RemovedEvent = {
        ...{ v: 1, eventId: event.id, camera: event.camera, removedAtUs: START_US, reason: 'by-hand' },
        ...(attestation === undefined ? {} : { attestation }),
      };
      await writeFile(join(folder, 'removed.json'), JSON.stringify(removed));
    },
    close: async () => {
      await store.close();
      await rm(directory, { recursive: true });
    },
  };
}

export async function openTestAttestor(dataDirectory: string): Promise<Attestor> {
  return await Attestor.open({ dataDirectory, agent: 'edge', log: createLogger('test') });
}

async function record(
  store: ObjectStore,
  { camera = 'yard', attestor, signed = true, heard = true }: RecordOptions,
  second: number,
): Promise<Manifest> {
  const ready = readyOf(camera, START_US + second * SECOND_US);
  const attestation: Attestation | undefined = signed ? await attestor?.attest(ready) : undefined;
  const put = async (name: EventObject, bytes: Buffer): Promise<void> => {
    const metadata = { sha256: sha256(bytes) };
    await store.put(eventKey(ready.eventId, name), bytes, {
      contentType: 'application/octet-stream',
      metadata,
    });
  };
  const bytes = new Map(STORED_OBJECTS.map((name) => [name, randomBytes(2000)]));
  const stored = (name: StoredObject) => ({
    key: eventKey(ready.eventId, name),
    sha256: sha256(bytes.get(name) ?? Buffer.alloc(0)),
    sizeBytes: 2000,
  });
  const span = { fromUs: ready.fromUs, toUs: ready.toUs };
  const clip = (name: StoredObject) => ({
    ...stored(name),
    durationMs: 6000,
    video: { codec: 'h264', width: 320, height: 240, packets: 150 },
  });
  const tile = { columns: 5, count: 5, tileWidth: 160, tileHeight: 90, everyMs: 1000 };
  const receipt: Manifest = {
    ...{ v: 1, event: ready.event, agent: ready.agent, requested: span, delivered: span, complete: false },
    ...{ gaps: ready.gaps, segments: ready.segments, storedAtUs: ready.toUs + SECOND_US, software: 'test' },
    clip: clip('clip.mp4'),
    parts: [
      { ...clip('clip.mp4'), delivered: span },
      { ...clip('clip-2.mp4'), delivered: span },
    ],
    renditions: [clip('clip-h264.mp4')],
    preview: { ...stored('preview.mp4'), width: 320, height: 180 },
    strip: { ...stored('strip.jpg'), ...tile },
    snapshot: {
      key: eventKey(ready.eventId, 'snapshot.jpg'),
      atUs: ready.fromUs,
      width: 320,
      height: 240,
      objects: [],
    },
    ...(attestation === undefined ? {} : { attestation }),
  };
  for (const name of STORED_OBJECTS) await put(name, bytes.get(name) ?? Buffer.alloc(0));
  await put('event.json', Buffer.from(JSON.stringify(receipt, undefined, 2)));
  if (heard && signed) await attestor?.stored(camera, ready.eventId, canonicalSha256(receipt));
  return receipt;
}

/** What an agent offers of an event of two seconds: three segments, and a gap. */
export function readyOf(camera: string, startUs: number): ClipReady {
  const eventId = eventIdOf(camera, startUs);
  const endUs = startUs + 2 * SECOND_US;
  const box: [number, number, number, number] = [0.1, 0.1, 0.2, 0.25];
  const event: EventMessage = {
    ...{
      v: 1,
      id: eventId,
      camera,
      phase: 'end',
      startUs,
      endUs,
      labels: ['person'],
      zones: [],
      bestScore: 0.87,
    },
    tracks: [
      {
        ...{ id: 1, label: 'person', startUs, endUs, hits: 9, medianScore: 0.8 },
        best: { atUs: startUs, score: 0.87, box },
      },
    ],
    best: { atUs: startUs, objects: [{ label: 'person', score: 0.87, box }] },
    model: { name: 'test', sha256: 'a'.repeat(64), demo: false },
  };
  const [fromUs, toUs] = [startUs - 2 * SECOND_US, endUs + 2 * SECOND_US];
  const segments = [0, 1, 2].map((n) => ({
    object: `${camera}/${eventId}/${n}.mkv`,
    sha256: sha256(Buffer.from(`${eventId} ${n}`)),
    sizeBytes: 1000 + n,
    startUs: fromUs + n * 2 * SECOND_US,
    durationUs: 2 * SECOND_US,
  }));
  return {
    ...{ v: 1, eventId, camera, agent: 'edge', fromUs, toUs, segments, codec: { video: 'h264' }, event },
    gaps: [{ fromUs: toUs - 100_000, toUs, cause: 'camera-lost' }],
  };
}
