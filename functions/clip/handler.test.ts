import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { systemClock } from '@faascam/core/clock';
import { MalformedInputError } from '@faascam/core/errors';
import type { FunctionContext, FunctionEvent } from '@faascam/core/function';
import { eventKey, type EventObject } from '@faascam/core/ids';
import { createLogger } from '@faascam/core/log';
import { clipStored, manifest, type ClipReady, type ClipStored } from '@faascam/core/clip-messages';
import { connectNats, ensureStreams, type Messaging } from '@faascam/core/messaging';
import { startNatsServer, type NatsServer } from '@faascam/core/nats-server';
import { storeSettings, type StoreSettings } from '@faascam/core/store-settings';
import { openStore, type ObjectStore } from '@faascam/core/store';
import { buckets, streams, subjects } from '@faascam/core/subjects';
import { s3ServerInstalled, startS3Server, type S3Server } from '@faascam/test-servers/s3';
import { Objm, type ObjectStore as NatsObjectStore } from '@nats-io/obj';
import sharp from 'sharp';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { runClipJob } from './clip-job.ts';
import { decode, probe } from './ffmpeg.ts';
import handler, { close, ready as becomeReady } from './handler.ts';
import type { SegmentFile } from './segment.ts';
import { readyOf } from './testing/ready.ts';
import { record, type Recording } from './testing/recording.ts';

// Read when the handler is loaded.
vi.hoisted(() => vi.stubEnv('FAASCAM_LOG', 'silent'));

const noAbort = new AbortController().signal;
const s3Installed = await s3ServerInstalled();
let folder: string;
let temporary: string;
let nats: NatsServer;
let messaging: Messaging;
let bucket: NatsObjectStore;
let recording: Recording;
let announced: ClipStored[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'faascam-clip-test-'));
  temporary = join(folder, 'tmp');
  await mkdir(temporary);
  vi.stubEnv('TMPDIR', temporary);
  nats = await startNatsServer({ directory: join(folder, 'nats') });
  vi.stubEnv('NATS_URL', nats.url);
  messaging = await connectNats(nats.url, 'test');
  await ensureStreams(messaging.jsm);
  bucket = await new Objm(messaging.nc).create(buckets.segments);
  await mkdir(join(folder, 'recording'));
  recording = await record({
    directory: join(folder, 'recording'),
    seconds: 8,
    video: ['-c:v', 'libx264', '-preset', 'veryfast', '-g', '25', '-bf', '0'],
    audio: ['-c:a', 'pcm_alaw'],
  });
  messaging.nc.subscribe(subjects.clipsStored('*'), {
    callback: (_, message) => {
      announced.push(clipStored.parse(JSON.parse(message.string())));
    },
  });
});
beforeEach(() => {
  announced = [];
});
afterAll(async () => {
  await messaging.nc.close();
  await nats.stop();
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

const kinds = s3Installed ? (['directory', 's3'] as const) : (['directory'] as const);

describe.each(kinds)('with a %s store', (kind) => {
  let server: S3Server | undefined;
  let settings: StoreSettings;
  let store: ObjectStore;

  beforeAll(async () => {
    if (kind === 's3') server = await startS3Server();
    settings = await settingsFor(server);
    vi.stubEnv('FAASCAM_STORE', JSON.stringify(settings));
    await becomeReady();
    store = await openStore(settings, folder);
  });
  afterAll(async () => {
    await close();
    await store.close();
    await server?.stop();
  });

  test('an event’s segments become its clip, snapshot and receipt, and the storing is announced', async () => {
    const ready = readyOf(await upload(`whole-${kind}`), { camera: `whole-${kind}` });
    expect(await call(ready)).toEqual({
      status: 200,
      body: { eventId: ready.eventId, outcome: 'stored', complete: true },
    });

    const receipt = await receiptOf(ready);
    const clip = await objectOf(ready, 'clip.mp4');
    expect(clip.object).toMatchObject({
      contentType: 'video/mp4',
      metadata: {
        'event-id': ready.eventId,
        camera: `whole-${kind}`,
        labels: 'person,dog',
        sha256: receipt.clip?.sha256,
      },
    });
    expect(createHash('sha256').update(clip.bytes).digest('hex')).toBe(receipt.clip?.sha256);
    const path = join(folder, `${kind}.mp4`);
    await writeFile(path, clip.bytes);
    expect(await decode(path, noAbort)).toEqual({ frames: recording.video.length, complaints: [] });
    const { packets } = await probe(path, noAbort);
    const hashes = new Set(packets.map((packet) => packet.data_hash));
    expect(recording.video.every((packet) => hashes.has(packet.data_hash))).toBe(true);
    expect(receipt).toMatchObject({
      complete: true,
      gaps: [],
      agent: 'edge-1',
      segments: ready.segments,
      event: ready.event,
      clip: { video: { codec: 'h264', width: 320, height: 240, packets: 200 }, audio: { codec: 'aac' } },
      snapshot: { width: 320, height: 240, objects: ready.event.best.objects },
    });

    const snapshot = await objectOf(ready, 'snapshot.jpg');
    expect(snapshot.object.contentType).toBe('image/jpeg');
    const picture = await sharp(snapshot.bytes).raw().toBuffer({ resolveWithObject: true });
    expect(picture.info).toMatchObject({ width: 320, height: 240 });
    // The person's frame: its left edge at a tenth of the width, half way down.
    const at = (120 * 320 + 32) * 3;
    const [red = 0, green = 0, blue = 255] = picture.data.subarray(at, at + 3);
    expect(red).toBeGreaterThan(180);
    expect(green).toBeGreaterThan(140);
    expect(blue).toBeLessThan(100);

    // The same picture without it.
    expect(receipt.snapshot?.cleanKey).toBe(eventKey(ready.eventId, 'snapshot-clean.jpg'));
    const clean = await sharp((await objectOf(ready, 'snapshot-clean.jpg')).bytes)
      .raw()
      .toBuffer();
    expect(clean.length).toBe(picture.data.length);
    expect(clean.subarray(at, at + 3)).not.toEqual(picture.data.subarray(at, at + 3));

    await vi.waitFor(() => expect(announced).toHaveLength(1));
    expect(announced[0]).toMatchObject({
      eventId: ready.eventId,
      clipSha256: receipt.clip?.sha256,
      keys: {
        clip: eventKey(ready.eventId, 'clip.mp4'),
        snapshot: eventKey(ready.eventId, 'snapshot.jpg'),
        cleanSnapshot: eventKey(ready.eventId, 'snapshot-clean.jpg'),
        manifest: eventKey(ready.eventId, 'event.json'),
      },
      requested: receipt.requested,
      delivered: receipt.delivered,
      complete: true,
    });
    expect(await leftovers()).toEqual([]);
  });

  test('an event that is stored is announced again, each time it is asked for, and left as it is', async () => {
    const ready = readyOf(await upload(`again-${kind}`), { camera: `again-${kind}` });
    await call(ready);
    const before = await objectOf(ready, 'clip.mp4');
    for (const { ref } of recording.segments) await bucket.delete(`again-${kind}-${ref.object}`);
    for (let round = 0; round < 2; round++) {
      expect((await call(ready)).body).toMatchObject({ outcome: 'already-stored', complete: true });
    }
    expect((await objectOf(ready, 'clip.mp4')).object).toEqual(before.object);
    await vi.waitFor(() => expect(announced).toHaveLength(3));
    expect(new Set(announced.map((message) => JSON.stringify(message))).size).toBe(1);
    // All three are kept for an agent that is away.
    const { state } = await messaging.jsm.streams.info(streams.clips, {
      subjects_filter: subjects.clipsStored(`again-${kind}`),
    });
    expect(state.subjects).toEqual({ [subjects.clipsStored(`again-${kind}`)]: 3 });
  });

  test('calls for one event at the same time store it once', async () => {
    const ready = readyOf(await upload(`twins-${kind}`), { camera: `twins-${kind}` });
    const answers = await Promise.all(Array.from({ length: 4 }, () => call(ready)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    await vi.waitFor(() => expect(announced).toHaveLength(4));
    expect(new Set(announced.map((message) => message.clipSha256)).size).toBe(1);
  });

  test('replicas that work on one event at the same time agree on one receipt', async () => {
    const ready = readyOf(await upload(`replicas-${kind}`), { camera: `replicas-${kind}` });
    const parts = { nc: messaging.nc, store, clock: systemClock, log: createLogger('test') };
    const results = await Promise.all(Array.from({ length: 3 }, () => runClipJob(ready, parts, noAbort)));
    expect(results.filter(({ outcome }) => outcome === 'stored')).toHaveLength(1);
    const receipt = await receiptOf(ready);
    for (const result of results) expect(result.manifest).toEqual(receipt);
    const { bytes } = await objectOf(ready, 'clip.mp4');
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(receipt.clip?.sha256);
  });

  test('what a crash before the receipt left behind is replaced', async () => {
    const ready = readyOf(await upload(`crash-${kind}`), { camera: `crash-${kind}` });
    await store.put(eventKey(ready.eventId, 'clip.mp4'), Buffer.from('half a clip'), {
      contentType: 'video/mp4',
    });
    expect((await call(ready)).body).toMatchObject({ outcome: 'stored' });
    const { bytes } = await objectOf(ready, 'clip.mp4');
    expect(createHash('sha256').update(bytes).digest('hex')).toBe((await receiptOf(ready)).clip?.sha256);
  });

  async function objectOf(ready: ClipReady, name: EventObject) {
    const found = await store.get(eventKey(ready.eventId, name));
    if (found === undefined) throw new Error(`${name} is not stored`);
    return { object: found.object, bytes: await buffer(found.stream) };
  }

  async function receiptOf(ready: ClipReady) {
    const { bytes } = await objectOf(ready, 'event.json');
    return manifest.parse(JSON.parse(bytes.toString()));
  }
});

describe('whatever the store', () => {
  let store: ObjectStore;

  beforeAll(async () => {
    const settings = await settingsFor(undefined);
    vi.stubEnv('FAASCAM_STORE', JSON.stringify(settings));
    await becomeReady();
    store = await openStore(settings, folder);
  });
  afterAll(close);

  test('without footage the receipt alone is stored, with the agent’s reasons', async () => {
    const gaps = [{ fromUs: 1_000_000, toUs: 6_000_000, cause: 'agent-stopped' as const }];
    const ready = readyOf([], { camera: 'nothing', fromUs: 1_000_000, toUs: 6_000_000, gaps });
    expect((await call(ready)).body).toMatchObject({ outcome: 'stored', complete: false });
    await vi.waitFor(() => expect(announced).toHaveLength(1));
    expect(announced[0]).toMatchObject({
      gaps,
      complete: false,
      keys: { manifest: eventKey(ready.eventId, 'event.json') },
    });
    expect(await store.head(eventKey(ready.eventId, 'clip.mp4'))).toBeUndefined();
  });

  test('a gap that the agent declared is in the receipt, and the clip keeps true time across it', async () => {
    const [first, second, , fourth] = await upload('hole');
    if (first === undefined || second === undefined || fourth === undefined) throw new Error('four segments');
    const missing = {
      fromUs: second.ref.startUs + 2_000_000,
      toUs: fourth.ref.startUs,
      cause: 'evicted' as const,
    };
    const ready = readyOf([first, second, fourth], { camera: 'hole', gaps: [missing] });
    expect((await call(ready)).body).toMatchObject({ complete: false });
    await vi.waitFor(() => expect(announced).toHaveLength(1));
    expect(announced[0]?.gaps).toEqual([missing]);
  });

  test('a segment that is not in the object store yet is tried again later', async () => {
    const [first, second] = recording.segments;
    if (first === undefined || second === undefined) throw new Error('two segments');
    const files = [await uploadOne('late', first), named('late', second)];
    const ready = readyOf(files, { camera: 'late' });
    await expect(call(ready)).rejects.toMatchObject({ code: 'segment-missing' });
    expect(await store.head(eventKey(ready.eventId, 'event.json'))).toBeUndefined();
    expect(await leftovers()).toEqual([]);
    await uploadOne('late', second);
    expect((await call(ready)).body).toMatchObject({ outcome: 'stored', complete: true });
  });

  test('a segment with other bytes than announced is never put into a clip', async () => {
    const files = await upload('swapped');
    await bucket.putBlob({ name: files[1]?.ref.object ?? '' }, await readFile(files[2]?.path ?? ''));
    const ready = readyOf(files, { camera: 'swapped' });
    await expect(call(ready)).rejects.toMatchObject({ code: 'segment-corrupt' });
    expect(announced).toEqual([]);
    expect(await leftovers()).toEqual([]);
  });

  test('a snapshot far from the best sight frames nothing', async () => {
    const files = await upload('far');
    const ready = readyOf(files, { camera: 'far', bestAtUs: (files[0]?.ref.startUs ?? 0) - 3_000_000 });
    await call(ready);
    const found = await store.get(eventKey(ready.eventId, 'event.json'));
    const receipt = manifest.parse(JSON.parse(found ? (await buffer(found.stream)).toString() : ''));
    expect(receipt.snapshot).toMatchObject({ atUs: files[0]?.ref.startUs, objects: [] });
  });

  test('the snapshot is the sharpest of the pictures in which the objects are seen about as well', async () => {
    const directory = join(folder, 'blurred');
    await mkdir(directory);
    const blurred = await record({
      directory,
      seconds: 6,
      video: ['-c:v', 'libx264', '-preset', 'veryfast', '-g', '25', '-bf', '0'],
      filter: "boxblur=8:enable='between(t,1,3)'",
    });
    const files = await upload('blurred', blurred);
    const plain = readyOf(files, { camera: 'blurred' });
    const startUs = files[0]?.ref.startUs ?? 0;
    const { objects } = plain.event.best;
    const [first, second] = [2_000_000, 4_000_000].map((us) => ({ atUs: startUs + us, objects }));
    if (first === undefined || second === undefined) throw new Error('there are two');
    const ready = { ...plain, event: { ...plain.event, best: first, candidates: [first, second] } };
    await call(ready);
    const found = await store.get(eventKey(ready.eventId, 'event.json'));
    const receipt = manifest.parse(JSON.parse(found ? (await buffer(found.stream)).toString() : ''));
    expect(Math.abs((receipt.snapshot?.atUs ?? 0) - second.atUs)).toBeLessThan(50_000);
    expect(receipt.snapshot?.objects).toEqual(objects);
  });

  test('what was seen in a turned and cut frame is framed where it is in the footage', async () => {
    const plain = readyOf(await upload('turned', recording), { camera: 'turned' });
    const seen = { label: 'person', score: 0.9, box: [0.1, 0.2, 0.3, 0.4] as const };
    const best = { ...plain.event.best, objects: [{ ...seen, box: [...seen.box] satisfies number[] }] };
    // The left half of the picture, turned clockwise: its right edge is the frame's lower edge.
    const view = { rotate: 90 as const, crop: [0, 0, 0.5, 1] satisfies number[] };
    await callRaw(JSON.stringify({ ...plain, view, event: { ...plain.event, best } }));
    const found = await store.get(eventKey(plain.eventId, 'event.json'));
    const receipt = manifest.parse(JSON.parse(found ? (await buffer(found.stream)).toString() : ''));
    const [framed] = receipt.snapshot?.objects ?? [];
    for (const [index, value] of [0.1, 0.6, 0.2, 0.3].entries())
      expect(framed?.box[index]).toBeCloseTo(value);
  });

  test('a message that is malformed or contradicts itself is refused for good', async () => {
    await expect(callRaw('{"v":1}')).rejects.toThrow(MalformedInputError);
    const ready = readyOf(recording.segments, { camera: 'mixed' });
    const other = readyOf(recording.segments, { camera: 'other' });
    await expect(callRaw(JSON.stringify({ ...ready, event: other.event }))).rejects.toThrow(
      MalformedInputError,
    );
    await expect(callRaw(JSON.stringify({ ...ready, toUs: ready.fromUs }))).rejects.toThrow(
      MalformedInputError,
    );
  });

  test('a store that does not work is a failure to be tried again, and then the event is stored', async () => {
    await close();
    const path = join(folder, 'in-the-way');
    await writeFile(path, 'a file');
    vi.stubEnv('FAASCAM_STORE', JSON.stringify({ kind: 'directory', path }));
    const ready = readyOf(await upload('broken'), { camera: 'broken' });
    await expect(becomeReady()).rejects.toMatchObject({ code: 'store-not-writable' });
    await expect(call(ready)).rejects.toMatchObject({ code: 'store-not-writable' });
    await rm(path);
    expect((await call(ready)).body).toMatchObject({ outcome: 'stored' });
  });
});

function named(camera: string, segment: SegmentFile): SegmentFile {
  return { ...segment, ref: { ...segment.ref, object: `${camera}-${segment.ref.object}` } };
}

async function uploadOne(camera: string, segment: SegmentFile): Promise<SegmentFile> {
  const file = named(camera, segment);
  await bucket.putBlob({ name: file.ref.object }, await readFile(file.path));
  return file;
}

/** Puts the recording's segments where an agent puts them, under names of their own. */
async function upload(camera: string, { segments } = recording): Promise<SegmentFile[]> {
  return await Promise.all(segments.map((segment) => uploadOne(camera, segment)));
}

/** Folders of jobs in the folder for temporary files. */
async function leftovers(): Promise<string[]> {
  return (await readdir(temporary)).filter((name) => name.startsWith('faascam-clip-'));
}

async function call(ready: ClipReady) {
  return await callRaw(JSON.stringify(ready));
}

async function callRaw(body: string): Promise<{ status: number; body: unknown }> {
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
  const event: FunctionEvent = { body: Buffer.from(body), headers: {}, method: 'POST', query: {}, path: '/' };
  await handler(event, context);
  return answer;
}

async function settingsFor(server: S3Server | undefined): Promise<StoreSettings> {
  const directory = await mkdtemp(join(folder, 'store-'));
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
