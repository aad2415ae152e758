import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalSha256 } from '@faascam/core/canonical-json';
import { MalformedInputError } from '@faascam/core/errors';
import { eventKey } from '@faascam/core/ids';
import { openStore, type ObjectStore } from '@faascam/core/store';
import sharp from 'sharp';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { runFfmpeg } from './ffmpeg.ts';
import handler, { close, ready as becomeReady } from './handler.ts';
import {
  callHandler,
  named,
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

describe('whatever the store', () => {
  let store: ObjectStore;

  beforeAll(async () => {
    const settings = await site.settingsFor(undefined);
    vi.stubEnv('FAASCAM_STORE', JSON.stringify(settings));
    await becomeReady();
    store = await openStore(settings, site.folder);
  });
  afterAll(close);

  test('without footage the receipt alone is stored, with the agent’s reasons', async () => {
    const gaps = [{ fromUs: 1_000_000, toUs: 6_000_000, cause: 'agent-stopped' as const }];
    const ready = readyOf([], { camera: 'nothing', fromUs: 1_000_000, toUs: 6_000_000, gaps });
    expect((await call(ready)).body).toMatchObject({ outcome: 'stored', complete: false });
    await vi.waitFor(() => expect(site.announced).toHaveLength(1));
    expect(site.announced[0]).toMatchObject({
      gaps,
      complete: false,
      keys: { manifest: eventKey(ready.eventId, 'event.json') },
    });
    expect(await store.head(eventKey(ready.eventId, 'clip.mp4'))).toBeUndefined();
  });

  test('a gap that the agent declared is in the receipt, and the clip keeps true time across it', async () => {
    const [first, second, , fourth] = await site.upload('hole');
    if (first === undefined || second === undefined || fourth === undefined) throw new Error('four segments');
    const missing = {
      fromUs: second.ref.startUs + 2_000_000,
      toUs: fourth.ref.startUs,
      cause: 'evicted' as const,
    };
    const ready = readyOf([first, second, fourth], { camera: 'hole', gaps: [missing] });
    expect((await call(ready)).body).toMatchObject({ complete: false });
    await vi.waitFor(() => expect(site.announced).toHaveLength(1));
    expect(site.announced[0]?.gaps).toEqual([missing]);
  });

  test('a segment that is not in the object store yet is tried again later', async () => {
    const [first, second] = site.recording.segments;
    if (first === undefined || second === undefined) throw new Error('two segments');
    const files = [...(await site.upload('late', [first])), named('late', second)];
    const ready = readyOf(files, { camera: 'late' });
    await expect(call(ready)).rejects.toMatchObject({ code: 'segment-missing' });
    expect(await store.head(eventKey(ready.eventId, 'event.json'))).toBeUndefined();
    expect(await site.leftovers()).toEqual([]);
    await site.upload('late', [second]);
    expect((await call(ready)).body).toMatchObject({ outcome: 'stored', complete: true });
  });

  test('a segment with other bytes than announced is never put into a clip', async () => {
    const files = await site.upload('swapped');
    await site.bucket.putBlob({ name: files[1]?.ref.object ?? '' }, await readFile(files[2]?.path ?? ''));
    const ready = readyOf(files, { camera: 'swapped' });
    await expect(call(ready)).rejects.toMatchObject({ code: 'segment-corrupt' });
    expect(site.announced).toEqual([]);
    expect(await site.leftovers()).toEqual([]);
  });

  test('a snapshot far from the best sight frames nothing', async () => {
    const files = await site.upload('far');
    const ready = readyOf(files, { camera: 'far', bestAtUs: (files[0]?.ref.startUs ?? 0) - 3_000_000 });
    await call(ready);
    const receipt = await receiptOf(store, ready);
    expect(receipt.snapshot).toMatchObject({ atUs: files[0]?.ref.startUs, objects: [] });
  });

  test('the snapshot is the sharpest of the pictures in which the objects are seen about as well', async () => {
    const blurred = await site.record({
      seconds: 6,
      video: ['-c:v', 'libx264', '-preset', 'veryfast', '-g', '25', '-bf', '0'],
      filter: "boxblur=8:enable='between(t,1,3)'",
    });
    const files = await site.upload('blurred', blurred.segments);
    const plain = readyOf(files, { camera: 'blurred' });
    const startUs = files[0]?.ref.startUs ?? 0;
    const { objects } = plain.event.best;
    const [first, second] = [2_000_000, 4_000_000].map((us) => ({ atUs: startUs + us, objects }));
    if (first === undefined || second === undefined) throw new Error('there are two');
    const ready = { ...plain, event: { ...plain.event, best: first, candidates: [first, second] } };
    await call(ready);
    const receipt = await receiptOf(store, ready);
    expect(Math.abs((receipt.snapshot?.atUs ?? 0) - second.atUs)).toBeLessThan(50_000);
    expect(receipt.snapshot?.objects).toEqual(objects);
  });

  test('what was seen in a turned and cut frame is framed where it is in the footage', async () => {
    const plain = readyOf(await site.upload('turned'), { camera: 'turned' });
    const seen = { label: 'person', score: 0.9, box: [0.1, 0.2, 0.3, 0.4] as const };
    const best = { ...plain.event.best, objects: [{ ...seen, box: [...seen.box] satisfies number[] }] };
    // The left half of the picture, turned clockwise: its right edge is the frame's lower edge.
    const view = { rotate: 90 as const, crop: [0, 0, 0.5, 1] satisfies number[] };
    await call({ ...plain, view, event: { ...plain.event, best } });
    const receipt = await receiptOf(store, plain);
    const [framed] = receipt.snapshot?.objects ?? [];
    for (const [index, value] of [0.1, 0.6, 0.2, 0.3].entries())
      expect(framed?.box[index]).toBeCloseTo(value);
  });

  test('segments that come swapped, doubled, from another camera or without length leave the clip right', async () => {
    const files = await site.upload('mess');
    const [foreign] = await site.upload('other', site.recording.segments.slice(0, 1));
    if (foreign === undefined) throw new Error('one segment');
    const ready = readyOf(files, { camera: 'mess' });
    const [first, second, third, fourth] = ready.segments;
    const late = { ...foreign.ref, startUs: (fourth?.startUs ?? 0) + 10_000_000 };
    const sent = {
      ...ready,
      segments: [
        fourth,
        second,
        { ...first, object: 'mess/none.mkv', sizeBytes: 0 },
        first,
        second,
        late,
        third,
      ],
    };
    expect((await call(sent)).body).toMatchObject({ outcome: 'stored', complete: true });
    const receipt = await receiptOf(store, ready);
    expect(receipt.clip?.video.packets).toBe(site.recording.video.length);
    expect(receipt.delivered?.fromUs).toBe(first?.startUs);
    const why = new Map(receipt.faults?.map((fault) => [fault.object, fault.why]));
    expect(why.get('mess/none.mkv')).toBe('It has no bytes or no length.');
    expect(why.get(foreign.ref.object)).toBe('It is of another camera.');
    expect(why.get(second?.object)).toBe('It has the same bytes as one before it.');
  });

  test('segments that stay away through many offers are named in the receipt, and the rest is the clip', async () => {
    const files = await site.upload('gone', site.recording.segments.slice(0, 3));
    const [wrong] = files.slice(2);
    const missing = named('gone', site.recording.segments[3] ?? absent());
    await site.bucket.putBlob({ name: wrong?.ref.object ?? '' }, Buffer.from('other bytes'));
    const ready = readyOf([...files, missing], { camera: 'gone' });
    // Many offers that failed for something else cost no segment.
    for (let attempt = 20; attempt < 27; attempt++) {
      const offer = { attempt, wantedAtUs: 1, offeredAtUs: 2 };
      await expect(call({ ...ready, offer })).rejects.toMatchObject({ code: 'segment-corrupt' });
    }
    const offer = { attempt: 27, wantedAtUs: 1, offeredAtUs: 2 };
    expect((await call({ ...ready, offer })).body).toMatchObject({ complete: false });
    const receipt = await receiptOf(store, ready);
    expect(receipt.clip?.video.packets).toBe(100);
    expect(receipt.gaps.map(({ cause }) => cause)).toEqual(['damaged', 'damaged']);
    expect(receipt.faults?.map(({ object }) => object)).toEqual([wrong?.ref.object, missing.ref.object]);
    expect(receipt.attempts).toBe(27);
  });

  test('a camera that changed its codec and size on the way gives several clips, and loses nothing', async () => {
    const after = await site.record({
      seconds: 2,
      video: ['-c:v', 'mjpeg'],
      picture: 'color=c=red:size=640x240:rate=25:duration=2',
      originUs: site.recording.originUs + 8_000_000,
    });
    const segments = [...site.recording.segments, ...after.segments.map((each) => named('late', each))];
    const ready = readyOf(await site.upload('parts', segments), { camera: 'parts' });
    expect((await call(ready)).body).toMatchObject({ complete: true });
    const receipt = await receiptOf(store, ready);
    expect(
      receipt.parts?.map(({ key, video }) => [key.replace(/.*\//, ''), video.codec, video.packets]),
    ).toEqual([
      ['clip.mp4', 'h264', site.recording.video.length],
      ['clip-2.mp4', 'mjpeg', after.video.length],
    ]);
    for (const part of receipt.parts ?? []) {
      const { metadata } = (await store.head(part.key)) ?? {};
      expect(metadata?.['sha256']).toBe(part.sha256);
    }
    await vi.waitFor(() => expect(site.announced).toHaveLength(1));
    expect(site.announced[0]?.keys.parts).toEqual(receipt.parts?.map(({ key }) => key));

    // Preview and strip show the last part as well, in a frame of the first one's shape.
    expect(receipt.faults).toBeUndefined();
    expect(receipt.strip).toMatchObject({ count: 10, everyMs: 1000, tileWidth: 160, tileHeight: 120 });
    const strip = (await objectOf(store, ready, 'strip.jpg')).bytes;
    expect(await colourAt(strip, 9 * 160 + 80, 60)).toBe('red');
    expect(await colourAt(strip, 9 * 160 + 80, 10)).toBe('black');
    expect(await colourAt(strip, 80, 10)).not.toBe('black');
    const preview = join(site.folder, 'parts-preview.mp4');
    await writeFile(preview, (await objectOf(store, ready, 'preview.mp4')).bytes);
    expect((await packetsOf(preview)).video.at(-1)?.pts_time).toBeGreaterThan(9_500_000);
    const last = join(site.folder, 'parts-preview.png');
    // Each picture replaces the one before.
    const eachInTurn = { outputOptions: ['-update', '1', '-f', 'image2', '-c:v', 'png'], output: last };
    await runFfmpeg({ input: preview, ...eachInTurn }, 'take its last picture', noAbort);
    expect(await colourAt(await readFile(last), 160, 120)).toBe('red');
  });

  test('with a rendition asked for, what browsers do not play is stored as H.264 too, and a fault costs only that', async () => {
    vi.stubEnv('FAASCAM_CLIP', 'transcode: h264');
    const mjpeg = await site.record({ seconds: 2, video: ['-c:v', 'mjpeg'], audio: ['-c:a', 'aac'] });
    const ready = readyOf(await site.upload('browser', mjpeg.segments), { camera: 'browser' });
    await call(ready);
    const receipt = await receiptOf(store, ready);
    expect(receipt.renditions).toMatchObject([
      {
        key: eventKey(ready.eventId, 'clip-h264.mp4'),
        video: { codec: 'h264', width: 320, height: 240, packets: mjpeg.video.length },
        audio: { codec: 'aac' },
      },
    ]);
    expect((await store.head(receipt.renditions?.[0]?.key ?? ''))?.sizeBytes).toBe(
      receipt.renditions?.[0]?.sizeBytes,
    );
    // H.264 of the usual kind needs none.
    const plain = readyOf(await site.upload('plain'), { camera: 'plain' });
    await call(plain);
    expect(await receiptOf(store, plain)).not.toHaveProperty('renditions');
    vi.stubEnv('FAASCAM_CLIP', '');
  });

  test('what the agent signed comes out as it went in, with fields that nobody here knows', async () => {
    const ready = readyOf(await site.upload('signed'), { camera: 'signed' });
    const event = { news: [1, { deep: 'ü' }], ...ready.event };
    const attestation = {
      v: 1,
      agent: 'edge-1',
      publicKey: `${'A'.repeat(43)}=`,
      link: {
        number: 1,
        camera: 'signed',
        eventId: ready.eventId,
        fromUs: 1,
        toUs: 2,
        event: '0'.repeat(64),
        later: 1,
      },
      segments: ready.segments,
      gaps: [],
      attestedAtUs: 3,
      signature: `${'A'.repeat(86)}==`,
    };
    const offer = { attempt: 2, wantedAtUs: 1, pinnedAtUs: 2, offeredAtUs: 3 };
    await call({
      ...ready,
      event,
      attestation,
      offer,
      madeBy: { software: '1.2.3', configRevision: 'c0ffee' },
    });
    const { bytes } = await objectOf(store, ready, 'event.json');
    const stored: unknown = JSON.parse(bytes.toString());
    await vi.waitFor(() => expect(site.announced).toHaveLength(1));
    expect(site.announced[0]?.receiptSha256).toBe(canonicalSha256(stored));
    expect(stored).toMatchObject({ attempts: 2, madeBy: { agent: '1.2.3', node: process.version } });
    expect(JSON.stringify(stored)).toContain(JSON.stringify(event));
    expect(JSON.stringify(stored)).toContain(JSON.stringify(attestation));
    const { timings } = await receiptOf(store, ready);
    const { startedAtUs = 0, fetchedAtUs = 0, assembledAtUs = 0, checkedAtUs = 0 } = timings ?? {};
    expect(
      [startedAtUs, fetchedAtUs, assembledAtUs, checkedAtUs].every((at, n, all) => at >= (all[n - 1] ?? 1)),
    ).toBe(true);
    expect(timings).toMatchObject({ wantedAtUs: 1, pinnedAtUs: 2, offeredAtUs: 3 });
  });

  test('a message that is malformed or contradicts itself is refused for good', async () => {
    await expect(call('{"v":1}')).rejects.toThrow(MalformedInputError);
    const ready = readyOf(site.recording.segments, { camera: 'mixed' });
    for (const eventId of ['../../etc/passwd', 'mixed-20260102t030405-000000/..', '/mixed', 'mixed']) {
      await expect(call({ ...ready, eventId, event: { ...ready.event, id: eventId } })).rejects.toThrow(
        MalformedInputError,
      );
    }
    const other = readyOf(site.recording.segments, { camera: 'other' });
    await expect(call({ ...ready, event: other.event })).rejects.toThrow(MalformedInputError);
    await expect(call({ ...ready, toUs: ready.fromUs })).rejects.toThrow(MalformedInputError);
  });

  test('a store that does not work is a failure to be tried again, and then the event is stored', async () => {
    await close();
    const path = join(site.folder, 'in-the-way');
    await writeFile(path, 'a file');
    vi.stubEnv('FAASCAM_STORE', JSON.stringify({ kind: 'directory', path }));
    const ready = readyOf(await site.upload('broken'), { camera: 'broken' });
    await expect(becomeReady()).rejects.toMatchObject({ code: 'store-not-writable' });
    await expect(call(ready)).rejects.toMatchObject({ code: 'store-not-writable' });
    await rm(path);
    expect((await call(ready)).body).toMatchObject({ outcome: 'stored' });
  });
});

async function colourAt(picture: Buffer, left: number, top: number): Promise<'red' | 'black' | 'other'> {
  const [red = 0, green = 0, blue = 0] = await sharp(picture)
    .extract({ left, top, width: 1, height: 1 })
    .removeAlpha()
    .raw()
    .toBuffer();
  if (Math.max(green, blue) > 60) return 'other';
  return red > 180 ? 'red' : red < 60 ? 'black' : 'other';
}

function absent(): never {
  throw new Error('the recording has four segments');
}
