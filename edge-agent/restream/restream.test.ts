import { spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@faascam/core/clock';
import { createLogger } from '@faascam/core/log';
import { freePort, freeUdpPort } from '@faascam/core/ports';
import type { RestreamHealth } from '@faascam/core/messages';
import { ended } from '@faascam/test-servers/children';
import { startRtspRecorder } from '@faascam/test-servers/rtsp-recorder';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { openCameraTest, type CameraTest } from '../capture/test-camera.ts';
import { makeVideo, packetsOf } from '../capture/test-video.ts';
import { LiveTap } from '../live/live-tap.ts';
import { Restream } from './restream.ts';

const log = createLogger('test');
const patience = { timeout: 60_000, interval: 100 };
const limit = { timeout: 90_000 };

let directory: string;
let video: string;
let loud: string;
/** Twenty pictures a second, 36 to a group, and more in one than a pipe holds. */
let rough: string;
/** Undone in turn after each test. */
const undo: (() => Promise<void>)[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-restream-'));
  video = join(directory, 'yard.mp4');
  loud = join(directory, 'loud.mkv');
  rough = join(directory, 'rough.mp4');
  const picture = ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=10:duration=20'];
  await makeVideo(...picture, '-g', '10', '-bf', '0', '-pix_fmt', 'yuv420p', video);
  const noise = 'testsrc2=size=320x180:rate=20:duration=20,noise=alls=80:allf=t';
  const long = ['-preset', 'ultrafast', '-qp', '10', '-g', '36', '-bf', '0', '-pix_fmt', 'yuv420p'];
  await makeVideo('-f', 'lavfi', '-i', noise, ...long, rough);
  await makeVideo(
    '-i',
    video,
    '-f',
    'lavfi',
    '-i',
    'sine=duration=20',
    '-c:v',
    'mjpeg',
    '-c:a',
    'pcm_s16le',
    loud,
  );
});

afterEach(async () => {
  for (const each of undo.splice(0).reverse()) await each();
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

interface Sent {
  tap: LiveTap;
  camera: CameraTest;
  restream: Restream;
  /** Of the first target. */
  health: () => RestreamHealth;
}

interface Target {
  to: string;
  transcode?: 'never' | 'h264';
}

async function send(
  targets: Target[],
  source = video,
  timing: { stallMs?: number; renewMs?: number } = {},
): Promise<Sent> {
  const tap = new LiveTap(systemClock, log);
  const camera = await openCameraTest(directory, { source: `file:${source}` }, { tap });
  undo.push(() => camera.stop());
  const restream = new Restream({
    camera: 'yard',
    tap,
    clock: systemClock,
    log,
    timing: { random: () => 0, ...timing },
  });
  undo.push(() => restream.set([]));
  await restream.set(targets.map((target) => ({ transcode: 'never', sound: 'camera', ...target })));
  const health = (): RestreamHealth => {
    const [first] = restream.health;
    if (first === undefined) throw new Error('no target');
    return first;
  };
  return { tap, camera, restream, health };
}

/** An ffmpeg that takes a stream, decodes so many pictures of it, and ends; answers what it wrote. */
function receiver(input: string[], pictures: number): { result: Promise<string>; stop: () => Promise<void> } {
  const args = [
    '-nostdin',
    '-v',
    'error',
    ...input,
    '-frames:v',
    String(pictures),
    '-f',
    'framecrc',
    'pipe:1',
  ];
  const child = spawn('ffmpeg', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const over = ended(child);
  let output = '';
  for (const pipe of [child.stdout, child.stderr]) {
    pipe.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await over;
  };
  undo.push(stop);
  return { result: over.then(() => output), stop };
}

const noop = (): void => undefined;

function picturesIn(output: string, stream = 0): number {
  return output.split('\n').filter((line) => line.startsWith(`${stream}, `)).length;
}

/** What anyone on this host can read of the processes that run: their ids and command lines. */
function processes(): [string, string][] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((name) => {
      try {
        return [name, readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ')];
      } catch {
        return [name, ''];
      }
    });
}

function commandLines(): string {
  return processes()
    .map(([, line]) => line)
    .join('\n');
}

describe('a camera is sent on', () => {
  test('to RTMP with a track of silence, and its stream key shows nowhere', limit, async () => {
    const port = await freePort();
    const taken = receiver(
      ['-f', 'flv', '-listen', '1', '-i', `rtmp://127.0.0.1:${port}/live/the-key-0815`],
      12,
    );
    const { health } = await send([{ to: `rtmp://127.0.0.1:${port}/live/the-key-0815` }]);
    await vi.waitFor(() => expect(health().state).toBe('streaming'), patience);
    const senders = commandLines()
      .split('\n')
      .filter((line) => line.includes('-rtmp_app'));
    expect(senders.join('\n')).toContain(`rtmp://127.0.0.1:${port}/live`);
    expect(senders.join('\n')).not.toContain('0815');
    expect(JSON.stringify(health())).not.toContain('0815');
    const output = await taken.result;
    expect(picturesIn(output, 0)).toBe(12);
    expect(picturesIn(output, 1)).toBeGreaterThan(0);
  });

  test('over SRT with a passphrase', limit, async () => {
    const port = await freeUdpPort();
    const address = `srt://127.0.0.1:${port}?mode=listener&passphrase=correct-horse`;
    const taken = receiver(['-f', 'mpegts', '-i', address], 12);
    const { health } = await send([{ to: `srt://127.0.0.1:${port}?passphrase=correct-horse` }]);
    expect(picturesIn(await taken.result)).toBe(12);
    expect(health().to).toBe(`srt://127.0.0.1:${port}`);
  });

  test('over SRT to whoever calls, however late', limit, async () => {
    const port = await freeUdpPort();
    const listener = { to: `srt://127.0.0.1:${port}?mode=listener` };
    const { tap, health } = await send([listener], rough, { stallMs: 3000, renewMs: 4000 });
    const cause = `The target srt://127.0.0.1:${port} waits for a caller.`;
    await vi.waitFor(() => expect(health()).toMatchObject({ state: 'waiting', cause }), patience);
    const sender = (): string | undefined => processes().find(([, line]) => line.includes(`:${port}?`))?.[0];
    await vi.waitFor(() => expect(sender()).toBeDefined(), patience);
    const first = sender();
    let pictures = 0;
    const leave = tap.subscribe({ begin: noop, packet: () => (pictures += 1), end: noop });
    // Longer than a target may take nothing.
    await vi.waitFor(() => expect(pictures).toBeGreaterThan(110), patience);
    leave();
    expect(health()).toMatchObject({ state: 'waiting', cause, restarts: 0 });
    // What one had read at first is not what a caller gets now.
    await vi.waitFor(() => expect([undefined, first]).not.toContain(sender()), patience);
    const taken = receiver(['-f', 'mpegts', '-i', `srt://127.0.0.1:${port}?mode=caller`], 40);
    await vi.waitFor(() => expect(health()).toMatchObject({ state: 'streaming', restarts: 0 }), patience);
    expect(picturesIn(await taken.result)).toBe(40);
    await vi.waitFor(
      () => expect(health()).toMatchObject({ state: 'waiting', cause, restarts: 1 }),
      patience,
    );
  });

  test('over SRT to whoever calls first, with little of what was before', limit, async () => {
    const port = await freeUdpPort();
    const { tap, restream } = await send([], rough);
    let group = 0;
    const leave = tap.subscribe({
      ...{ begin: noop, end: noop },
      packet: ({ keyframe }) => (group = keyframe ? 1 : group + 1),
    });
    await vi.waitFor(() => expect(group).toBeGreaterThan(30), { ...patience, interval: 20 });
    const to = `srt://127.0.0.1:${port}?mode=listener`;
    await restream.set([{ to, transcode: 'never', sound: 'camera' }]);
    const taken = receiver(['-f', 'mpegts', '-i', `srt://127.0.0.1:${port}?mode=caller`], 40);
    const times = [...(await taken.result).matchAll(/^0, *\d+, *(\d+),/gm)].map(([, pts]) => Number(pts));
    leave();
    const gap = times.findIndex((pts, at) => pts - (times[at - 1] ?? pts) > 5);
    expect(gap).toBeGreaterThan(0);
    expect(gap).toBeLessThan(25);
  });

  test('to a multicast group, also where it does not take the codec as it is', limit, async () => {
    const port = await freeUdpPort();
    const group = `udp://239.255.42.42:${port}`;
    const taken = receiver(['-f', 'mpegts', '-i', `${group}?localaddr=127.0.0.1`], 12);
    await send([{ to: `${group}?interface=127.0.0.1`, transcode: 'h264' }], loud);
    const output = await taken.result;
    expect(picturesIn(output, 0)).toBe(12);
    expect(picturesIn(output, 1)).toBeGreaterThan(0);
  });

  test('to an RTSP server that wants a login', limit, async () => {
    const file = join(directory, 'recorded.ts');
    const server = await startRtspRecorder(file);
    undo.push(() => server.stop());
    const { health } = await send([{ to: `rtsp://sender:secret@${server.address}` }]);
    await vi.waitFor(async () => expect((await packetsOf(file)).length).toBeGreaterThan(20), patience);
    expect(health()).toMatchObject({ state: 'streaming', to: `rtsp://${server.address}`, cause: undefined });
  });

  test(
    'to several at once, of which one is away: it is tried again, and nothing else notices',
    limit,
    async () => {
      const [away, there] = [await freePort(), await freeUdpPort()];
      const taken = receiver(['-f', 'mpegts', '-i', `udp://127.0.0.1:${there}`], 12);
      const { camera, restream } = await send([
        { to: `rtmp://127.0.0.1:${away}/live/the-key-0815` },
        { to: `udp://127.0.0.1:${there}` },
      ]);
      await vi.waitFor(() => expect(restream.health[0]?.restarts).toBeGreaterThan(0), patience);
      expect(restream.health[0]).toMatchObject({
        causeCode: 'unreachable',
        cause: `The target rtmp://127.0.0.1:${away}/live/*** does not listen on this port: check that it runs, and the host and port in its address.`,
      });
      expect(picturesIn(await taken.result)).toBe(12);
      const { segments } = camera.footage.ring.stats;
      await camera.until(({ footage }) => footage.ring.stats.segments > segments);
      expect(camera.lost).toBe(0);
      // Now there is someone.
      const came = receiver(
        ['-f', 'flv', '-listen', '1', '-i', `rtmp://127.0.0.1:${away}/live/the-key-0815`],
        5,
      );
      expect(picturesIn(await came.result, 0)).toBe(5);
    },
  );

  test('no longer, when the target is taken out', limit, async () => {
    const port = await freeUdpPort();
    const to = `udp://127.0.0.1:${port}`;
    const { restream, health } = await send([{ to }]);
    await vi.waitFor(() => expect(health().state).toBe('streaming'), patience);
    expect(commandLines()).toContain(to);
    await restream.set([]);
    expect(commandLines()).not.toContain(to);
    expect(restream.health).toEqual([]);
  });
});

describe('a target that refuses says why', () => {
  test('when no program can be started for it, also where somebody watches the camera', limit, async () => {
    const { tap, restream, health } = await send([]);
    let pictures = 0;
    const leave = tap.subscribe({ begin: noop, packet: () => (pictures += 1), end: noop });
    await vi.waitFor(() => expect(pictures).toBeGreaterThan(0), patience);
    // More than Linux lets a program have as one argument: `spawn` throws at once, as for want of memory.
    const to = `rtsp://user:${'x'.repeat(140_000)}@127.0.0.1:9/yard`;
    await restream.set([{ to, transcode: 'never', sound: 'camera' }]);
    await vi.waitFor(() => expect(health().causeCode).toBe('no-process'), patience);
    expect(health().cause).toContain('gets nothing, the system says spawn E2BIG');
    const seen = pictures;
    await vi.waitFor(() => expect(pictures).toBeGreaterThan(seen + 10), patience);
    leave();
  });

  test('when the passphrase is wrong', limit, async () => {
    const port = await freeUdpPort();
    receiver(['-f', 'mpegts', '-i', `srt://127.0.0.1:${port}?mode=listener&passphrase=correct-horse`], 12);
    const { health } = await send([{ to: `srt://127.0.0.1:${port}?passphrase=wrong-battery` }]);
    await vi.waitFor(() => expect(health().causeCode).toBe('wrong-key'), patience);
    expect(JSON.stringify(health())).not.toContain('battery');
  });

  test('when the login is wrong', limit, async () => {
    const server = await startRtspRecorder(join(directory, 'refused.ts'));
    undo.push(() => server.stop());
    const { health } = await send([{ to: `rtsp://sender:s3cret@${server.address}` }]);
    await vi.waitFor(() => expect(health().causeCode).toBe('wrong-password'), patience);
    expect(JSON.stringify(health())).not.toContain('s3cret');
  });

  test('when it does not take the codec, and encoding was not asked for', limit, async () => {
    const { health } = await send([{ to: `udp://127.0.0.1:${await freeUdpPort()}` }], loud);
    await vi.waitFor(() => expect(health().state).toBe('failed'), patience);
    expect(health().cause).toContain('takes H.264 or H.265 or MPEG-2, and the camera sends MJPEG');
  });

  test('and takes nothing of the camera then, also where somebody watches it', limit, async () => {
    const { tap, restream, health } = await send([], loud);
    let pictures = 0;
    const leave = tap.subscribe({ begin: noop, packet: () => (pictures += 1), end: noop });
    await vi.waitFor(() => expect(pictures).toBeGreaterThan(0), patience);
    const to = `udp://127.0.0.1:${await freeUdpPort()}`;
    await restream.set([{ to, transcode: 'never', sound: 'camera' }]);
    await vi.waitFor(() => expect(health().state).toBe('failed'), patience);
    expect(tap.takers).toBe(1);
    leave();
  });
});
