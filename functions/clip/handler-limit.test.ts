import { FaascamError } from '@faascam/core/errors';
import { openStore } from '@faascam/core/store';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import handler, { close, ready as becomeReady } from './handler.ts';
import { callHandler, openHandlerSite, receiptOf, type HandlerSite } from './testing/handler-site.ts';
import { readyOf } from './testing/ready.ts';

// Read when the handler is loaded.
vi.hoisted(() => {
  vi.stubEnv('FAASCAM_LOG', 'silent');
  vi.stubEnv('exec_timeout', '200ms');
});

let site: HandlerSite;

beforeAll(async () => {
  site = await openHandlerSite();
});
afterAll(async () => {
  await close();
  await site.close();
});

test('a clip that takes longer than a call may is made all the same, once, and its calls hear how far it is', async () => {
  const settings = await site.settingsFor(undefined);
  vi.stubEnv('FAASCAM_STORE', JSON.stringify(settings));
  vi.stubEnv('FAASCAM_CLIP', 'transcode: h264');
  await becomeReady();
  const long = await site.record({ seconds: 12, video: ['-c:v', 'mjpeg'] });
  const ready = readyOf(await site.upload('long', long.segments), { camera: 'long' });
  const other = readyOf(await site.upload('next'), { camera: 'next' });

  const answered = async (body: { eventId: string }): Promise<string> => {
    const error: unknown = await call(body).catch((reason: unknown) => reason);
    if (!(error instanceof FaascamError)) throw new Error('the call was answered with a clip');
    expect(error.code).toBe('still-working');
    return error.message.replace(/ \d+ %/, '');
  };
  const notReady = (id: string, step: string) =>
    `The clip of event ${id} is not ready yet (${step}): ask again.`;
  // On a slow machine the work may not have begun when the first call is answered.
  const atWork = async (): Promise<string> => {
    const said = await answered(ready);
    return said === notReady(ready.eventId, 'waiting for others') ? await atWork() : said;
  };
  // Both are answered before the watchdog cuts them off; the second waits for the first.
  const first = await atWork();
  const second = await answered(other);
  const steps = ['fetching segments', 'joining', 'checking', 'encoding as H.264'];
  expect(steps.map((step) => notReady(ready.eventId, step))).toContain(first);
  expect(second).toBe(notReady(other.eventId, 'waiting for others'));
  // Nobody asks any more, and still it is made and told.
  await vi.waitFor(() => expect(site.announced.map(({ eventId }) => eventId)).toContain(ready.eventId), {
    timeout: 60_000,
  });
  const store = await openStore(settings, site.folder);
  const receipt = await receiptOf(store, ready);
  expect(receipt).toMatchObject({ complete: true, clip: { video: { packets: long.video.length } } });
  expect(receipt.renditions).toHaveLength(1);
  expect(await call(ready)).toEqual({
    status: 200,
    body: { eventId: ready.eventId, outcome: 'already-stored', complete: true },
  });
  expect(await receiptOf(store, ready)).toEqual(receipt);
  await store.close();

  // The one that waited was left to the next call, as nobody asked for it in all that time; now it is made too.
  await vi.waitFor(async () => expect(await call(other)).toMatchObject({ status: 200 }), { timeout: 60_000 });
  expect(await site.leftovers()).toEqual([]);
});

const call = (body: object) => callHandler(handler, body);
