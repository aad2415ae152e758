import { systemClock, type Clock } from '@faascam/core/clock';
import type { Messaging } from '@faascam/core/messaging';
import { streams, subjects } from '@faascam/core/subjects';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { openTestSite, storedClip, wantedClip, type TestSite } from '../test-site.ts';
import { StoredEvents } from './stored-events.ts';

const START_US = 1_700_000_000_000_000;

let site: TestSite;

beforeAll(async () => {
  site = await openTestSite();
});

afterEach(() => {
  vi.restoreAllMocks();
});

afterAll(async () => {
  await site.close();
});

/** Has three events stored, of which some are lost to the stream between the count and the reading. */
async function storedAndLost(camera: string, lose: (seqs: number[]) => Promise<unknown>): Promise<string[]> {
  const { js } = site.messaging;
  const events = [1, 2, 3].map((n) => wantedClip(camera, START_US + n * 1e6, START_US + n * 1e6 + 1));
  const seqs: number[] = [];
  for (const wanted of events) {
    seqs.push((await js.publish(subjects.clipsStored(camera), JSON.stringify(storedClip(wanted)))).seq);
  }
  const get = js.consumers.get.bind(js.consumers);
  vi.spyOn(js.consumers, 'get').mockImplementation(async (...of) => {
    const consumer = await get(...of);
    const info = consumer.info.bind(consumer);
    vi.spyOn(consumer, 'info').mockImplementation(async (cached) => {
      const told = await info(cached);
      await lose(seqs);
      return told;
    });
    return consumer;
  });
  return events.map(({ eventId }) => eventId);
}

async function open(messaging: Messaging, camera: string, clock: Clock): Promise<StoredEvents> {
  const { signal } = new AbortController();
  return await StoredEvents.open({ messaging, camera, fromSeq: 1, log: site.log, signal, clock });
}

test('what was stored before is known from the beginning', async () => {
  const { messaging } = site;
  const stored = await storedAndLost('some', () => Promise.resolve());
  const never: Clock = {
    nowUs: () => systemClock.nowUs(),
    sleep: (_ms, signal) =>
      new Promise((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true })),
  };
  const events = await open(messaging, 'some', never);
  expect(stored.map((event) => events.has(event))).toEqual([true, true, true]);
  await events.close();
});

test.each([
  ['one', [1]],
  ['all', [0, 1, 2]],
])('where the stream has lost %s the waiting ends, and later events are known', async (camera, lost) => {
  const { messaging } = site;
  await storedAndLost(camera, async (seqs) => {
    for (const n of lost) await messaging.jsm.streams.deleteMessage(streams.clips, seqs[n] ?? 0);
  });
  const soon: Clock = {
    nowUs: () => systemClock.nowUs(),
    sleep: (_ms, signal) => systemClock.sleep(50, signal),
  };
  const events = await open(messaging, camera, soon);
  const later = wantedClip(camera, START_US + 9e6, START_US + 9e6 + 1);
  await messaging.js.publish(subjects.clipsStored(camera), JSON.stringify(storedClip(later)));
  await events.until(later.eventId, new AbortController().signal);
  await events.close();
});

test('that no agent came for an event is no reason to let its footage go', async () => {
  const { messaging } = site;
  const [unattended, stored] = [1, 2].map((n) =>
    wantedClip('late', START_US + n * 1e6, START_US + n * 1e6 + 1),
  );
  if (unattended === undefined || stored === undefined) throw new Error('no events');
  const gaps = [{ fromUs: unattended.fromUs, toUs: unattended.toUs, cause: 'no-agent' }];
  const receipt = { ...storedClip(unattended), complete: false, gaps };
  for (const message of [receipt, storedClip(stored)])
    await messaging.js.publish(subjects.clipsStored('late'), JSON.stringify(message));
  const events = await open(messaging, 'late', systemClock);
  await events.until(stored.eventId, new AbortController().signal);
  expect(events.has(unattended.eventId)).toBe(false);
  await events.close();
});
