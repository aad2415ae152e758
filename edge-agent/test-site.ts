import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Msg } from '@nats-io/transport-node';
import { eventIdOf } from '@faascam/core/ids';
import { createLogger, type Logger } from '@faascam/core/log';
import type { ClipStored } from '@faascam/core/clip-messages';
import type { ClipWanted, DetectionsMessage, EventMessage } from '@faascam/core/messages';
import { connectNats, ensureStreams, type Messaging } from '@faascam/core/messaging';
import { startNatsServer, type NatsServer } from '@faascam/core/nats-server';
import { cameraSettings, type CameraSettings } from '@faascam/core/camera-settings';
import { buckets, cameraOf, headers, subjects } from '@faascam/core/subjects';

const SHA256 = '0'.repeat(64);
const MODEL = { name: 'none', sha256: SHA256, demo: true };

/** A NATS server with faascam's streams and a data directory, for a test. */
export interface TestSite {
  directory: string;
  server: NatsServer;
  messaging: Messaging;
  log: Logger;
  /** Another connection to the same server; closed with the site. */
  connect(): Promise<Messaging>;
  /** Stands in for the functions: answers each frame with detections of nothing. */
  answerFrames(camera: string, onFrame?: (frame: Msg) => boolean | undefined): void;
  close(): Promise<void>;
}

export async function openTestSite(): Promise<TestSite> {
  const directory = await mkdtemp(join(tmpdir(), 'faascam-site-'));
  const server = await startNatsServer({ directory: join(directory, 'nats') });
  const messaging = await connectNats(server.url, 'test');
  await ensureStreams(messaging.jsm);
  const open = [messaging];
  return {
    directory,
    server,
    messaging,
    log: createLogger('test'),
    connect: async () => {
      const another = await connectNats(server.url, 'another');
      open.push(another);
      return another;
    },
    answerFrames: (camera, onFrame) => {
      messaging.nc.subscribe(subjects.frames(camera), {
        callback: (_error, frame) => {
          if (onFrame?.(frame) === false) return;
          messaging.nc.publish(subjects.detections(camera), JSON.stringify(detectionsOf(frame)));
        },
      });
    },
    close: async () => {
      for (const { nc } of open) await nc.close();
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

export function settingsOf(source: string, more: object = {}): CameraSettings {
  return cameraSettings.parse({ source, ...more });
}

/** A frame's header as an integer. */
export function numberOf(frame: Msg, header: string): number {
  return Number(frame.headers?.get(header));
}

export function capturedAtUs(frame: Msg): number {
  return numberOf(frame, headers.capturedAt);
}

function detectionsOf(frame: Msg): DetectionsMessage {
  return {
    v: 1,
    camera: cameraOf(frame.subject),
    capturedAtUs: capturedAtUs(frame),
    seq: numberOf(frame, headers.seq),
    motion: frame.headers?.get(headers.kind) === 'lost' ? 'lost' : 'still',
    motionBoxes: [],
    inferred: false,
    objects: [],
    model: MODEL,
  };
}

/** A request for footage, of an event that lasted from `fromUs` to `toUs`. */
export function wantedClip(camera: string, fromUs: number, toUs: number): ClipWanted {
  const [startUs, endUs] = [Math.max(0, Math.round(fromUs)), Math.max(1, Math.round(toUs))];
  const id = eventIdOf(camera, startUs);
  const best = {
    atUs: startUs,
    score: 0.9,
    box: [0.1, 0.1, 0.2, 0.2] satisfies [number, number, number, number],
  };
  const event: EventMessage = {
    ...{ v: 1, id, camera, phase: 'end', startUs, endUs, labels: ['person'], zones: [], bestScore: 0.9 },
    tracks: [{ id: 1, label: 'person', startUs, endUs, hits: 5, medianScore: 0.9, best }],
    best: { atUs: startUs, objects: [] },
    model: MODEL,
  };
  return { v: 1, eventId: id, camera, fromUs: startUs, toUs: endUs, event };
}

export function storedClip({ eventId, camera, fromUs, toUs }: ClipWanted): ClipStored {
  return {
    ...{ v: 1, eventId, camera, keys: { manifest: `${eventId}.json` }, requested: { fromUs, toUs } },
    gaps: [],
    complete: true,
  };
}

/** Names of the camera's objects on their way to the clip function. */
export async function objectsOf({ jsm }: Messaging, camera: string): Promise<string[]> {
  // The client's list waits for objects that are removed while it reads.
  const { state } = await jsm.streams.info(`OBJ_${buckets.segments}`, {
    subjects_filter: `$O.${buckets.segments}.M.>`,
  });
  const names = Object.keys(state.subjects ?? {}).map((subject) =>
    Buffer.from(subject.split('.').at(-1) ?? '', 'base64url').toString(),
  );
  return names.filter((name) => name.startsWith(`${camera}/`));
}
