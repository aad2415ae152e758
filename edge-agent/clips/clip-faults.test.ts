import { createHash } from 'node:crypto';
import { copyFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Objm } from '@nats-io/obj';
import { clipReady, type ClipReady } from '@faascam/core/clip-messages';
import { systemClock } from '@faascam/core/clock';
import { parseMessage, type ClipWanted } from '@faascam/core/messages';
import { connectNats, ensureStreams, type Messaging } from '@faascam/core/messaging';
import { startNatsServer } from '@faascam/core/nats-server';
import { buckets, subjects } from '@faascam/core/subjects';
import { software } from '@faascam/core/version';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { makeVideo } from '../capture/test-video.ts';
import { Footage } from '../ring/footage.ts';
import { openLink } from '../test-link.ts';
import { openTestSite, settingsOf, storedClip, wantedClip, type TestSite } from '../test-site.ts';
import { serveClips } from './clip-service.ts';
import { ClipUplink } from './clip-uplink.ts';

const SECOND_US = 1_000_000;
/** Long ago, so that no request waits for footage to come. */
const START_US = 1_700_000_000_000_000;
const SEGMENT_US = 4 * SECOND_US;
const soon = { timeout: 60_000, interval: 50 };

let site: TestSite;
/** Four seconds of noise, a megabyte or so. */
let video: string;
let videoBytes: number;
let ends: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  site = await openTestSite();
  video = join(site.directory, 'noise.mkv');
  const picture = 'testsrc2=size=640x360:rate=10:duration=4,noise=alls=60:allf=t';
  await makeVideo('-f', 'lavfi', '-i', picture, '-b:v', '2M', '-preset', 'ultrafast', video);
  videoBytes = (await stat(video)).size;
});

afterEach(async () => {
  for (const end of ends.reverse()) await end();
  ends = [];
});

afterAll(async () => {
  await site.close();
});

async function openFootage(directory: string): Promise<Footage> {
  const { ring } = settingsOf('file:x');
  return await Footage.open({ directory, ring, pace: 'live', log: site.log });
}

/** Footage of so many events, each of a segment. */
async function recorded(events: number): Promise<Footage> {
  const footage = await openFootage(await mkdtemp(join(site.directory, 'footage-')));
  for (let n = 0; n < events; n++) {
    const file = join((await footage.openSession()) ?? '', 'closed.mkv');
    await copyFile(video, file);
    const startUs = START_US + n * SEGMENT_US;
    await footage.add(file, { startUs, endUs: startUs + SEGMENT_US, joinsPrevious: n > 0 });
  }
  return footage;
}

/** The event that lies within the n-th segment. */
function eventOf(camera: string, n: number): ClipWanted {
  const startUs = START_US + n * SEGMENT_US;
  return wantedClip(camera, startUs + SECOND_US, startUs + SEGMENT_US - SECOND_US);
}

interface Serving {
  stop(): Promise<void>;
}

function serve(camera: string, footage: Footage, messaging: Messaging, uplink?: ClipUplink): Serving {
  const stop = new AbortController();
  const serving = serveClips({
    ...{ id: 'edge', camera, footage, messaging, log: site.log, signal: stop.signal },
    ...{ graceMs: 300, offerWaitsMs: [2000], ackWaitMs: 5000, configRevision: () => 'r7' },
    ...(uplink === undefined ? {} : { uplink }),
  });
  const stopped = async (): Promise<void> => {
    stop.abort();
    await serving;
  };
  ends.push(stopped);
  return { stop: stopped };
}

async function want({ js }: Messaging, wanted: ClipWanted): Promise<void> {
  await js.publish(subjects.clipsWanted(wanted.camera), JSON.stringify(wanted));
}

/** What is offered from now on; `onOffer` may store it. */
async function watchOffers(
  messaging: Messaging,
  camera: string,
  onOffer: (ready: ClipReady) => void = () => undefined,
): Promise<ClipReady[]> {
  const offers: ClipReady[] = [];
  messaging.nc.subscribe(subjects.clipsReady(camera), {
    callback: (_error, message) => {
      const ready = parseMessage(clipReady, message.data, message.subject);
      offers.push(ready);
      onOffer(ready);
    },
  });
  await messaging.nc.flush();
  return offers;
}

async function store({ js }: Messaging, ready: ClipReady): Promise<void> {
  const stored = storedClip({ ...ready, event: ready.event });
  await js.publish(subjects.clipsStored(ready.camera), JSON.stringify(stored));
}

async function digestsOf({ nc }: Messaging, ready: ClipReady | undefined): Promise<string[]> {
  const bucket = await new Objm(nc).open(buckets.segments);
  const blobs = (ready?.segments ?? []).map(async ({ object }) => {
    const bytes = (await bucket.getBlob(object)) ?? new Uint8Array();
    return createHash('sha256').update(bytes).digest('hex');
  });
  return await Promise.all(blobs);
}

describe('clips on their way', () => {
  test('an upload that is cut at nine tenths goes on there', async () => {
    const link = await openLink({ to: site.server.port });
    const narrow = await connectNats(`nats://127.0.0.1:${link.port}`, 'edge');
    ends.push(
      () => link.close(),
      () => narrow.nc.close(),
    );
    const offers = await watchOffers(site.messaging, 'cut');
    serve('cut', await recorded(1), narrow);
    link.cutAfter(0.9 * videoBytes);
    await want(site.messaging, eventOf('cut', 0));
    await vi.waitFor(() => expect(offers.length).toBe(1), soon);
    expect(link.sentBytes).toBeLessThan(1.3 * videoBytes);
    const [ready] = offers;
    expect(await digestsOf(site.messaging, ready)).toEqual(ready?.segments.map(({ sha256 }) => sha256));
    expect(ready?.segments.map(({ sizeBytes }) => sizeBytes)).toEqual([videoBytes]);
  });

  test('what waits is offered newest first, though it was asked for oldest first', async () => {
    const order: string[] = [];
    const footage = await recorded(12);
    await watchOffers(site.messaging, 'order', (ready) => {
      order.push(ready.eventId);
      void store(site.messaging, ready);
    });
    const events = Array.from({ length: 12 }, (_, n) => eventOf('order', n));
    for (const wanted of events) await want(site.messaging, wanted);
    serve('order', footage, site.messaging);
    await vi.waitFor(async () => {
      expect(await readdir(join(footage.directory, 'requests'))).toEqual([]);
      expect(order.length).toBe(12);
    }, soon);
    // Of the eight that are under way together the one that is sent faster may come first.
    const places = order.map((id) => events.findIndex(({ eventId }) => eventId === id));
    for (const [position, place] of places.entries()) expect(11 - place - position).toBeLessThan(8);
    expect(Math.min(...places.slice(0, 4))).toBeGreaterThanOrEqual(4);
    expect(places.slice(-2).every((place) => place < 8)).toBe(true);
  });

  test('tells how often it was offered, when it was asked for and held, and by whom', async () => {
    const beganUs = systemClock.nowUs();
    const offers = await watchOffers(site.messaging, 'told');
    serve('told', await recorded(1), site.messaging);
    await want(site.messaging, eventOf('told', 0));
    await vi.waitFor(() => expect(offers.length).toBe(2), soon);
    expect(offers.map(({ offer }) => offer?.attempt)).toEqual([1, 2]);
    const { wantedAtUs = 0, pinnedAtUs = 0, offeredAtUs = 0 } = offers[0]?.offer ?? {};
    // NATS tells the time of a message by its own clock.
    expect(wantedAtUs).toBeGreaterThan(beganUs - SECOND_US);
    expect(pinnedAtUs).toBeGreaterThanOrEqual(beganUs);
    expect(offeredAtUs).toBeGreaterThanOrEqual(pinnedAtUs);
    expect(offers[0]?.madeBy).toEqual({ software, configRevision: 'r7' });
  });

  test('when the object store is full the newest event goes on, and older ones later', async () => {
    const other = await openTestSite();
    ends.push(() => other.close());
    const { messaging } = other;
    // Room for one segment and a half.
    const megabytes = (1.5 * videoBytes) / 1024 / 1024;
    const uplink = new ClipUplink(systemClock, { clipKilobytesPerSecond: 0, storeMegabytes: megabytes });
    let storing = false;
    const offers = await watchOffers(messaging, 'full', (ready) => {
      if (storing) void store(messaging, ready);
    });
    const footage = await recorded(3);
    serve('full', footage, messaging, uplink);
    for (const n of [0, 1, 2]) {
      await want(messaging, eventOf('full', n));
      await vi.waitFor(
        () => expect(offers.map(({ eventId }) => eventId)).toContain(eventOf('full', n).eventId),
        soon,
      );
    }
    storing = true;
    await vi.waitFor(
      async () => expect(await readdir(join(footage.directory, 'requests'))).toEqual([]),
      soon,
    );
    expect(offers.every(({ segments }) => segments.length === 1)).toBe(true);
  });

  test('a segment that is empty, because the disk was full, is a gap of its event', async () => {
    const footage = await recorded(1);
    const empty = join((await footage.openSession()) ?? '', 'closed.mkv');
    await writeFile(empty, '');
    const emptyUs = START_US + SEGMENT_US;
    await footage.add(empty, { startUs: emptyUs, endUs: emptyUs + SEGMENT_US, joinsPrevious: true });
    const afterUs = emptyUs + SEGMENT_US;
    const after = join((await footage.openSession()) ?? '', 'closed.mkv');
    await copyFile(video, after);
    await footage.add(after, { startUs: afterUs, endUs: afterUs + SEGMENT_US, joinsPrevious: true });
    expect(footage.ring.segments.map(({ sizeBytes }) => sizeBytes)).toEqual([videoBytes, 0, videoBytes]);

    const offers = await watchOffers(site.messaging, 'empty', (ready) => void store(site.messaging, ready));
    serve('empty', footage, site.messaging);
    await want(site.messaging, wantedClip('empty', START_US + SECOND_US, afterUs + SECOND_US));
    await vi.waitFor(() => expect(offers.length).toBe(1), soon);
    expect(offers[0]?.segments.map(({ startUs }) => startUs)).toEqual([START_US, afterUs]);
    expect(offers[0]?.gaps).toMatchObject([{ fromUs: emptyUs, toUs: afterUs, cause: 'disk-full' }]);
    expect(footage.ring.segments.map(({ sizeBytes }) => sizeBytes)).not.toContain(0);
  });

  test('a request is served also if NATS and all that lay there is gone, and the agent was restarted', async () => {
    const directory = await mkdtemp(join(site.directory, 'wiped-'));
    const server = await startNatsServer({ directory });
    const messaging = await connectNats(server.url, 'test');
    await ensureStreams(messaging.jsm);
    const footage = await recorded(1);
    const before = serve('wiped', footage, messaging);
    await want(messaging, eventOf('wiped', 0));
    await vi.waitFor(
      async () => expect((await readdir(join(footage.directory, 'requests'))).length).toBe(1),
      soon,
    );
    await before.stop();
    await messaging.nc.close();
    await server.stop();
    await rm(directory, { recursive: true });

    const anew = await startNatsServer({ directory });
    const again = await connectNats(anew.url, 'test');
    ends.push(
      () => anew.stop(),
      () => again.nc.close(),
    );
    const offers = await watchOffers(again, 'wiped', (ready) => void store(again, ready));
    const reopened = await openFootage(footage.directory);
    serve('wiped', reopened, again);
    await vi.waitFor(
      async () => expect(await readdir(join(footage.directory, 'requests'))).toEqual([]),
      soon,
    );
    expect(offers[0]?.segments.length).toBe(1);
    expect(reopened.ring.held).toEqual([]);
  });

  test('a NATS that loses all while the agent runs costs no clip', async () => {
    const directory = await mkdtemp(join(site.directory, 'lost-'));
    const server = await startNatsServer({ directory });
    const messaging = await connectNats(server.url, 'test');
    await ensureStreams(messaging.jsm);
    const offers = await watchOffers(messaging, 'lost');
    const footage = await recorded(1);
    serve('lost', footage, messaging);
    await want(messaging, eventOf('lost', 0));
    await vi.waitFor(() => expect(offers.length).toBeGreaterThan(0), soon);
    await server.stop();
    await rm(directory, { recursive: true });
    const anew = await startNatsServer({ directory, port: server.port });
    ends.push(
      () => anew.stop(),
      () => messaging.nc.close(),
    );
    const earlier = offers.length;
    await vi.waitFor(() => expect(offers.length).toBeGreaterThan(earlier), soon);
    const ready = offers.at(-1);
    expect(await digestsOf(messaging, ready)).toEqual(ready?.segments.map(({ sha256 }) => sha256));
    if (ready !== undefined) await store(messaging, ready);
    await vi.waitFor(
      async () => expect(await readdir(join(footage.directory, 'requests'))).toEqual([]),
      soon,
    );
  });

  test('a kept request that the disk has damaged is left out, others are served', async () => {
    const footage = await recorded(2);
    const offers = await watchOffers(site.messaging, 'torn');
    const first = serve('torn', footage, site.messaging);
    await want(site.messaging, eventOf('torn', 0));
    await vi.waitFor(() => expect(offers.length).toBe(1), soon);
    await first.stop();
    const requests = join(footage.directory, 'requests');
    const kept = await readFile(join(requests, `${eventOf('torn', 0).eventId}.json`), 'utf8');
    expect(JSON.parse(kept)).toMatchObject({ wanted: eventOf('torn', 0), attempts: 1 });
    await writeFile(join(requests, `${eventOf('torn', 1).eventId}.json`), kept.slice(0, 100));
    const earlier = offers.length;
    serve('torn', footage, site.messaging);
    await vi.waitFor(() => expect(offers.length).toBeGreaterThan(earlier), soon);
    expect((await readdir(requests)).sort()).toEqual([
      `${eventOf('torn', 0).eventId}.json`,
      `${eventOf('torn', 1).eventId}.json.damaged`,
    ]);
    expect(offers.at(-1)?.offer?.attempt).toBeGreaterThan(1);
  });
});
