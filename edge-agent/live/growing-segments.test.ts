import { appendFile, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { makeVideo } from '../capture/test-video.ts';
import { GrowingSegments } from './growing-segments.ts';
import type { LivePacket } from './live-stream.ts';
import { MatroskaPackets, type StreamStart } from './matroska-stream.ts';

const WAIT = { timeout: 30_000, interval: 10 };
let scratch: string;
let segments: Buffer[];
let incoming: string;
let starts: StreamStart[];
let packets: LivePacket[];
let upToDate: number;
let faults: unknown[];
let reading: GrowingSegments | undefined;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'faascam-growing-'));
  const pictures = ['-f', 'lavfi', '-i', 'testsrc2=size=160x90:rate=10:duration=3'];
  const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '10', '-pix_fmt', 'yuv420p'];
  const each = ['-segment_format', 'matroska', '-segment_format_options', 'cluster_time_limit=1'];
  const split = ['-f', 'segment', '-segment_time', '1', ...each];
  await makeVideo(...pictures, ...h264, ...split, join(scratch, '%d.mkv'));
  segments = await Promise.all([0, 1, 2].map((n) => readFile(join(scratch, `${n}.mkv`))));
});

afterAll(async () => {
  await rm(scratch, { recursive: true });
});

beforeEach(async () => {
  incoming = await mkdtemp(join(scratch, 'incoming-'));
  [starts, packets, upToDate, faults] = [[], [], 0, []];
});

afterEach(async () => {
  await reading?.close();
  reading = undefined;
});

const path = (number: number): string => join(incoming, `${String(number).padStart(6, '0')}.mkv`);

function read(): GrowingSegments {
  reading = new GrowingSegments({
    incoming,
    onStart: (start) => starts.push(start),
    onPacket: (packet) => packets.push(packet),
    onUpToDate: () => (upToDate += 1),
    onFault: (error) => faults.push(error),
  });
  return reading;
}

function packetsIn(...numbers: number[]): LivePacket[] {
  return numbers.flatMap((number) => new MatroskaPackets().push(segments[number] ?? Buffer.alloc(0)));
}

async function until(count: number): Promise<void> {
  await vi.waitFor(() => expect(packets.length).toBeGreaterThanOrEqual(count), WAIT);
}

test('packets come as their segment is written, wherever the writing stops in between', async () => {
  read();
  const [bytes = Buffer.alloc(0)] = segments;
  const all = packetsIn(0);
  expect(all).toHaveLength(10);
  let whole = 0;
  for (let at = 0; at < bytes.length; at += 997) {
    await appendFile(path(0), bytes.subarray(at, at + 997));
    whole = new MatroskaPackets().push(bytes.subarray(0, at + 997)).length;
    await until(whole);
    expect(packets).toEqual(all.slice(0, whole));
  }
  expect(whole).toBe(10);
  expect(starts).toHaveLength(1);
  expect(faults).toEqual([]);
});

test('it begins with the newest segment, and goes on with the next ones', async () => {
  const [first = Buffer.alloc(0), second = Buffer.alloc(0), third = Buffer.alloc(0)] = segments;
  await writeFile(path(7), first);
  await writeFile(path(8), second);
  read();
  await until(10);
  await vi.waitFor(() => expect(upToDate).toBeGreaterThan(0), WAIT);
  expect(packets).toEqual(packetsIn(1));
  // Closed ones are moved into the ring while they may still be read.
  await rename(path(8), join(scratch, 'moved.mkv'));
  await writeFile(path(9), third);
  await until(20);
  expect(packets).toEqual(packetsIn(1, 2));
  expect(starts).toHaveLength(2);
});

test('a damaged segment is told of and left out', async () => {
  const [first = Buffer.alloc(0), second = Buffer.alloc(0)] = segments;
  read();
  await writeFile(path(0), Buffer.concat([Buffer.from('no Matroska at all'), first]));
  await vi.waitFor(() => expect(faults).toHaveLength(1), WAIT);
  await writeFile(path(1), second);
  await until(10);
  expect(packets).toEqual(packetsIn(1));
});

test('what was written before it is closed is still read, and nothing after', async () => {
  const [first = Buffer.alloc(0), second = Buffer.alloc(0)] = segments;
  const growing = read();
  await writeFile(path(0), first.subarray(0, first.length / 2));
  await until(1);
  await appendFile(path(0), first.subarray(first.length / 2));
  await growing.close();
  expect(packets).toEqual(packetsIn(0));
  await writeFile(path(1), second);
  await growing.close();
  expect(packets).toHaveLength(10);
});
