import { clipSettings } from '@faascam/core/clip-settings';
import { systemClock } from '@faascam/core/clock';
import { createLogger } from '@faascam/core/log';
import { openStore, type ObjectStore } from '@faascam/core/store';
import { subjects } from '@faascam/core/subjects';
import { s3ServerInstalled, startS3Server, type S3Server } from '@faascam/test-servers/s3';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { runClipJob } from './clip-job.ts';
import { offerOf } from './offer.ts';
import { SegmentPatience } from './segment-patience.ts';
import { openHandlerSite, receiptOf, type HandlerSite } from './testing/handler-site.ts';
import { readyOf } from './testing/ready.ts';
import { UntakenRequests } from './untaken.ts';

const DAY_US = 86_400_000_000;
const noAbort = new AbortController().signal;
const log = createLogger('test');
const kinds = (await s3ServerInstalled()) ? (['directory', 's3'] as const) : (['directory'] as const);
let site: HandlerSite;

beforeAll(async () => {
  site = await openHandlerSite();
});
beforeEach(() => {
  site.announced = [];
});
afterAll(async () => {
  await site.close();
});

describe.each(kinds)('a request that no agent takes, with a %s store', (kind) => {
  let server: S3Server | undefined;
  let store: ObjectStore;

  beforeAll(async () => {
    if (kind === 's3') server = await startS3Server();
    store = await openStore(await site.settingsFor(server), site.folder);
  });
  afterAll(async () => {
    await store.close();
    await server?.stop();
  });

  const replica = (days: number) =>
    new UntakenRequests({
      messaging: () => Promise.resolve(site.messaging),
      store: () => Promise.resolve(store),
      clock: { ...systemClock, nowUs: () => systemClock.nowUs() + days * DAY_US },
      ...{ log, noAgentAfterHours: 144 },
    });
  const want = async (camera: string) => {
    const ready = readyOf(await site.upload(camera), { camera });
    const { eventId, fromUs, toUs, event } = ready;
    const wanted = { v: 1, eventId, camera, fromUs, toUs, event };
    await site.messaging.js.publish(subjects.clipsWanted(camera), JSON.stringify(wanted));
    return ready;
  };

  test('gets a receipt that says so, once of two replicas, and only when it is old', async () => {
    const ready = await want(`alone-${kind}`);
    expect(await replica(5.9).look(noAbort)).not.toContain(ready.eventId);
    const replicas = [replica(6.1), replica(6.1)];
    const stored = (await Promise.all(replicas.map((each) => each.look(noAbort)))).flat();
    expect(stored.filter((id) => id === ready.eventId)).toHaveLength(1);
    for (const each of replicas) expect(await each.look(noAbort)).toEqual([]);
    const gaps = [{ fromUs: ready.fromUs, toUs: ready.toUs, cause: 'no-agent' }];
    const receipt = await receiptOf(store, ready);
    expect(receipt).toMatchObject({ complete: false, gaps, segments: [], event: ready.event });
    expect(receipt).not.toHaveProperty('clip');
    await vi.waitFor(() =>
      expect(site.announced).toContainEqual(expect.objectContaining({ eventId: ready.eventId, gaps })),
    );
  });

  test('gives way to the clip of an agent that comes after all, and never comes back', async () => {
    const ready = await want(`late-${kind}`);
    expect(await replica(6.5).look(noAbort)).toContain(ready.eventId);
    const offer = offerOf(Buffer.from(JSON.stringify(ready)));
    const settings = clipSettings.parse(undefined);
    const parts = {
      nc: site.messaging.nc,
      store,
      clock: systemClock,
      log,
      settings,
      patience: new SegmentPatience(),
    };
    expect(await runClipJob(offer, parts, noAbort)).toMatchObject({ outcome: 'stored' });
    expect(await replica(6.5).look(noAbort)).toEqual([]);
    expect(await receiptOf(store, ready)).toMatchObject({ complete: true, gaps: [] });
    expect(await runClipJob(offer, parts, noAbort)).toMatchObject({ outcome: 'already-stored' });
  });

  test('is none where an agent has offered the footage', async () => {
    const ready = await want(`offered-${kind}`);
    await site.messaging.js.publish(subjects.clipsReady(ready.camera), JSON.stringify(ready));
    expect(await replica(6.5).look(noAbort)).not.toContain(ready.eventId);
  });
});
