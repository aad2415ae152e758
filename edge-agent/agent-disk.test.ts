import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemCodeOf } from '@faascam/core/errors';
import { agentHealth, parseMessage, type CameraHealth } from '@faascam/core/messages';
import { clipReady } from '@faascam/core/clip-messages';
import { buckets, headers, streams, subjects } from '@faascam/core/subjects';
import { Kvm } from '@nats-io/kv';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { runAgent, type AgentOptions } from './agent.ts';
import { makeVideo } from './capture/test-video.ts';
import { capturedAtUs, openTestSite, settingsOf, wantedClip, type TestSite } from './test-site.ts';

const soon = { timeout: 60_000, interval: 200 };
const MEGABYTE = 1024 * 1024;

let site: TestSite;
let video: string;
let stops: (() => Promise<void>)[] = [];
/** When the newest frame of a watched camera was taken. */
let newestUs = 0;

beforeAll(async () => {
  site = await openTestSite();
  video = join(site.directory, 'noise.mp4');
  // Noise costs about a megabyte a second, so that a small disk is full within seconds.
  const picture = 'testsrc2=size=640x360:rate=10:duration=20,noise=alls=60:allf=t';
  await makeVideo('-f', 'lavfi', '-i', picture, '-g', '10', '-b:v', '6M', '-preset', 'ultrafast', video);
});

afterEach(async () => {
  for (const stop of stops.reverse()) await stop();
  stops = [];
});

afterAll(async () => {
  await site.close();
});

/** A disk of its own in memory; undefined where we may not have one. */
function smallDisk(name: string, megabytes: number): string | undefined {
  const directory = join(site.directory, name);
  mkdirSync(directory);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', directory], { stdio: 'pipe' });
  } catch {
    return undefined;
  }
  stops.unshift(async () => {
    execFileSync('umount', [directory]);
    await Promise.resolve();
  });
  return directory;
}

function start(options: Pick<AgentOptions, 'cameras'> & Partial<AgentOptions>): void {
  const stop = new AbortController();
  const agent = runAgent({
    ...{ id: 'disk', dataDirectory: join(site.directory, 'data') },
    ...{ connect: () => site.connect(), log: site.log, signal: stop.signal, timing: { random: () => 0.5 } },
    ...options,
  });
  stops.push(async () => {
    stop.abort();
    await agent;
  });
}

async function cameraHealth(camera: string): Promise<CameraHealth | undefined> {
  const bucket = await new Kvm(site.messaging.nc).create(buckets.agents);
  const entry = await bucket.get('disk');
  return entry === null ? undefined : parseMessage(agentHealth, entry.value, 'health').cameras[camera];
}

/** The kinds of messages on a camera's frames from now on. */
async function watchFrames(camera: string): Promise<string[]> {
  const kinds: string[] = [];
  site.messaging.nc.subscribe(subjects.frames(camera), {
    callback: (_error, frame) => {
      kinds.push(frame.headers?.get(headers.kind) ?? '');
      newestUs = capturedAtUs(frame);
    },
  });
  await site.messaging.nc.flush();
  return kinds;
}

/** Why footage around a moment is missing, as the agent offers it. */
async function causesOf(camera: string, atUs: number): Promise<string[]> {
  const wanted = wantedClip(camera, atUs - 1_000_000, atUs + 1_000_000);
  await site.messaging.js.publish(subjects.clipsWanted(camera), JSON.stringify(wanted));
  const consumer = await site.messaging.js.consumers.get(streams.clips, {
    filter_subjects: subjects.clipsReady(camera),
  });
  const message = await consumer.next({ expires: soon.timeout });
  if (message === null) throw new Error('no offer came');
  return parseMessage(clipReady, message.data, message.subject).gaps.map(({ cause }) => cause);
}

function segmentsIn(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith('.mkv'))
    .sort();
}

describe('a disk that is too small for its quota', () => {
  test('keeps the newest footage, and nothing is interrupted', async (context) => {
    const disk = smallDisk('small', 16);
    if (disk === undefined) {
      console.warn('Left out: only root may mount a small disk.');
      context.skip();
      return;
    }
    const kinds = await watchFrames('small');
    start({ cameras: { small: settingsOf(`file:${video}`) }, ringPath: disk });
    const directory = join(disk, 'small');
    await vi.waitFor(() => expect(segmentsIn(directory).length).toBeGreaterThan(1), soon);
    const [first] = segmentsIn(directory);
    await vi.waitFor(() => expect(segmentsIn(directory)[0]).not.toBe(first), soon);
    const [second] = segmentsIn(directory);
    await vi.waitFor(() => expect(segmentsIn(directory)[0]).not.toBe(second), soon);
    const health = await cameraHealth('small');
    expect(health).toMatchObject({ state: 'streaming', restarts: 0 });
    expect(health?.ring.bytesWrittenLastHour).toBeGreaterThan(health?.ring.bytes ?? Infinity);
    expect(new Set(kinds)).toEqual(new Set(['image']));
  });

  test('that others fill goes on to give frames, and records again once there is room', async (context) => {
    const disk = smallDisk('filled', 16);
    if (disk === undefined) {
      console.warn('Left out: only root may mount a small disk.');
      context.skip();
      return;
    }
    const kinds = await watchFrames('filled');
    start({ cameras: { filled: settingsOf(`file:${video}`) }, ringPath: disk });
    const directory = join(disk, 'filled');
    await vi.waitFor(() => expect(segmentsIn(directory).length).toBeGreaterThan(1), soon);
    fill(join(disk, 'others'));
    await vi.waitFor(async () => {
      expect(await cameraHealth('filled')).toMatchObject({ state: 'streaming', causeCode: 'disk-full' });
    }, soon);
    const before = kinds.length;
    await vi.waitFor(() => expect(kinds.length).toBeGreaterThan(before + 20), soon);
    const fullUs = newestUs;
    expect(new Set(kinds.slice(before))).toEqual(new Set(['image']));
    rmSync(join(disk, 'others'));
    const newest = segmentsIn(directory).at(-1) ?? '';
    await vi.waitFor(() => expect((segmentsIn(directory).at(-1) ?? '') > newest).toBe(true), soon);
    await vi.waitFor(async () => {
      const health = await cameraHealth('filled');
      expect([health?.state, health?.causeCode]).toEqual(['streaming', undefined]);
    }, soon);
    // An event during that time tells why its footage is missing.
    const causes = await causesOf('filled', fullUs);
    expect(causes).toContain('disk-full');
    expect(causes).not.toContain('camera-lost');
  });
});

/** Takes all that is left of a disk. */
function fill(path: string): void {
  const chunk = Buffer.alloc(64 * 1024);
  for (let size = MEGABYTE; size > 0;) {
    try {
      writeFileSync(path, chunk, { flag: 'a' });
    } catch (error) {
      if (systemCodeOf(error) !== 'ENOSPC') throw error;
      size = 0;
    }
  }
}

test('footage of all cameras together keeps within its limit, the oldest goes first', async () => {
  const ringPath = join(site.directory, 'limited');
  const source = `file:${video}`;
  start({ cameras: { one: settingsOf(source), two: settingsOf(source) }, ringPath, ringMegabytes: 4 });
  const sizeOf = (camera: string): number =>
    segmentsIn(join(ringPath, camera)).reduce(
      (sum, name) => sum + statSync(join(ringPath, camera, name)).size,
      0,
    );
  await vi.waitFor(async () => {
    const written = await Promise.all(
      ['one', 'two'].map(async (camera) => (await cameraHealth(camera))?.ring.bytesWrittenLastHour ?? 0),
    );
    expect(written.reduce((sum, bytes) => sum + bytes, 0)).toBeGreaterThan(10 * MEGABYTE);
  }, soon);
  // A segment more may just have come.
  expect(sizeOf('one') + sizeOf('two')).toBeLessThan(7 * MEGABYTE);
  for (const camera of ['one', 'two']) expect(segmentsIn(join(ringPath, camera)).length).toBeGreaterThan(0);
});

test('footage is written once', async (context) => {
  const ringPath = join(site.directory, 'once');
  const before = writtenBy([process.pid]);
  start({ cameras: { once: settingsOf(`file:${video}`) }, ringPath });
  const directory = join(ringPath, 'once');
  await vi.waitFor(() => expect(segmentsIn(directory).length).toBeGreaterThan(4), soon);
  const ffmpeg = pidsOf(join(ringPath, 'once'));
  expect(ffmpeg.length).toBeGreaterThan(0);
  const written = writtenBy([process.pid, ...ffmpeg]) - before;
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((file) =>
    file.isFile(),
  );
  const kept = files.reduce((sum, file) => sum + statSync(join(file.parentPath, file.name)).size, 0);
  if (written === 0) {
    console.warn('Left out: this file system does not count what is written.');
    context.skip();
  }
  expect(written).toBeLessThan(1.1 * kept);
  expect(written).toBeGreaterThan(0.5 * kept);
});

/** Bytes that processes have written to disks. */
function writtenBy(pids: number[]): number {
  return pids.reduce((sum, pid) => {
    const text = readFileSync(`/proc/${pid}/io`, 'utf8');
    return sum + Number(/^write_bytes: (\d+)$/m.exec(text)?.[1] ?? 0);
  }, 0);
}

function pidsOf(directory: string): number[] {
  return readdirSync('/proc').flatMap((name) => {
    try {
      const line = readFileSync(`/proc/${name}/cmdline`, 'utf8');
      return line.startsWith('ffmpeg\0') && line.includes(directory) ? [Number(name)] : [];
    } catch {
      return []; // no process, or it ended while we looked
    }
  });
}
