import { readdirSync, readlinkSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { systemClock } from '@faascam/core/clock';
import { createLogger } from '@faascam/core/log';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { openCameraTest, type CameraTest } from '../capture/test-camera.ts';
import { makeVideo, packetsOf } from '../capture/test-video.ts';
import { clusterOf, MatroskaPackets } from './matroska-stream.ts';
import type { LivePacket, LiveStream, LiveTaker } from './live-stream.ts';
import { LiveTap } from './live-tap.ts';

let directory: string;
let video: string;
let camera: CameraTest | undefined;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-tap-'));
  video = join(directory, 'camera.mkv');
  const source = ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=10:duration=60'];
  const sound = ['-f', 'lavfi', '-i', 'sine=duration=60', '-c:a', 'aac', '-b:a', '32k'];
  await makeVideo(
    ...source,
    ...sound,
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-g',
    '10',
    '-bf',
    '0',
    video,
  );
});

afterAll(async () => {
  await rm(directory, { recursive: true });
});

afterEach(async () => {
  await camera?.stop();
  camera = undefined;
});

/** Keeps what it gets. */
class Keeper implements LiveTaker {
  streams: LiveStream[] = [];
  packets: LivePacket[] = [];
  ends = 0;
  behind = false;

  begin(stream: LiveStream): void {
    this.streams.push(stream);
  }

  packet(packet: LivePacket): void {
    this.packets.push(packet);
  }

  end(): void {
    this.ends += 1;
  }

  isBehind(): boolean {
    return this.behind;
  }

  get pictures(): LivePacket[] {
    return this.packets.filter(({ kind }) => kind === 'video');
  }
}

async function openTapped(): Promise<LiveTap> {
  const tap = new LiveTap(systemClock, createLogger('test'));
  camera = await openCameraTest(directory, { source: `file:${video}` }, { tap });
  return tap;
}

async function until(condition: () => boolean): Promise<void> {
  await vi.waitFor(() => expect(condition()).toBe(true), { timeout: 30_000, interval: 20 });
}

/** Segments that this process has open. */
function openSegments(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      return target.startsWith(directory) && target.includes('.mkv') ? [target] : [];
    } catch {
      return []; // closed meanwhile
    }
  });
}

describe('what a camera sends, for those who look on', () => {
  test('a taker gets every packet as the camera sent it, from a keyframe on, and sound', async () => {
    const tap = await openTapped();
    const taker = new Keeper();
    const leave = tap.subscribe(taker);
    await until(() => taker.pictures.length >= 45);
    leave();

    const [stream] = taker.streams;
    expect(stream).toMatchObject({ video: { codecId: 'V_MPEG4/ISO/AVC', width: 320, height: 180 } });
    expect(stream?.audio?.codecId).toBe('A_AAC');
    expect(taker.pictures[0]?.keyframe).toBe(true);
    expect(taker.packets.filter(({ kind }) => kind === 'audio').length).toBeGreaterThan(45);
    // Several segments, without a picture lost, doubled or out of step.
    const times = taker.pictures.map(({ streamUs }) => streamUs);
    for (const [at, time] of times.slice(1).entries())
      expect(time - (times[at] ?? 0)).toBeCloseTo(100_000, -4);
    expect(stream?.capturedAtUs(times[0] ?? 0)).toBeGreaterThan(Date.now() * 1000 - 120e6);
  });

  test('whoever comes later begins with the newest keyframe at once', async () => {
    const tap = await openTapped();
    const first = new Keeper();
    const leaveFirst = tap.subscribe(first);
    await until(() => first.pictures.length >= 15);
    const newest = first.pictures.findLast(({ keyframe }) => keyframe);
    const second = new Keeper();
    const leaveSecond = tap.subscribe(second);
    expect(second.pictures[0]).toBe(newest);
    expect(second.pictures.at(-1)).toBe(first.pictures.at(-1));
    leaveFirst();
    const had = first.packets.length;
    const soFar = second.packets.length;
    await until(() => second.packets.length > soFar + 10);
    expect(first.packets.length).toBe(had);
    leaveSecond();
  });

  test('a slow taker goes on with a keyframe, and the others lose nothing', async () => {
    const tap = await openTapped();
    const quick = new Keeper();
    const slow = new Keeper();
    const leave = [tap.subscribe(quick), tap.subscribe(slow)];
    await until(() => slow.pictures.length >= 3);
    slow.behind = true;
    const before = slow.packets.length;
    const quickHad = quick.pictures.length;
    await until(() => quick.pictures.length >= quickHad + 12);
    expect(slow.packets.length).toBe(before);
    slow.behind = false;
    await until(() => slow.packets.length > before);
    expect(slow.packets[before]).toMatchObject({ kind: 'video', keyframe: true });
    const times = quick.pictures.map(({ streamUs }) => streamUs);
    for (const [at, time] of times.slice(1).entries()) expect(time - (times[at] ?? 0)).toBeLessThan(150_000);
    for (const each of leave) each();
  });

  test('without takers no segment is open, and after the last has left', async () => {
    const tap = await openTapped();
    await camera?.until(({ footage }) => footage.ring.stats.segments > 0);
    const idle = openSegments().length;
    const taker = new Keeper();
    const leave = tap.subscribe(taker);
    await until(() => taker.packets.length > 0);
    expect(openSegments().length).toBeGreaterThan(idle);
    leave();
    await until(() => openSegments().length <= idle);
    const had = taker.packets.length;
    await wait(300);
    expect(taker.packets.length).toBe(had);
    expect(tap.takers).toBe(0);
  });

  test('the end of a session is told, and the next one is a stream of its own', async () => {
    const tap = await openTapped();
    const taker = new Keeper();
    const leave = tap.subscribe(taker);
    await until(() => taker.packets.length > 0);
    await camera?.stop();
    expect(taker.ends).toBe(1);
    expect(tap.flows).toBe(false);
    const had = taker.packets.length;
    camera = await openCameraTest(directory, { source: `file:${video}` }, { tap });
    await until(() => taker.packets.length > had);
    expect(taker.streams.length).toBe(2);
    expect(taker.packets[had]).toMatchObject({ kind: 'video', keyframe: true });
    leave();
  });
});

describe('packets in Matroska', () => {
  test('packets that were read piece by piece make a file again that has the same pictures', async () => {
    const bytes = await readFile(video);
    const reader = new MatroskaPackets();
    const packets: LivePacket[] = [];
    for (let at = 0; at < bytes.length; at += 10_007)
      packets.push(...reader.push(bytes.subarray(at, at + 10_007)));
    const { start } = reader;
    if (start?.audio === undefined) throw new Error('no head was read');
    const { head, video: pictures, audio } = start;
    const again = join(directory, 'again.mkv');
    const clusters = packets.map((packet) => clusterOf(packet, packet.kind === 'video' ? pictures : audio));
    await writeFile(again, Buffer.concat([head, ...clusters]));
    expect(await packetsOf(again)).toEqual(await packetsOf(video));
    expect((await packetsOf(again, 'a:0')).length).toBe((await packetsOf(video, 'a:0')).length);
  });
});
