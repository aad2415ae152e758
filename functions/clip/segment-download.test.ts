import { hash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FaascamError } from '@faascam/core/errors';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { download } from './segment-download.ts';
import { SegmentPatience } from './segment-patience.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'faascam-download-'));
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(folder, { recursive: true });
});

const bytes = Buffer.from('a segment');
const ref = {
  object: 'yard/1',
  sha256: hash('sha256', bytes),
  sizeBytes: bytes.length,
  startUs: 1,
  durationUs: 1,
};

/** An object store that sends so much and then fails, or falls silent. */
function storeThat(end: 'breaks' | 'stalls', sent: Buffer) {
  const data = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(sent),
    pull: async (controller) => {
      if (end === 'breaks') controller.error(new Error('the connection was closed'));
      else await new Promise(() => undefined);
    },
  });
  return { get: () => Promise.resolve({ data, error: Promise.resolve(null) }) };
}
const fetched = (store: ReturnType<typeof storeThat>) =>
  download(store, ref, join(folder, '0.mkv'), new AbortController().signal);

test('a reading that breaks off or stalls is not taken for a segment that is gone', async () => {
  const half = bytes.subarray(0, 4);
  await expect(fetched(storeThat('breaks', half))).rejects.toMatchObject({ code: 'segment-unreadable' });
  await rm(join(folder, '0.mkv'));
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const stalled = expect(fetched(storeThat('stalls', half))).rejects.toMatchObject({
    code: 'segment-stalled',
  });
  const stop = setInterval(() => vi.advanceTimersByTime(1000), 1);
  await stalled.finally(() => clearInterval(stop));
});

test('one that fails its check when all of it came is corrupt', async () => {
  await expect(fetched(storeThat('breaks', bytes))).rejects.toMatchObject({ code: 'segment-corrupt' });
});

test('only failures of an event’s segments in a row use up its patience', async () => {
  const patience = new SegmentPatience();
  const failing = (event: string, code: string) =>
    patience
      .during(event, (isOver) => (isOver ? Promise.resolve({ lost: [code] }) : Promise.reject(faultOf(code))))
      .then(
        ({ lost }) => lost,
        () => 'again',
      );
  const faultOf = (code: string) => new FaascamError(code, 'A test.');
  for (let offer = 1; offer <= 20; offer++) expect(await failing('a', 'segment-stalled')).toBe('again');
  for (let offer = 1; offer <= 7; offer++) expect(await failing('a', 'segment-missing')).toBe('again');
  expect(await failing('b', 'segment-missing')).toBe('again');
  expect(await failing('a', 'segment-missing')).toEqual(['segment-missing']);
  // Should storing fail now, nothing is waited for anew; once all were to be had, it is.
  expect(await failing('a', 'segment-missing')).toEqual(['segment-missing']);
  await patience.during('a', () => Promise.resolve({ lost: [] }));
  expect(await failing('a', 'segment-missing')).toBe('again');
});
