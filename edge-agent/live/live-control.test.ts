import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@faascam/core/clock';
import { liveSettings } from '@faascam/core/live-settings';
import { createLogger } from '@faascam/core/log';
import { connectNats, type Messaging } from '@faascam/core/messaging';
import { startNatsServer, type NatsServer } from '@faascam/core/nats-server';
import { subjects } from '@faascam/core/subjects';
import { startGuardedNats } from '@faascam/test-servers/guarded-nats';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openCameraTest } from '../capture/test-camera.ts';
import { makeVideo } from '../capture/test-video.ts';
import { openLink } from '../test-link.ts';
import { linkOf } from '../uplink.ts';
import { LiveCameras } from './live-cameras.ts';
import { LiveControl } from './live-control.ts';
import { LiveTap } from './live-tap.ts';

const log = createLogger('test');
const patience = { timeout: 60_000, interval: 20 };
/** Less than the pictures of one camera are. */
const LINK_BYTES_A_SECOND = 300_000;

let directory: string;
/** Of one who looks, straight at the server. */
let viewer: Messaging;
let server: NatsServer;
let cameras: LiveCameras;
/** Of the agent, through a slow link. */
let agent: Messaging;
/** Subjects of what came from the agent, in this order. */
const came: string[] = [];
const undo: (() => Promise<unknown>)[] = [];

const settings = liveSettings.parse({ pictures: { natsFps: 10 } });
const names = ['yard', 'barn'];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-control-'));
  undo.push(() => rm(directory, { recursive: true, force: true }));
  const video = join(directory, 'camera.mkv');
  const noise = 'testsrc2=size=640x360:rate=10:duration=60,noise=alls=60:allf=t';
  await makeVideo('-f', 'lavfi', '-i', noise, '-c:v', 'mjpeg', '-q:v', '5', '-t', '20', video);
  server = await startNatsServer({ directory: join(directory, 'nats') });
  undo.push(() => server.stop());
  const link = await openLink({
    to: Number(new URL(server.url).port),
    bytesPerSecond: LINK_BYTES_A_SECOND,
  });
  undo.push(() => link.close());
  agent = await connectNats(`nats://127.0.0.1:${link.port}`, 'agent');
  undo.push(() => agent.nc.close());
  viewer = await connectNats(server.url, 'viewer');
  undo.push(() => viewer.nc.close());
  const taps = new Map<string, { tap: LiveTap }>();
  for (const camera of names) {
    const tap = new LiveTap(systemClock, log);
    taps.set(camera, { tap });
    const opened = await openCameraTest(directory, { source: `file:${video}` }, { tap });
    undo.push(() => opened.stop());
  }
  cameras = new LiveCameras({ settings, cameras: taps, clock: systemClock, log });
  undo.push(() => cameras.close());
  const control = new LiveControl({ settings, cameras, nats: linkOf(agent), clock: systemClock, log });
  undo.push(async () => {
    control.close();
    await Promise.resolve();
  });
  control.serve(agent.nc, names);
  await agent.nc.flush();
  viewer.nc.subscribe('>', {
    callback: (_error, { subject }) => {
      if (subject === 'note' || subject.startsWith('live.')) came.push(subject);
    },
  });
  await viewer.nc.flush();
});

afterAll(async () => {
  for (const each of undo.splice(0).reverse()) await each();
});

async function look(camera: string): Promise<void> {
  const request = JSON.stringify({ v: 1, kind: 'watch', seconds: 60 });
  await viewer.nc.request(subjects.liveControl(camera), request, { timeout: 30_000 });
}

test('on a slow link pictures are left out, and all else waits for one at the most', async () => {
  await look('yard');
  await vi.waitFor(() => expect(came.length).toBeGreaterThanOrEqual(4), patience);
  const before = came.length;
  agent.nc.publish('note');
  await vi.waitFor(() => expect(came).toContain('note'), patience);
  // One was on its way, and one may have come before this was looked at.
  expect(came.indexOf('note') - before).toBeLessThanOrEqual(2);
});

test('cameras that are watched through a slow link take turns', async () => {
  for (const camera of names) await look(camera);
  await vi.waitFor(() => expect(came).toContain(subjects.livePictures('barn')), patience);
  const before = came.length;
  await vi.waitFor(() => expect(came.length).toBeGreaterThanOrEqual(before + 6), patience);
  for (const camera of names) {
    const pictures = came.slice(before).filter((subject) => subject === subjects.livePictures(camera));
    expect(pictures.length).toBeGreaterThan(1);
  }
});

test('an answer that is too large for the NATS of the agent harms nothing', async () => {
  const folder = await mkdtemp(join(directory, 'narrow-'));
  await writeFile(join(folder, 'auth.conf'), 'max_payload: 64\n');
  const narrow = await startGuardedNats({ folder });
  const messaging = await connectNats(`nats://127.0.0.1:${narrow.port}`, 'agent');
  const own = createLogger('test');
  const warned = vi.spyOn(own, 'warn');
  const other = new LiveControl({
    ...{ settings, cameras, nats: linkOf(messaging), clock: systemClock, log: own },
  });
  other.serve(messaging.nc, ['shed']);
  // A rejection that nobody handles, which ends an agent, fails this run.
  messaging.nc.publish(subjects.liveControl('shed'), JSON.stringify({ v: 1, kind: 'watch', seconds: 60 }), {
    reply: 'viewer',
  });
  await vi.waitFor(() => expect(warned.mock.lastCall?.join()).toContain('cannot be answered'), patience);
  other.close();
  await messaging.nc.close();
  await narrow.stop();
});
