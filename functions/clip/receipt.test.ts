import { clipStored, manifest as manifestSchema } from '@faascam/core/clip-messages';
import { expect, test } from 'vitest';
import type { Clip } from './assemble.ts';
import { manifestOf, metadataOf, storedOf } from './receipt.ts';
import type { SegmentFile } from './segment.ts';
import { readyOf } from './testing/ready.ts';

const startUs = 1_767_323_045_000_006;
const files: SegmentFile[] = [0, 1, 2, 3].map((index) => ({
  path: `/tmp/${index}.mkv`,
  ref: {
    object: `segment-${index}`,
    sha256: String(index).repeat(64),
    sizeBytes: 1000,
    startUs: startUs + index * 2_000_000,
    durationUs: 2_000_000,
  },
}));
const clip: Clip = {
  path: '/tmp/clip.mp4',
  sha256: 'c'.repeat(64),
  sizeBytes: 4000,
  durationMs: 8000,
  video: { codec: 'h264', width: 320, height: 240, packets: 200 },
  frames: [],
  delivered: files.map(({ ref }) => ({ fromUs: ref.startUs, toUs: ref.startUs + ref.durationUs })),
  longestIntervalUs: 40_000,
  usualIntervalUs: 40_000,
  playsEverywhere: true,
  segments: [],
};
const ready = readyOf(files);
const sha256 = 'e'.repeat(64);

test('a whole clip has a complete receipt, from first to last picture, without gaps', () => {
  const receipt = manifestOf(ready, { clips: [clip], damaged: [] }, startUs);
  expect(receipt).toMatchObject({
    complete: true,
    gaps: [],
    requested: { fromUs: ready.fromUs, toUs: ready.toUs },
    delivered: { fromUs: startUs, toUs: startUs + 8_000_000 },
  });
  expect(receipt.clip?.key).toMatch(/^yard\/2026\/01\/02\/yard-[^/]+\/clip\.mp4$/);
  expect(manifestSchema.parse(receipt)).toEqual(receipt);
});

test('a clip that does not reach to the ends of the window is incomplete and says where', () => {
  const receipt = manifestOf(
    readyOf(files, { toUs: startUs + 9_000_000 }),
    { clips: [clip], damaged: [] },
    startUs,
  );
  expect(receipt.complete).toBe(false);
  expect(receipt.gaps).toEqual([
    { fromUs: startUs + 8_000_000, toUs: startUs + 9_000_000, cause: 'camera-lost' },
  ]);
});

test('a freeze does not excuse that the end of the window is missing', () => {
  const toUs = startUs + 22_000_000;
  const frozen = { ...clip, longestIntervalUs: 8_000_000 };
  const receipt = manifestOf(readyOf(files, { toUs }), { clips: [frozen], damaged: [] }, startUs);
  expect(receipt).toMatchObject({
    complete: false,
    gaps: [{ fromUs: startUs + 8_000_000, toUs, cause: 'camera-lost' }],
  });
});

test('a damaged segment makes the receipt incomplete although it is in the clip', () => {
  const damaged = files.slice(1, 2).map(({ ref }) => ({ ref, why: 'bits  in\n/tmp/x/1.mkv' }));
  const receipt = manifestOf(ready, { clips: [clip], damaged }, startUs);
  expect(receipt.complete).toBe(false);
  expect(receipt.gaps).toEqual([
    { fromUs: startUs + 2_000_000, toUs: startUs + 4_000_000, cause: 'damaged' },
  ]);
  expect(receipt.faults).toEqual([{ of: 'segment', object: 'segment-1', why: 'bits in 1.mkv' }]);
});

test('without footage the receipt has neither clip nor delivered window, and never claims to be complete', () => {
  const gaps = [{ fromUs: startUs, toUs: startUs + 5_000_000, cause: 'agent-stopped' as const }];
  const receipt = manifestOf(readyOf([], { fromUs: startUs, gaps }), { clips: [], damaged: [] }, startUs);
  expect(receipt).toMatchObject({ complete: false, gaps, segments: [] });
  expect(receipt).not.toHaveProperty('clip');
  expect(receipt).not.toHaveProperty('delivered');
  expect(Object.keys(storedOf({ manifest: receipt, sha256 }).keys)).toEqual(['manifest']);
});

test('the announcement says what the receipt says, and passes its own schema', () => {
  const snapshot = { atUs: startUs, width: 320, height: 240, objects: [], sha256, cleanSha256: sha256 };
  const receipt = manifestOf(ready, { clips: [clip], damaged: [], snapshot }, startUs);
  const stored = storedOf({ manifest: receipt, sha256 });
  expect(clipStored.parse(stored)).toEqual(stored);
  expect(stored).toMatchObject({
    eventId: ready.eventId,
    camera: 'yard',
    receiptSha256: sha256,
    clipSha256: clip.sha256,
    keys: {
      clip: receipt.clip?.key,
      snapshot: receipt.snapshot?.key,
      cleanSnapshot: receipt.snapshot?.cleanKey,
    },
    requested: receipt.requested,
    delivered: receipt.delivered,
    complete: true,
  });
});

test('the announcement of footage that somebody asked for says so', () => {
  const exported = { by: 'olga', atUs: startUs };
  const asked = { ...ready, event: { ...ready.event, exported } };
  const receipt = manifestOf(asked, { clips: [clip], damaged: [] }, startUs);
  const stored = storedOf({ manifest: receipt, sha256 });
  expect(stored.exported).toBe(true);
  expect(clipStored.parse(stored)).toEqual(stored);
});

test('a footage of several parts has all of them with their windows, and the first is the clip', () => {
  const [first, second] = [clip.delivered.slice(0, 2), clip.delivered.slice(2)];
  const clips = [
    { ...clip, delivered: first },
    { ...clip, delivered: second, sha256: 'd'.repeat(64) },
  ];
  const receipt = manifestOf(ready, { clips, damaged: [] }, startUs);
  expect(manifestSchema.parse(receipt)).toEqual(receipt);
  expect(receipt).toMatchObject({ complete: true, gaps: [], delivered: { toUs: startUs + 8_000_000 } });
  expect(receipt.parts?.map(({ key, delivered }) => [key.replace(/.*\//, ''), delivered])).toEqual([
    ['clip.mp4', { fromUs: startUs, toUs: startUs + 4_000_000 }],
    ['clip-2.mp4', { fromUs: startUs + 4_000_000, toUs: startUs + 8_000_000 }],
  ]);
  expect(receipt.clip?.sha256).toBe(clip.sha256);
  expect(storedOf({ manifest: receipt, sha256 }).keys.parts).toEqual(receipt.parts?.map(({ key }) => key));
});

test('who made it, when and after how many offers is in the receipt, as far as the agent says it', () => {
  const offer = { attempt: 3, wantedAtUs: 1, pinnedAtUs: 2, offeredAtUs: 3 };
  const told = { ...ready, offer, madeBy: { software: '9.9', configRevision: 'abc' } };
  const versions = { node: 'v20', ffmpeg: '5.1' };
  const timings = { startedAtUs: 4, fetchedAtUs: 5, assembledAtUs: 6, checkedAtUs: 7 };
  const receipt = manifestOf(told, { clips: [clip], damaged: [], versions, timings }, startUs);
  expect(manifestSchema.parse(receipt)).toEqual(receipt);
  expect(receipt).toMatchObject({
    attempts: 3,
    madeBy: { agent: '9.9', configRevision: 'abc', ...versions },
    timings: { wantedAtUs: 1, pinnedAtUs: 2, offeredAtUs: 3, ...timings },
  });
});

test('metadata is plain ASCII whatever labels a model has', () => {
  const event = { ...ready.event, labels: ['person', 'Füßgänger, 行人'] };
  const metadata = metadataOf({ event }, 'a'.repeat(64));
  expect(metadata).toMatchObject({
    camera: 'yard',
    'event-id': ready.eventId,
    start: '2026-01-02T03:04:06.100Z',
  });
  for (const value of Object.values(metadata)) expect(value).toMatch(/^[!-~]([ -~]*[!-~])?$/);
});
