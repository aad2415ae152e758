import { createHash } from 'node:crypto';
import type { Manifest } from './clip-messages.ts';
import { eventIdOf, eventKey } from './ids.ts';
import type { ObjectStore } from './store.ts';

/** For tests: an event in a store as the clip function leaves it. */
export interface EventFixture {
  camera: string;
  startUs: number;
  endUs?: number;
  labels?: string[];
  score?: number;
  demo?: boolean;
  gaps?: Manifest['gaps'];
  videoCodec?: string;
  clip?: Buffer;
  clipMs?: number;
  snapshot?: Buffer;
  /** The snapshot without boxes and labels. */
  clean?: Buffer;
  storedAtUs?: number;
  /** What the event tells of itself beside. */
  told?: Partial<Manifest['event']>;
}

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

export function manifestOf(fixture: EventFixture): Manifest {
  const { camera, startUs, endUs = startUs + 4_000_000, labels = ['person'], score = 0.91 } = fixture;
  const id = eventIdOf(camera, startUs);
  const { gaps = [], clip, snapshot, clean } = fixture;
  const requested = { fromUs: startUs - 5_000_000, toUs: endUs + 5_000_000 };
  const objects = labels.map((label) => ({
    label,
    score,
    box: [0.4, 0.4, 0.1, 0.3] satisfies [number, number, number, number],
  }));
  return {
    v: 1,
    event: {
      v: 1,
      id,
      camera,
      phase: 'end',
      startUs,
      endUs,
      labels,
      tracks: labels.map((label, index) => ({
        id: index,
        label,
        startUs,
        endUs,
        hits: 20,
        medianScore: score,
        best: { atUs: startUs, score, box: [0.4, 0.4, 0.1, 0.3] },
      })),
      zones: [],
      bestScore: score,
      best: { atUs: startUs, objects },
      model: { name: 'test-model', sha256: 'a'.repeat(64), demo: fixture.demo ?? false },
      endReason: 'left',
      ...fixture.told,
    },
    agent: 'host',
    requested,
    delivered: requested,
    complete: gaps.length === 0,
    gaps,
    segments: [],
    ...(clip === undefined
      ? {}
      : {
          clip: {
            key: eventKey(id, 'clip.mp4'),
            sha256: digest(clip),
            sizeBytes: clip.length,
            durationMs: fixture.clipMs ?? (requested.toUs - requested.fromUs) / 1000,
            video: { codec: fixture.videoCodec ?? 'h264', width: 1280, height: 720, packets: 350 },
          },
        }),
    ...(snapshot === undefined
      ? {}
      : {
          snapshot: {
            key: eventKey(id, 'snapshot.jpg'),
            ...(clean === undefined ? {} : { cleanKey: eventKey(id, 'snapshot-clean.jpg') }),
            atUs: startUs,
            width: 1280,
            height: 720,
            objects,
          },
        }),
    storedAtUs: fixture.storedAtUs ?? endUs + 8_000_000,
    software: 'faascam/test',
  };
}

/** Stores the event's objects, the manifest last, and gives its id. */
export async function storeEvent(store: ObjectStore, fixture: EventFixture): Promise<string> {
  const manifest = manifestOf(fixture);
  const { id } = manifest.event;
  if (fixture.clip) await store.put(eventKey(id, 'clip.mp4'), fixture.clip, { contentType: 'video/mp4' });
  if (fixture.snapshot) {
    await store.put(eventKey(id, 'snapshot.jpg'), fixture.snapshot, { contentType: 'image/jpeg' });
  }
  if (fixture.clean) {
    await store.put(eventKey(id, 'snapshot-clean.jpg'), fixture.clean, { contentType: 'image/jpeg' });
  }
  const json = Buffer.from(JSON.stringify(manifest));
  await store.put(eventKey(id, 'event.json'), json, { contentType: 'application/json' });
  return id;
}
