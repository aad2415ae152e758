import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@faascam/core/log';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Ring, type RingOptions } from './ring.ts';
import { parseSegmentName, segmentName } from './segment.ts';

const EPOCH_US = 1_700_000_000_000_000;
const SECOND_US = 1_000_000;
const EVENT = 'yard-20231114t221320-000000';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-ring-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

function open(options: Partial<RingOptions> = {}): Promise<Ring> {
  return Ring.open({
    directory: join(directory, 'ring'),
    quota: { minutes: 1, megabytes: 100, pinnedMegabytes: 100 },
    log: createLogger('test'),
    disk: () => Promise.resolve({ freeBytes: 1e12, sizeBytes: 2e12 }),
    ...options,
  });
}

/** Two seconds of footage, `sizeBytes` long, from second `second` on. */
async function record(ring: Ring, second: number, sizeBytes = 1000): Promise<void> {
  const file = join(directory, 'closed.mkv');
  await writeFile(file, Buffer.alloc(sizeBytes));
  const startUs = EPOCH_US + second * SECOND_US;
  await ring.add(file, { startUs, endUs: startUs + 2 * SECOND_US, joinsPrevious: true });
}

function secondsOf(ring: Ring): number[] {
  return ring.overlapping(0, Number.MAX_SAFE_INTEGER).map(({ startUs }) => (startUs - EPOCH_US) / SECOND_US);
}

describe('ring', () => {
  test('a name tells start and end, and nothing else is taken for one', () => {
    expect(parseSegmentName(segmentName(EPOCH_US + 7, EPOCH_US + 2_000_007))).toEqual({
      startUs: EPOCH_US + 7,
      endUs: EPOCH_US + 2_000_007,
      epoch: 0,
    });
    expect(parseSegmentName(segmentName(EPOCH_US, EPOCH_US + 2, 31))?.epoch).toBe(31);
    for (const name of [
      '01700000000000000-2.0.mkv',
      'incoming',
      '000001.mkv',
      '01700000000000000-0.mkv',
      'x-1.mkv',
      '',
    ]) {
      expect(parseSegmentName(name)).toBeUndefined();
    }
  });

  test('finds the segments of a span, the first beginning at or before it', async () => {
    const ring = await open();
    for (const second of [0, 2, 4, 6]) await record(ring, second);
    const found = ring.overlapping(EPOCH_US + 3 * SECOND_US, EPOCH_US + 5 * SECOND_US);
    expect(found.map(({ startUs }) => (startUs - EPOCH_US) / SECOND_US)).toEqual([2, 4]);
    expect(ring.overlapping(EPOCH_US + 8 * SECOND_US, EPOCH_US + 9 * SECOND_US)).toEqual([]);
  });

  test('is the same after a restart, and other files are left alone', async () => {
    const ring = await open();
    for (const second of [4, 0, 2]) await record(ring, second);
    await mkdir(join(directory, 'ring', 'incoming'));
    await writeFile(join(directory, 'ring', 'notes.txt'), 'mine');
    const again = await open();
    expect(secondsOf(again)).toEqual([0, 2, 4]);
    expect(again.stats).toMatchObject({ segments: 3, bytes: 3000, spanMs: 6000 });
    expect(await readdir(join(directory, 'ring'))).toContain('notes.txt');
  });

  test('a segment that the power cut left without a byte is no footage', async () => {
    const ring = await open();
    for (const second of [0, 2]) await record(ring, second);
    const torn = segmentName(EPOCH_US + 4 * SECOND_US, EPOCH_US + 6 * SECOND_US);
    await writeFile(join(directory, 'ring', torn), '');
    expect(secondsOf(await open())).toEqual([0, 2]);
    expect(await readdir(join(directory, 'ring'))).not.toContain(torn);
  });

  test('counts what it has written, and what events hold', async () => {
    const ring = await open({ quota: { minutes: 10, megabytes: 0.01, pinnedMegabytes: 1 } });
    await ring.pin(EVENT, EPOCH_US, EPOCH_US + SECOND_US);
    for (let second = 0; second < 10; second += 2) await record(ring, second, 4000);
    expect(ring.stats).toMatchObject({
      segments: 3,
      bytes: 12_000,
      pinnedBytes: 4000,
      writtenLastHour: 20_000,
    });
  });

  test('drops by the time of the footage', async () => {
    const ring = await open();
    for (let second = 0; second < 80; second += 2) await record(ring, second);
    expect(secondsOf(ring)[0]).toBe(20);
    expect((await readdir(join(directory, 'ring'))).filter((name) => name.endsWith('.mkv')).length).toBe(30);
    expect(ring.evictedBeforeUs(0)).toBe(EPOCH_US + 20 * SECOND_US);
  });

  test('drops by size', async () => {
    const ring = await open({ quota: { minutes: 10, megabytes: 0.01, pinnedMegabytes: 1 } });
    for (let second = 0; second < 10; second += 2) await record(ring, second, 4000);
    expect(secondsOf(ring)).toEqual([6, 8]);
  });

  test('what an event pins stays, also across a restart, until it is unpinned', async () => {
    const ring = await open();
    await ring.pin(EVENT, EPOCH_US + 3 * SECOND_US, EPOCH_US + 5 * SECOND_US);
    for (let second = 0; second < 80; second += 2) await record(ring, second);
    expect(secondsOf(ring).slice(0, 3)).toEqual([2, 4, 20]);
    const again = await open();
    await record(again, 80);
    expect(secondsOf(again).slice(0, 3)).toEqual([2, 4, 22]);
    await again.unpin(EVENT);
    expect(secondsOf(again)[0]).toBe(22);
    expect(secondsOf(await open())[0]).toBe(22);
  });

  test('an event loses its pin when all that is held reaches its bound, for good', async () => {
    const quota = { minutes: 0.1, megabytes: 100, pinnedMegabytes: 0.01 };
    const younger = EVENT.replace('213', '214');
    const ring = await open({ quota });
    await ring.pin(EVENT, EPOCH_US, EPOCH_US + 4 * SECOND_US);
    await ring.pin(younger, EPOCH_US + 10 * SECOND_US, EPOCH_US + 14 * SECOND_US);
    for (let second = 0; second < 30; second += 2) await record(ring, second, 4000);
    expect(secondsOf(ring)).toEqual([10, 12, 24, 26, 28]);
    expect([ring.stats.lostPins, ring.held.map(({ event }) => event)]).toEqual([1, [younger]]);
    const again = await open({ quota });
    await again.pin(EVENT, EPOCH_US, EPOCH_US + 4 * SECOND_US);
    expect(again.held.map(({ event }) => event)).toEqual([younger]);
    await again.unpin(EVENT);
    expect(await readdir(join(directory, 'ring', 'pins'))).toEqual([younger]);
  });

  test('recording goes on when events would fill the disk: the oldest lose what they hold', async () => {
    const used: { bytes: () => number } = { bytes: () => 0 };
    const ring = await open({
      disk: () => Promise.resolve({ freeBytes: Math.max(0, 20_000 - used.bytes()), sizeBytes: 20_000 }),
      reserveBytes: 0,
    });
    used.bytes = () => ring.stats.bytes;
    for (let n = 0; n < 12; n++) {
      const second = 2 * n;
      const id = EVENT.replace('221320', `2214${String(second).padStart(2, '0')}`);
      await ring.pin(id, EPOCH_US + second * SECOND_US, EPOCH_US + (second + 2) * SECOND_US);
      await record(ring, second, 2000);
    }
    expect(ring.stats.pinnedBytes).toBeLessThanOrEqual(15_000);
    expect(ring.stats.lostPins).toBeGreaterThan(0);
    expect(secondsOf(ring).at(-1)).toBe(22);
    expect(await ring.hasRoom(1)).toBe(true);
  });

  test('a torn pin file is dropped', async () => {
    await open();
    await writeFile(join(directory, 'ring', 'pins', EVENT), '{"fromUs":');
    await writeFile(join(directory, 'ring', 'pins', 'not-an-event'), '{"fromUs":0,"toUs":99}');
    await open();
    expect(await readdir(join(directory, 'ring', 'pins'))).toEqual([]);
  });

  test('when the disk is nearly full the oldest goes, but neither what is pinned nor the newest', async () => {
    let freeBytes = 1e12;
    const ring = await open({
      disk: () => Promise.resolve({ freeBytes, sizeBytes: 2e12 }),
      reserveBytes: 5000,
    });
    for (const second of [0, 2, 4, 6, 8]) await record(ring, second);
    await ring.pin(EVENT, EPOCH_US, EPOCH_US + SECOND_US);
    // What is written next takes some as well: twice a segment.
    freeBytes = 5000;
    await ring.evict();
    expect(secondsOf(ring)).toEqual([0, 6, 8]);
    freeBytes = 0;
    await ring.evict();
    expect(secondsOf(ring)).toEqual([0, 8]);
  });

  test('footage of one session has no holes where pictures are stored behind the keyframe they precede', async () => {
    const ring = await open();
    const file = join(directory, 'closed.mkv');
    const add = async (startMs: number, endMs: number, joinsPrevious: boolean) => {
      await writeFile(file, 'x');
      await ring.add(file, {
        startUs: EPOCH_US + startMs * 1000,
        endUs: EPOCH_US + endMs * 1000,
        joinsPrevious,
      });
    };
    await add(0, 1900, false);
    await add(2000, 3900, true);
    await add(4000, 5900, false);
    expect(
      ring.overlapping(0, Number.MAX_SAFE_INTEGER).map(({ endUs }) => (endUs - EPOCH_US) / 1000),
    ).toEqual([2000, 3900, 5900]);
  });
});
