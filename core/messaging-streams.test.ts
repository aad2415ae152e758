import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createLogger } from './log.ts';
import { connectNats, ensureStreams, streamConfigs, type Messaging, type StreamToBe } from './messaging.ts';
import { freePort } from './ports.ts';
import { ensureSite } from './site-buckets.ts';

const MEGABYTE = 1024 * 1024;
const log = createLogger('test');

let directory: string;
let ends: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-streams-'));
});

afterEach(async () => {
  for (const end of ends.reverse()) await end();
  ends = [];
  await rm(directory, { recursive: true, force: true });
});

/** A nats-server that may keep so much. */
async function serverWith(limits: { file: number; memory: number }): Promise<Messaging> {
  const port = await freePort();
  const config = join(directory, 'nats.conf');
  await writeFile(
    config,
    `listen: 127.0.0.1:${port}
jetstream { store_dir: "${directory}", max_file_store: ${limits.file}MB, max_memory_store: ${limits.memory}MB }`,
  );
  const server = spawn('nats-server', ['-c', config], { stdio: 'ignore' });
  ends.push(async () => {
    server.kill();
    await once(server, 'exit');
  });
  const messaging = await vi.waitFor(() => connectNats(`nats://127.0.0.1:${port}`, 'test'), {
    timeout: 20_000,
    interval: 100,
  });
  ends.push(() => messaging.nc.close());
  return messaging;
}

async function sizesOf({ jsm }: Messaging): Promise<Record<string, number>> {
  const sizes: Record<string, number> = {};
  for await (const { config } of jsm.streams.list()) sizes[config.name] = config.max_bytes / MEGABYTE;
  return sizes;
}

test('streams have their whole size where there is room', async () => {
  const messaging = await serverWith({ file: 4096, memory: 1024 });
  await ensureStreams(messaging.jsm, log);
  expect(await sizesOf(messaging)).toEqual(
    Object.fromEntries(streamConfigs.map(({ name, max_bytes }) => [name, max_bytes / MEGABYTE])),
  );
});

test('on a small disk streams are smaller, leave some for others, and each is told of once', async () => {
  const messaging = await serverWith({ file: 1024, memory: 400 });
  const told = vi.spyOn(log, 'warn');
  await ensureStreams(messaging.jsm, log);
  const sizes = await sizesOf(messaging);
  expect(sizes).toEqual({ FRAMES: 256, MOTION: 32, DETECTIONS: 256, EVENTS: 128, CLIPS: 64, NOTICES: 32 });
  expect(told).toHaveBeenCalledTimes(4);
  await ensureStreams(messaging.jsm, log);
  expect(told).toHaveBeenCalledTimes(4);
  told.mockRestore();
});

test('parts that are started at the same time on a small disk get on with each other', async () => {
  const messaging = await serverWith({ file: 1024, memory: 400 });
  await Promise.all([1, 2, 3].map(() => ensureStreams(messaging.jsm, log)));
  const sizes = await sizesOf(messaging);
  for (const { name } of streamConfigs) expect(sizes[name]).toBeGreaterThanOrEqual(16);
});

test('a disk that is too small for any stream is named, with what is asked for and what to change', async () => {
  const messaging = await serverWith({ file: 10, memory: 1024 });
  await expect(ensureStreams(messaging.jsm, log)).rejects.toThrow(
    /the stream DETECTIONS: faascam asks for 256 MB of its disk, 16 MB at least.*max_file_store/,
  );
});

test.each([256 + 5 * 16, 512, 1024, 2048, 3072])(
  'on a disk of %i MB the connector has room for all that a site needs',
  async (file) => {
    const messaging = await serverWith({ file, memory: 1024 });
    const letters: StreamToBe = {
      ...{ name: 'DEADLETTER', subjects: ['deadletter.>'], storage: 'file', discard: 'old' },
      ...{ max_age: 3600e9, max_bytes: 256 * MEGABYTE, duplicate_window: 120e9 },
    };
    const update = vi.spyOn(messaging.jsm.streams, 'update');
    await ensureSite(messaging, [letters]);
    const sizes = await sizesOf(messaging);
    for (const { name } of [...streamConfigs, letters]) expect(sizes[name]).toBeGreaterThanOrEqual(16);
    expect(sizes['OBJ_segments']).toBeGreaterThanOrEqual(16);
    expect(sizes['KV_cameras']).toBeDefined();
    // The connector may not change streams.
    expect(update).not.toHaveBeenCalled();
  },
);
