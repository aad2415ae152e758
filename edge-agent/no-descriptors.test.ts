import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@faascam/core/clock';
import { createLogger } from '@faascam/core/log';
import { freeUdpPort } from '@faascam/core/ports';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { followedInput } from './capture/ffmpeg-args.ts';
import { runSession } from './capture/session.ts';
import { openCameraTest } from './capture/test-camera.ts';
import { makeVideo } from './capture/test-video.ts';
import { LiveTap } from './live/live-tap.ts';
import { matroskaFeed } from './live/matroska-feed.ts';
import { Restream } from './restream/restream.ts';
import { startStream } from './sources/child-stream.ts';
import { withoutDescriptors } from './test-descriptors.ts';

const log = createLogger('test');
const remedy =
  'this host lets the agent start no more programs (EMFILE): raise its limit of open files (ulimit -n) or of processes';
const patience = { timeout: 60_000, interval: 50 };
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-descriptors-'));
});

afterAll(async () => {
  await rm(directory, { recursive: true });
});

// A rejection or an error event that nobody handles, which ends an agent, fails this run.
describe('where the host has no file descriptor to spare', () => {
  test('ffmpeg does not start, the error says what to do, and nothing is read for it', async () => {
    const tap = new LiveTap(systemClock, log);
    const session = withoutDescriptors(() =>
      runSession({
        capture: { input: followedInput },
        stdin: matroskaFeed(tap, { sound: false }),
        ...{ stallMs: 1000, clock: systemClock, log, signal: new AbortController().signal },
      }),
    );
    await expect(session).rejects.toMatchObject({
      code: 'program-failed',
      message: `ffmpeg could not be started, ${remedy}.`,
    });
    expect(tap.takers).toBe(0);
  });

  test('a program whose output is a camera is tried again soon', async () => {
    const { signal } = new AbortController();
    const stream = withoutDescriptors(() =>
      startStream({ program: 'cat', args: ['/dev/zero'], what: 'has a command that', signal }),
    );
    await expect(stream).rejects.toMatchObject({
      ...{ code: 'program-failed', retry: 'soon' },
      message: `has a command that cannot be started, ${remedy}`,
    });
  });

  test('a camera is sent on as soon as there is one again', { timeout: 90_000 }, async () => {
    const video = join(directory, 'yard.mkv');
    const picture = ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=10:duration=30'];
    await makeVideo(...picture, '-g', '10', '-bf', '0', '-pix_fmt', 'yuv420p', video);
    const tap = new LiveTap(systemClock, log);
    const camera = await openCameraTest(directory, { source: `file:${video}` }, { tap });
    let pictures = 0;
    const noop = (): void => undefined;
    const leave = tap.subscribe({ begin: noop, packet: () => (pictures += 1), end: noop });
    await vi.waitFor(() => expect(pictures).toBeGreaterThan(0), patience);
    const restream = new Restream({ camera: 'yard', tap, clock: systemClock, log });
    const to = `udp://127.0.0.1:${await freeUdpPort()}`;
    await withoutDescriptors(() => restream.set([{ to, transcode: 'never', sound: 'camera' }]));
    await vi.waitFor(() => expect(restream.health[0]?.causeCode).toBe('no-process'), patience);
    await vi.waitFor(() => expect(restream.health[0]?.state).toBe('streaming'), patience);
    await restream.set([]);
    expect(tap.takers).toBe(1);
    leave();
    await camera.stop();
  });
});
