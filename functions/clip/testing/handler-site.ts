import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { FunctionContext, FunctionEvent, FunctionHandler } from '@faascam/core/function';
import { eventKey, type EventObject } from '@faascam/core/ids';
import {
  clipStored,
  manifest,
  type ClipReady,
  type ClipStored,
  type Manifest,
} from '@faascam/core/clip-messages';
import { connectNats, ensureStreams, type Messaging } from '@faascam/core/messaging';
import { startNatsServer, type NatsServer } from '@faascam/core/nats-server';
import { storeSettings, type StoreSettings } from '@faascam/core/store-settings';
import type { ObjectStore } from '@faascam/core/store';
import { buckets, subjects } from '@faascam/core/subjects';
import type { S3Server } from '@faascam/test-servers/s3';
import { Objm, type ObjectStore as NatsObjectStore } from '@nats-io/obj';
import { vi } from 'vitest';
import type { SegmentFile } from '../segment.ts';
import { record, type Recording, type RecordingOptions } from './recording.ts';

/** What a handler's test works with: a nats-server, an agent's object store, a camera's recording, a folder. */
export interface HandlerSite {
  folder: string;
  messaging: Messaging;
  bucket: NatsObjectStore;
  /** Eight seconds of H.264 with G.711. */
  recording: Recording;
  /** `clips.stored` heard so far. */
  announced: ClipStored[];
  /** Forgets them, also those of calls that have ended and are still on their way here. */
  forgetAnnounced(): Promise<void>;
  record(options: Omit<RecordingOptions, 'directory'>): Promise<Recording>;
  /** Puts segments where an agent puts them, under names of the camera's own. */
  upload(camera: string, segments?: SegmentFile[]): Promise<SegmentFile[]>;
  /** Folders of jobs in the folder for temporary files. */
  leftovers(): Promise<string[]>;
  settingsFor(server: S3Server | undefined): Promise<StoreSettings>;
  close(): Promise<void>;
}

export async function openHandlerSite(): Promise<HandlerSite> {
  const folder = await mkdtemp(join(tmpdir(), 'faascam-clip-test-'));
  const temporary = join(folder, 'tmp');
  await mkdir(temporary);
  vi.stubEnv('TMPDIR', temporary);
  const nats: NatsServer = await startNatsServer({ directory: join(folder, 'nats') });
  vi.stubEnv('NATS_URL', nats.url);
  const messaging = await connectNats(nats.url, 'test');
  await ensureStreams(messaging.jsm);
  const bucket = await new Objm(messaging.nc).create(buckets.segments);
  const recordNew = async (options: Omit<RecordingOptions, 'directory'>): Promise<Recording> =>
    await record({ ...options, directory: await mkdtemp(join(folder, 'recording-')) });
  const recording = await recordNew({
    seconds: 8,
    video: ['-c:v', 'libx264', '-preset', 'veryfast', '-g', '25', '-bf', '0'],
    audio: ['-c:a', 'pcm_alaw'],
  });
  const site: HandlerSite = {
    folder,
    messaging,
    bucket,
    recording,
    announced: [],
    forgetAnnounced: async () => {
      await messaging.nc.flush();
      site.announced = [];
    },
    record: recordNew,
    upload: async (camera, segments = recording.segments) =>
      await Promise.all(
        segments.map(async (segment) => {
          const file = named(camera, segment);
          await bucket.putBlob({ name: file.ref.object }, await readFile(file.path));
          return file;
        }),
      ),
    leftovers: async () => (await readdir(temporary)).filter((name) => name.startsWith('faascam-clip-')),
    settingsFor: async (server) => await storeSettingsIn(await mkdtemp(join(folder, 'store-')), server),
    close: async () => {
      await messaging.nc.close();
      await nats.stop();
      vi.unstubAllEnvs();
      await rm(folder, { recursive: true });
    },
  };
  messaging.nc.subscribe(subjects.clipsStored('*'), {
    callback: (_, message) => {
      site.announced.push(clipStored.parse(JSON.parse(message.string())));
    },
  });
  return site;
}

/** A segment under the name that an agent gives it. */
export function named(camera: string, segment: SegmentFile): SegmentFile {
  return { ...segment, ref: { ...segment.ref, object: `${camera}/${segment.ref.object}` } };
}

export async function objectOf(store: ObjectStore, { eventId }: ClipReady, name: EventObject) {
  const found = await store.get(eventKey(eventId, name));
  if (found === undefined) throw new Error(`${name} is not stored`);
  return { object: found.object, bytes: await buffer(found.stream) };
}

export async function receiptOf(store: ObjectStore, ready: ClipReady): Promise<Manifest> {
  const { bytes } = await objectOf(store, ready, 'event.json');
  return manifest.parse(JSON.parse(bytes.toString()));
}

/** Calls a handler as the template does, with an object or text as the body. */
export async function callHandler(
  handler: FunctionHandler,
  body: object | string,
): Promise<{ status: number; body: unknown }> {
  const answer: { status: number; body: unknown } = { status: 0, body: undefined };
  const context: FunctionContext = {
    status: (code) => {
      answer.status = code ?? 200;
      return context;
    },
    headers: () => context,
    succeed: (value) => {
      answer.body = typeof value === 'string' ? JSON.parse(value) : value;
      return context;
    },
    fail: () => context,
  };
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const event: FunctionEvent = { body: Buffer.from(text), headers: {}, method: 'POST', query: {}, path: '/' };
  await handler(event, context);
  return answer;
}

async function storeSettingsIn(directory: string, server: S3Server | undefined): Promise<StoreSettings> {
  if (server === undefined) return storeSettings.parse({ kind: 'directory', path: directory });
  await writeFile(join(directory, 'access'), server.accessKey);
  await writeFile(join(directory, 'secret'), server.secretKey);
  return storeSettings.parse({
    kind: 's3',
    endpoint: server.endpoint,
    bucket: 'clips',
    createBucket: true,
    accessKeyFile: join(directory, 'access'),
    secretKeyFile: join(directory, 'secret'),
  });
}
