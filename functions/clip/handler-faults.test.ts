import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventKey } from '@faascam/core/ids';
import { openStore, type ObjectStore } from '@faascam/core/store';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import handler, { close, ready as becomeReady } from './handler.ts';
import { callHandler, openHandlerSite, receiptOf, type HandlerSite } from './testing/handler-site.ts';
import { readyOf } from './testing/ready.ts';

// Read when the handler is loaded.
vi.hoisted(() => vi.stubEnv('FAASCAM_LOG', 'silent'));

let site: HandlerSite;
let store: ObjectStore;

beforeAll(async () => {
  site = await openHandlerSite();
  const settings = await site.settingsFor(undefined);
  vi.stubEnv('FAASCAM_STORE', JSON.stringify(settings));
  await putInFrontOfFfmpeg(join(site.folder, 'bin'));
  await becomeReady();
  store = await openStore(settings, site.folder);
});
beforeEach(async () => {
  await site.forgetAnnounced();
});
afterEach(() => {
  vi.stubEnv('FFMPEG_REFUSES', '');
  vi.stubEnv('FAASCAM_CLIP', '');
});
afterAll(async () => {
  await close();
  await store.close();
  await site.close();
});

/**
 * A program `ffmpeg` that hands on to the real one, but for what has FFMPEG_REFUSES in its options: as one that was
 * built without that encoder.
 */
async function putInFrontOfFfmpeg(folder: string): Promise<void> {
  const path = process.env['PATH'] ?? '';
  const script = `#!/bin/sh
if [ -n "$FFMPEG_REFUSES" ]; then
  case "$*" in *"$FFMPEG_REFUSES"*) echo "Unknown encoder '$FFMPEG_REFUSES'" >&2; exit 1 ;; esac
fi
PATH='${path}'
exec ffmpeg "$@"
`;
  await mkdir(folder);
  await writeFile(join(folder, 'ffmpeg'), script);
  await chmod(join(folder, 'ffmpeg'), 0o755);
  vi.stubEnv('PATH', `${folder}:${path}`);
}

const call = (body: object) => callHandler(handler, body);

describe('an ffmpeg that cannot make what stands beside the clip', () => {
  test('costs the rendition and the preview, and the receipt says so, but never the clip', async () => {
    const mjpeg = await site.record({ seconds: 2, video: ['-c:v', 'mjpeg'] });
    const ready = readyOf(await site.upload('beside', mjpeg.segments), { camera: 'beside' });
    vi.stubEnv('FAASCAM_CLIP', 'transcode: h264');
    vi.stubEnv('FFMPEG_REFUSES', 'libx264');
    expect((await call(ready)).body).toMatchObject({ outcome: 'stored', complete: true });
    const receipt = await receiptOf(store, ready);
    expect(receipt.clip?.video).toMatchObject({ codec: 'mjpeg', packets: mjpeg.video.length });
    const rendition = eventKey(ready.eventId, 'clip-h264.mp4');
    expect(receipt.faults).toMatchObject([{ of: 'preview' }, { of: 'rendition', object: rendition }]);
    for (const { why } of receipt.faults ?? []) expect(why).toContain("Unknown encoder 'libx264'");
    for (const what of ['renditions', 'preview', 'strip']) expect(receipt).not.toHaveProperty(what);
    for (const name of ['clip-h264.mp4', 'preview.mp4', 'strip.jpg'] as const)
      expect(await store.head(eventKey(ready.eventId, name))).toBeUndefined();
    expect(receipt.snapshot).toBeDefined();
    expect((await store.head(eventKey(ready.eventId, 'clip.mp4')))?.sizeBytes).toBe(receipt.clip?.sizeBytes);
    expect(await site.leftovers()).toEqual([]);
  });

  test('costs the snapshot, and the receipt says so', async () => {
    const ready = readyOf(await site.upload('unseen'), { camera: 'unseen' });
    vi.stubEnv('FFMPEG_REFUSES', 'png');
    expect((await call(ready)).body).toMatchObject({ outcome: 'stored', complete: true });
    const receipt = await receiptOf(store, ready);
    expect(receipt.faults).toMatchObject([{ of: 'snapshot' }]);
    expect(receipt).not.toHaveProperty('snapshot');
    expect(receipt.preview).toBeDefined();
  });
});

test('a clock that was set forward by an hour gives two clips and a gap of an hour, and no clip of an hour', async () => {
  const hourUs = 3_600_000_000;
  const [first, second, third, fourth] = (await site.upload('leapt')).map((file, n) =>
    n < 2 ? file : { ...file, ref: { ...file.ref, startUs: file.ref.startUs + hourUs } },
  );
  if (first === undefined || second === undefined || third === undefined || fourth === undefined)
    throw new Error('four segments');
  const ready = readyOf([first, second, third, fourth], { camera: 'leapt' });
  expect((await call(ready)).body).toMatchObject({ outcome: 'stored', complete: false });
  const receipt = await receiptOf(store, ready);
  expect(receipt.parts?.map(({ video }) => video.packets)).toEqual([100, 100]);
  for (const { durationMs } of receipt.parts ?? []) expect(Math.abs(durationMs - 4000)).toBeLessThan(200);
  const endOf = ({ startUs, durationUs }: typeof first.ref): number => startUs + durationUs;
  const [gap, ...others] = receipt.gaps;
  expect(others).toEqual([]);
  expect(gap).toMatchObject({ cause: 'camera-lost', toUs: third.ref.startUs });
  expect(Math.abs((gap?.fromUs ?? 0) - endOf(second.ref))).toBeLessThan(50_000);
  expect(receipt.parts?.map(({ delivered }) => delivered.fromUs)).toEqual([
    first.ref.startUs,
    third.ref.startUs,
  ]);
  // What stands beside it shows the footage, not the hour.
  expect(receipt.strip).toMatchObject({ count: 8, everyMs: 1000 });
  await vi.waitFor(() => expect(site.announced).toHaveLength(1));
  expect(site.announced[0]).toMatchObject({ complete: false, gaps: receipt.gaps });
});
