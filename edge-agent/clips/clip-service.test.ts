import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { DeliverPolicy } from '@nats-io/jetstream';
import { Objm } from '@nats-io/obj';
import { clipReady, type ClipReady } from '@faascam/core/clip-messages';
import { parseMessage, type ClipWanted } from '@faascam/core/messages';
import { startNatsServer } from '@faascam/core/nats-server';
import { buckets, streams, subjects } from '@faascam/core/subjects';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { makeVideo } from '../capture/test-video.ts';
import { Footage } from '../ring/footage.ts';
import { objectsOf, openTestSite, settingsOf, storedClip, wantedClip, type TestSite } from '../test-site.ts';
import { serveClips, type ClipServiceOptions } from './clip-service.ts';

const SECOND_US = 1_000_000;
/** Long ago, so that no request waits for footage to come. */
const START_US = 1_700_000_000_000_000;
const soon = { timeout: 30_000, interval: 50 };

let site: TestSite;
let video: string;

beforeAll(async () => {
  site = await openTestSite();
  video = join(site.directory, 'segment.mkv');
  await makeVideo(
    '-f',
    'lavfi',
    '-i',
    'testsrc2=size=160x120:rate=10:duration=2',
    '-pix_fmt',
    'yuv420p',
    video,
  );
});

afterAll(async () => {
  await site.close();
});

interface Served {
  footage: Footage;
  want(from: number, to: number): Promise<ClipWanted>;
  offers(): ClipReady[];
  store(wanted: ClipWanted): Promise<void>;
  /** Requests that are not done with. */
  open(): Promise<number>;
  objects(): Promise<string[]>;
  stop(): Promise<void>;
}

async function openFootage(directory: string, minutes = 10): Promise<Footage> {
  const { ring } = settingsOf('file:x', { ring: { minutes } });
  return await Footage.open({ directory, ring, pace: 'live', log: site.log });
}

async function record(footage: Footage, from: number, to: number): Promise<void> {
  for (let second = from; second < to; second += 2) {
    const file = join((await footage.openSession()) ?? '', 'closed.mkv');
    await copyFile(video, file);
    const startUs = START_US + second * SECOND_US;
    await footage.add(file, { startUs, endUs: startUs + 2 * SECOND_US, joinsPrevious: second > from });
  }
}

async function serve(
  camera: string,
  footage: Footage,
  more: Partial<ClipServiceOptions> = {},
): Promise<Served> {
  const { messaging, log } = site;
  const stop = new AbortController();
  const timing = { graceMs: 500, offerWaitsMs: [700], ackWaitMs: 2000 };
  const serving = serveClips({
    id: 'edge',
    camera,
    footage,
    messaging,
    log,
    signal: stop.signal,
    ...timing,
    ...more,
  });
  const offers: ClipReady[] = [];
  const consumer = await messaging.js.consumers.get(streams.clips, {
    filter_subjects: subjects.clipsReady(camera),
    deliver_policy: DeliverPolicy.New,
  });
  const messages = await consumer.consume({
    callback: (message) => void offers.push(parseMessage(clipReady, message.data, message.subject)),
  });
  return {
    footage,
    want: async (from, to) => {
      const wanted = wantedClip(camera, START_US + from * SECOND_US, START_US + to * SECOND_US);
      await messaging.js.publish(subjects.clipsWanted(camera), JSON.stringify(wanted));
      return wanted;
    },
    offers: () => offers,
    store: async (wanted) => {
      await messaging.js.publish(subjects.clipsStored(camera), JSON.stringify(storedClip(wanted)));
    },
    open: async () => {
      const info = await messaging.jsm.consumers.info(streams.clips, `edge-agent-${camera}`);
      return info.num_ack_pending + info.num_pending;
    },
    objects: () => objectsOf(messaging, camera),
    stop: async () => {
      stop.abort();
      await serving;
      await messages.close();
    },
  };
}

async function newDirectory(): Promise<string> {
  return await mkdtemp(join(site.directory, 'footage-'));
}

describe('clip service', () => {
  test('brings the segments of a window with their digests, and clears up once the event is stored', async () => {
    const footage = await openFootage(await newDirectory());
    await record(footage, 0, 10);
    const desk = await serve('whole', footage, { view: () => ({ rotate: 90 }) });
    const wanted = await desk.want(3, 7);
    await vi.waitFor(() => expect(desk.offers().length).toBe(1), soon);
    const [ready] = desk.offers();
    expect(ready?.view).toEqual({ rotate: 90 });
    expect(ready).toMatchObject({
      eventId: wanted.eventId,
      agent: 'edge',
      gaps: [],
      codec: { video: 'h264' },
    });
    expect(ready?.segments.map(({ startUs }) => (startUs - START_US) / SECOND_US)).toEqual([2, 4, 6]);
    const store = await new Objm(site.messaging.nc).open(buckets.segments);
    for (const { object, sha256, sizeBytes, durationUs } of ready?.segments ?? []) {
      const bytes = (await store.getBlob(object)) ?? new Uint8Array();
      expect([createHash('sha256').update(bytes).digest('hex'), bytes.length]).toEqual([sha256, sizeBytes]);
      expect(durationUs).toBe(2 * SECOND_US);
    }
    expect(await desk.open()).toBe(1);
    await desk.store(wanted);
    await vi.waitFor(async () => expect([await desk.open(), await desk.objects()]).toEqual([0, []]), soon);
    await desk.stop();
  });

  test('offers again until the event is stored, also what vanished from the store meanwhile', async () => {
    const footage = await openFootage(await newDirectory());
    await record(footage, 0, 4);
    const desk = await serve('again', footage);
    const wanted = await desk.want(1, 3);
    await vi.waitFor(() => expect(desk.offers().length).toBe(2), soon);
    const [first, second] = desk.offers();
    expect({ ...second, offer: undefined }).toEqual({ ...first, offer: undefined });
    expect([first?.offer?.attempt, second?.offer?.attempt]).toEqual([1, 2]);
    const store = await new Objm(site.messaging.nc).open(buckets.segments);
    for (const name of await desk.objects()) await store.delete(name);
    const before = desk.offers().length;
    await vi.waitFor(() => expect(desk.offers().length).toBeGreaterThan(before + 1), soon);
    expect((await desk.objects()).length).toBe(2);
    await desk.store(wanted);
    await vi.waitFor(async () => expect(await desk.open()).toBe(0), soon);
    await desk.stop();
  });

  test('footage of a waiting request is not dropped, whatever comes in meanwhile', async () => {
    const directory = await newDirectory();
    const footage = await openFootage(directory, 0.2);
    await record(footage, 0, 10);
    const desk = await serve('pinned', footage);
    const wanted = await desk.want(1, 5);
    await vi.waitFor(() => expect(desk.offers().length).toBe(1), soon);
    await record(footage, 10, 60);
    expect(desk.footage.ring.overlapping(wanted.fromUs, wanted.toUs).length).toBe(3);
    await desk.stop();

    // The agent comes again, with nothing in mind but what lies on its disk.
    const again = await openFootage(directory, 0.2);
    await record(again, 60, 64);
    const later = await serve('pinned', again);
    await vi.waitFor(() => expect(later.offers().length).toBeGreaterThan(0), soon);
    expect(later.offers()[0]?.segments.length).toBe(3);
    expect(later.offers()[0]?.gaps).toEqual([]);
    await later.store(wanted);
    await vi.waitFor(async () => expect(await later.open()).toBe(0), soon);
    await vi.waitFor(() => expect(again.ring.overlapping(wanted.fromUs, wanted.toUs)).toEqual([]), soon);
    await later.stop();
  });

  test('what was stored while the agent was away is not offered again', async () => {
    const directory = await newDirectory();
    const footage = await openFootage(directory);
    await record(footage, 0, 4);
    const desk = await serve('away', footage);
    const wanted = await desk.want(1, 3);
    await vi.waitFor(() => expect(desk.offers().length).toBe(1), soon);
    await desk.stop();
    await desk.store(wanted);
    // Many more lie in the stream, so that reading them takes a moment.
    for (let i = 0; i < 300; i++) await desk.store(wantedClip('away', START_US + i, START_US + SECOND_US));
    const later = await serve('away', await openFootage(directory));
    await vi.waitFor(async () => expect([await later.open(), await later.objects()]).toEqual([0, []]), soon);
    expect(later.offers()).toEqual([]);
    await later.stop();
  });

  test('names what it cannot bring: too old, damaged, never there', async () => {
    const footage = await openFootage(await newDirectory(), 0.2);
    await record(footage, 0, 40);
    const [, damaged] = footage.ring.overlapping(START_US + 31 * SECOND_US, START_US + 37 * SECOND_US);
    await rm(damaged?.path ?? '');
    const desk = await serve('missing', footage);
    await desk.want(2, 6);
    await desk.want(31, 37);
    await desk.want(-9, -5);
    await vi.waitFor(() => expect(new Set(desk.offers().map(({ eventId }) => eventId)).size).toBe(3), soon);
    const gapsFrom = (from: number) =>
      desk
        .offers()
        .find(({ fromUs }) => fromUs === START_US + from * SECOND_US)
        ?.gaps.map(({ fromUs, toUs, cause }) => [(fromUs - START_US) / 1e6, (toUs - START_US) / 1e6, cause]);
    expect(gapsFrom(2)).toEqual([[2, 6, 'evicted']]);
    expect(gapsFrom(31)).toEqual([[32, 34, 'damaged']]);
    expect(gapsFrom(-9)).toEqual([[-9, -5, 'before-start']]);
    await desk.stop();
  });

  test('a segment that is no video any more is named as damaged', async () => {
    const footage = await openFootage(await newDirectory());
    await record(footage, 0, 4);
    const [first] = footage.ring.overlapping(START_US, START_US + SECOND_US);
    await writeFile(first?.path ?? '', 'no video');
    const desk = await serve('rotten', footage);
    await desk.want(1, 3);
    await vi.waitFor(() => expect(desk.offers().length).toBeGreaterThan(0), soon);
    expect(desk.offers()[0]?.gaps.map(({ cause }) => cause)).toEqual(['damaged']);
    expect(desk.offers()[0]?.segments.length).toBe(1);
    await desk.stop();
  });

  test('a request that only the next start can complete does not come again at once', async () => {
    const footage = await openFootage(await newDirectory());
    const answers: string[] = [];
    site.messaging.nc.subscribe(`$JS.ACK.${streams.clips}.edge-agent-later.>`, {
      callback: (_error, message) => void answers.push(message.string()),
    });
    footage.endsForGood();
    footage.stopped();
    const desk = await serve('later', footage, { ackWaitMs: 60_000 });
    const ahead = (footage.dates.nowUs() - START_US) / SECOND_US + 3600;
    await desk.want(ahead, ahead + 2);
    await vi.waitFor(() => expect(answers.length).toBeGreaterThan(0), soon);
    expect(answers[0]).toMatch(/^-NAK .*"delay":\s*[1-9]/);
    await desk.stop();
  });

  test('a malformed request is left out and holds nobody up', async () => {
    const footage = await openFootage(await newDirectory());
    await record(footage, 0, 4);
    const desk = await serve('malformed', footage);
    const { js } = site.messaging;
    await js.publish(subjects.clipsWanted('malformed'), 'no JSON');
    await js.publish(subjects.clipsWanted('malformed'), JSON.stringify({ v: 1 }));
    await js.publish(
      subjects.clipsWanted('malformed'),
      JSON.stringify(wantedClip('other', START_US, START_US + 1)),
    );
    const wanted = await desk.want(1, 3);
    await vi.waitFor(
      () => expect(desk.offers().map(({ eventId }) => eventId)).toContain(wanted.eventId),
      soon,
    );
    await desk.store(wanted);
    await vi.waitFor(async () => expect(await desk.open()).toBe(0), soon);
    expect(desk.offers().every(({ eventId }) => eventId === wanted.eventId)).toBe(true);
    await desk.stop();
  });

  test('a broker that goes away and comes back costs no clip', async () => {
    const other = await openTestSite();
    const { messaging, server, log } = other;
    const footage = await openFootage(await newDirectory());
    await record(footage, 0, 6);
    const stop = new AbortController();
    const timing = { graceMs: 500, offerWaitsMs: [500], ackWaitMs: 2000 };
    const serving = serveClips({
      id: 'edge',
      camera: 'b',
      footage,
      messaging,
      log,
      signal: stop.signal,
      ...timing,
    });
    const wanted = wantedClip('b', START_US + SECOND_US, START_US + 5 * SECOND_US);
    await messaging.js.publish(subjects.clipsWanted('b'), JSON.stringify(wanted));
    await vi.waitFor(
      async () =>
        expect((await messaging.jsm.consumers.info(streams.clips, 'edge-agent-b')).num_ack_pending).toBe(1),
      soon,
    );
    await server.stop();
    const again = await startNatsServer({ directory: join(other.directory, 'nats'), port: server.port });
    try {
      const ready = await vi.waitFor(async () => {
        const last = { last_by_subj: subjects.clipsReady('b') };
        const message = await messaging.jsm.streams.getMessage(streams.clips, last);
        expect(message?.time.getTime() ?? 0).toBeGreaterThan(0);
        return message;
      }, soon);
      expect(parseMessage(clipReady, ready?.data ?? '', 'clips.ready.b').segments.length).toBe(3);
      await messaging.js.publish(subjects.clipsStored('b'), JSON.stringify(storedClip(wanted)));
      await vi.waitFor(
        async () =>
          expect((await messaging.jsm.consumers.info(streams.clips, 'edge-agent-b')).num_ack_pending).toBe(0),
        soon,
      );
    } finally {
      stop.abort();
      await serving;
      await again.stop();
      await other.close();
    }
  });
});
