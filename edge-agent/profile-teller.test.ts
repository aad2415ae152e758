import { join } from 'node:path';
import { CameraProfiles, eventSettingsFor, motionSettingsFor } from '@faascam/core/camera-profiles';
import { functionMessaging, type FunctionMessaging } from '@faascam/core/function-messaging';
import { connectNats } from '@faascam/core/messaging';
import { startNatsServer } from '@faascam/core/nats-server';
import { cameraSettings } from '@faascam/core/camera-settings';
import { eventSettings, motionSettings } from '@faascam/core/settings';
import { buckets } from '@faascam/core/subjects';
import { Kvm } from '@nats-io/kv';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { ProfileTeller } from './profile-teller.ts';
import { openTestSite, type TestSite } from './test-site.ts';

let site: TestSite;
let asFunction: FunctionMessaging;
const over = new AbortController();

beforeAll(async () => {
  site = await openTestSite();
  process.env['NATS_URL'] = site.server.url;
  asFunction = functionMessaging('test');
});

afterAll(async () => {
  over.abort();
  await asFunction.close();
  await site.close();
});

const square = [
  [0, 0],
  [1, 0],
  [1, 1],
];
const camera = (more: object) => cameraSettings.parse({ source: 'file:a.mp4', ...more });

test('functions see what a camera has of its own, and each change of it', async () => {
  const teller = new ProfileTeller(site, site.log, over.signal);
  const profiles = new CameraProfiles(asFunction, 'test');
  await teller.tell({
    door: camera({
      zones: { porch: { polygon: square } },
      motion: { sensitivity: 3 },
      events: { labels: ['cat'] },
    }),
    yard: camera({}),
  });
  const door = await profiles.of('door');
  expect(door.zones['porch']).toEqual({ polygon: square, inertia: 3, loiteringMs: 0, required: false });
  expect(motionSettingsFor(motionSettings.parse({ minArea: 0.2 }), door)).toMatchObject({
    sensitivity: 3,
    minArea: 0.2,
  });
  const base = eventSettings.parse({ maxMs: 7000 });
  expect(eventSettingsFor(base, door)).toMatchObject({ labels: ['cat'], maxMs: 7000 });
  const yard = await profiles.of('yard');
  expect(eventSettingsFor(base, yard)).toEqual(base);
  expect(await profiles.of('never-told')).toMatchObject({ revision: 'none', zones: {}, masks: [] });

  await teller.tell({ door: camera({ masks: [square] }) });
  await vi.waitFor(async () => expect((await profiles.of('door')).masks).toEqual([square]));
  expect((await profiles.of('door')).zones).toEqual({});
  expect((await profiles.of('door')).revision).not.toBe(door.revision);
  expect((await profiles.of('yard')).revision).toBe(yard.revision);
  await teller.withdraw(['yard']);
  await vi.waitFor(async () => expect((await profiles.of('yard')).revision).toBe('none'));
});

test('a profile that cannot be read leaves the last good one as it is', async () => {
  const teller = new ProfileTeller(site, site.log, over.signal);
  const profiles = new CameraProfiles(asFunction, 'test');
  await teller.tell({ gate: camera({ masks: [square] }) });
  const good = await profiles.of('gate');
  const bucket = await new Kvm(site.messaging.nc).open(buckets.cameras);
  await bucket.put('gate', '{"v":2}');
  await bucket.put('gate', 'not JSON');
  await bucket.put('lane', JSON.stringify({ ...good, camera: 'lane' }));
  // What came after it was read, so it was read as well.
  await vi.waitFor(async () => expect((await profiles.of('lane')).revision).toBe(good.revision));
  expect(await profiles.of('gate')).toEqual(good);
});

test('what NATS has lost is told again when it answers again', async () => {
  const teller = new ProfileTeller(site, site.log, over.signal);
  await teller.tell({ gone: camera({ masks: [square] }) });
  await site.messaging.jsm.streams.delete(`KV_${buckets.cameras}`);
  await teller.again();
  const bucket = await new Kvm(site.messaging.nc).open(buckets.cameras);
  expect((await bucket.get('gone'))?.operation).toBe('PUT');
});

test('whoever tells while NATS is away goes on after a moment, and it is told later', async () => {
  const server = await startNatsServer({ directory: join(site.directory, 'other') });
  const messaging = await connectNats(server.url, 'teller');
  try {
    await server.stop();
    const teller = new ProfileTeller({ messaging }, site.log, over.signal);
    await teller.tell({ late: camera({ masks: [square] }) });
    const back = await startNatsServer({ directory: join(site.directory, 'other'), port: server.port });
    try {
      await vi.waitFor(
        async () => {
          await teller.again();
          const bucket = await new Kvm(messaging.nc).open(buckets.cameras);
          expect((await bucket.get('late'))?.operation).toBe('PUT');
        },
        { timeout: 30_000, interval: 500 },
      );
    } finally {
      await messaging.nc.close();
      await back.stop();
    }
  } finally {
    await messaging.nc.close();
    await server.stop();
  }
}, 60_000);

test('functions hear of changes again after NATS came back with nothing in it', async () => {
  const first = await startNatsServer({ directory: join(site.directory, 'before') });
  const messaging = await connectNats(first.url, 'teller');
  process.env['NATS_URL'] = first.url;
  const reader = functionMessaging('test');
  try {
    const profiles = new CameraProfiles(reader, 'test');
    const teller = new ProfileTeller({ messaging }, site.log, over.signal);
    await teller.tell({ door: camera({ masks: [square] }) });
    expect((await profiles.of('door')).masks).toEqual([square]);
    await first.stop();
    const empty = await startNatsServer({ directory: join(site.directory, 'after'), port: first.port });
    try {
      await vi.waitFor(
        async () => {
          await teller.again();
          expect((await profiles.of('door')).masks).toEqual([square]);
          expect(messaging.isConnected()).toBe(true);
        },
        { timeout: 30_000, interval: 500 },
      );
      await teller.tell({ door: camera({ masks: [] }) });
      await vi.waitFor(async () => expect((await profiles.of('door')).masks).toEqual([]), {
        timeout: 30_000,
        interval: 200,
      });
    } finally {
      await reader.close();
      await messaging.nc.close();
      await empty.stop();
    }
  } finally {
    process.env['NATS_URL'] = site.server.url;
  }
});
