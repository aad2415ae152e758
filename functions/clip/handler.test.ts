import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { systemClock } from '@faascam/core/clock';
import { clipSettings } from '@faascam/core/clip-settings';
import { storeEvent } from '@faascam/core/event-fixture';
import { keepEvent } from '@faascam/core/event-keeping';
import { removeEvent } from '@faascam/core/event-removal';
import { storedEvent } from '@faascam/core/event-walk';
import { eventKey } from '@faascam/core/ids';
import { createLogger } from '@faascam/core/log';
import type { StoreSettings } from '@faascam/core/store-settings';
import { openStore, type ObjectStore } from '@faascam/core/store';
import { streams, subjects } from '@faascam/core/subjects';
import { s3ServerInstalled, startS3Server, type S3Server } from '@faascam/test-servers/s3';
import sharp from 'sharp';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { runClipJob } from './clip-job.ts';
import { decode } from './ffmpeg.ts';
import handler, { close, ready as becomeReady } from './handler.ts';
import { offerOf } from './offer.ts';
import { SegmentPatience } from './segment-patience.ts';
import {
  callHandler,
  objectOf,
  openHandlerSite,
  receiptOf,
  type HandlerSite,
} from './testing/handler-site.ts';
import { packetsOf } from './testing/packets.ts';
import { readyOf } from './testing/ready.ts';

// Read when the handler is loaded.
vi.hoisted(() => vi.stubEnv('FAASCAM_LOG', 'silent'));

const noAbort = new AbortController().signal;
const s3Installed = await s3ServerInstalled();
let site: HandlerSite;

beforeAll(async () => {
  site = await openHandlerSite();
});
beforeEach(async () => {
  await site.forgetAnnounced();
});
afterAll(async () => {
  await site.close();
});

const call = (body: object | string) => callHandler(handler, body);

const kinds = s3Installed ? (['directory', 's3'] as const) : (['directory'] as const);

describe.each(kinds)('with a %s store', (kind) => {
  let server: S3Server | undefined;
  let settings: StoreSettings;
  let store: ObjectStore;

  beforeAll(async () => {
    if (kind === 's3') server = await startS3Server();
    settings = await site.settingsFor(server);
    vi.stubEnv('FAASCAM_STORE', JSON.stringify(settings));
    await becomeReady();
    store = await openStore(settings, site.folder);
  });
  afterAll(async () => {
    await close();
    await store.close();
    await server?.stop();
  });

  test('an event’s segments become its clip, snapshot and receipt, and the storing is announced', async () => {
    const ready = readyOf(await site.upload(`whole-${kind}`), { camera: `whole-${kind}` });
    expect(await call(ready)).toEqual({
      status: 200,
      body: { eventId: ready.eventId, outcome: 'stored', complete: true },
    });

    const receipt = await receiptOf(store, ready);
    const clip = await objectOf(store, ready, 'clip.mp4');
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
    const path = join(site.folder, `${kind}.mp4`);
    await writeFile(path, clip.bytes);
    expect(await decode(path, noAbort)).toEqual({ frames: site.recording.video.length, complaints: [] });
    const hashes = new Set((await packetsOf(path)).video.map((packet) => packet.data_hash));
    expect(site.recording.video.every((packet) => hashes.has(packet.data_hash))).toBe(true);
    expect(receipt).toMatchObject({
      complete: true,
      gaps: [],
      agent: 'edge-1',
      segments: ready.segments,
      event: ready.event,
      clip: { video: { codec: 'h264', width: 320, height: 240, packets: 200 }, audio: { codec: 'aac' } },
      snapshot: { width: 320, height: 240, objects: ready.event.best.objects },
    });

    const snapshot = await objectOf(store, ready, 'snapshot.jpg');
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
    const clean = await sharp((await objectOf(store, ready, 'snapshot-clean.jpg')).bytes)
      .raw()
      .toBuffer();
    expect(clean.length).toBe(picture.data.length);
    expect(clean.subarray(at, at + 3)).not.toEqual(picture.data.subarray(at, at + 3));

    await vi.waitFor(() => expect(site.announced).toHaveLength(1));
    expect(site.announced[0]).toMatchObject({
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
    expect(await site.leftovers()).toEqual([]);
  });

  test('an event that is stored is announced again, each time it is asked for, and left as it is', async () => {
    const ready = readyOf(await site.upload(`again-${kind}`), { camera: `again-${kind}` });
    await call(ready);
    const before = await objectOf(store, ready, 'clip.mp4');
    for (const { ref } of site.recording.segments) await site.bucket.delete(`again-${kind}/${ref.object}`);
    for (let round = 0; round < 2; round++) {
      expect((await call(ready)).body).toMatchObject({ outcome: 'already-stored', complete: true });
    }
    expect((await objectOf(store, ready, 'clip.mp4')).object).toEqual(before.object);
    await vi.waitFor(() => expect(site.announced).toHaveLength(3));
    expect(new Set(site.announced.map((message) => JSON.stringify(message))).size).toBe(1);
    // All three are kept for an agent that is away.
    const { state } = await site.messaging.jsm.streams.info(streams.clips, {
      subjects_filter: subjects.clipsStored(`again-${kind}`),
    });
    expect(state.subjects).toEqual({ [subjects.clipsStored(`again-${kind}`)]: 3 });
  });

  test('an event that was removed on purpose is not stored again, and its agent is told to let go', async () => {
    const ready = readyOf(await site.upload(`removed-${kind}`), { camera: `removed-${kind}` });
    await call(ready);
    const removal = { atUs: systemClock.nowUs(), reason: 'by-hand' } as const;
    expect(await removeEvent(store, ready.eventId, removal)).toMatchObject({ outcome: 'removed' });
    const answered = {
      status: 200,
      body: { eventId: ready.eventId, outcome: 'removed', complete: false },
    };
    for (let round = 0; round < 2; round++) expect(await call(ready)).toEqual(answered);
    expect([...(await storedEvent(store, ready.eventId)).objects.keys()]).toEqual(['removed.json']);

    await vi.waitFor(() => expect(site.announced).toHaveLength(3));
    for (const told of site.announced.slice(1)) {
      expect(told).toEqual({
        ...{ v: 1, eventId: ready.eventId, camera: ready.camera, complete: false, gaps: [], removed: true },
        requested: { fromUs: ready.fromUs, toUs: ready.toUs },
        keys: { manifest: eventKey(ready.eventId, 'event.json') },
      });
    }
  });

  test('calls for one event at the same time store it once', async () => {
    const ready = readyOf(await site.upload(`twins-${kind}`), { camera: `twins-${kind}` });
    const answers = await Promise.all(Array.from({ length: 4 }, () => call(ready)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    await vi.waitFor(() => expect(site.announced).toHaveLength(1));
  });

  test('replicas that work on one event at the same time agree on one receipt', async () => {
    const ready = readyOf(await site.upload(`replicas-${kind}`), { camera: `replicas-${kind}` });
    const offer = offerOf(Buffer.from(JSON.stringify(ready)));
    const settings = clipSettings.parse(undefined);
    const log = createLogger('test');
    const patience = new SegmentPatience();
    const parts = { nc: site.messaging.nc, store, clock: systemClock, log, settings, patience };
    const results = await Promise.all(Array.from({ length: 3 }, () => runClipJob(offer, parts, noAbort)));
    expect(results.filter(({ outcome }) => outcome === 'stored')).toHaveLength(1);
    const receipt = await receiptOf(store, ready);
    for (const result of results) expect(result).toMatchObject({ receipt: { manifest: receipt } });
    const { bytes } = await objectOf(store, ready, 'clip.mp4');
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(receipt.clip?.sha256);
  });

  test('what a crash before the receipt left behind is replaced', async () => {
    const ready = readyOf(await site.upload(`crash-${kind}`), { camera: `crash-${kind}` });
    await store.put(eventKey(ready.eventId, 'clip.mp4'), Buffer.from('half a clip'), {
      contentType: 'video/mp4',
    });
    expect((await call(ready)).body).toMatchObject({ outcome: 'stored' });
    const { bytes } = await objectOf(store, ready, 'clip.mp4');
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(
      (await receiptOf(store, ready)).clip?.sha256,
    );
  });

  test('with retention settings calls sweep old events, an hour after they were told, and leave new ones', async () => {
    await close();
    vi.stubEnv('FAASCAM_RETENTION', 'days: 30');
    const nowUs = systemClock.nowUs();
    const clip = Buffer.from('an old clip');
    const old = await storeEvent(store, { camera: `swept-${kind}`, startUs: nowUs - 40 * DAY_US, clip });
    const kept = await storeEvent(store, { camera: `swept-${kind}`, startUs: nowUs - 41 * DAY_US, clip });
    await keepEvent(store, kept, { atUs: nowUs });
    const originUs = nowUs - 60_000_000;
    const files = site.recording.segments.map((file, n) => ({
      ...file,
      ref: { ...file.ref, startUs: originUs + n * 2_000_000 },
    }));
    const ready = readyOf(await site.upload(`swept-${kind}`, files), { camera: `swept-${kind}` });

    await becomeReady();
    expect((await call(ready)).body).toMatchObject({ outcome: 'stored' });
    // The first time it is only told what would go.
    const state = await vi.waitFor(
      async () => {
        const found = await store.get(SWEEP_STATE);
        if (found === undefined) throw new Error('no sweep was begun yet');
        return sweepState.parse(JSON.parse(await text(found.stream)));
      },
      { timeout: 20_000 },
    );
    await close();
    expect([...(await storedEvent(store, old)).objects.keys()]).toContain('clip.mp4');

    const earlier = { ...state, startedAtUs: state.startedAtUs - 2 * 3_600_000_000 };
    await store.put(SWEEP_STATE, Buffer.from(JSON.stringify(earlier)), { contentType: 'application/json' });
    await becomeReady();
    expect((await call(ready)).body).toMatchObject({ outcome: 'already-stored' });
    await vi.waitFor(
      async () => expect([...(await storedEvent(store, old)).objects.keys()]).toEqual(['removed.json']),
      { timeout: 20_000 },
    );
    expect([...(await storedEvent(store, kept)).objects.keys()]).toContain('clip.mp4');
    expect([...(await storedEvent(store, ready.eventId)).objects.keys()]).toContain('clip.mp4');
    await close();
    vi.stubEnv('FAASCAM_RETENTION', '');
    await becomeReady();
  });
});

const DAY_US = 86_400_000_000;
const SWEEP_STATE = '_faascam/retention.json';
const sweepState = z.looseObject({ startedAtUs: z.number() });
