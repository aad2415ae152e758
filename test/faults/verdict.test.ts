import { describe, expect, test } from 'vitest';
import type { Manifest } from '@faascam/core/clip-messages';
import { storedClip, wantedClip } from '@faascam/edge-agent/test-site';
import { overlapping, verdictOf, type Evidence } from './verdict.ts';

const wanted = wantedClip('yard', 1_700_000_000_000_000, 1_700_000_005_000_000);
const folder = `yard/2023/11/14/${wanted.eventId}`;
const clip = { key: `${folder}/clip.mp4`, sha256: 'a'.repeat(64) };
const fine = { lost: false, duplicate: false, causes: [], faults: [] };

function receipt(more: Partial<Manifest> = {}): Manifest {
  const { fromUs, toUs } = wanted;
  return {
    ...{ v: 1, event: wanted.event, agent: 'edge', requested: { fromUs, toUs }, gaps: [], segments: [] },
    ...{ complete: true, storedAtUs: toUs, software: '0' },
    clip: {
      ...{ ...clip, sizeBytes: 1, durationMs: 5000 },
      video: { codec: 'h264', width: 320, height: 180, packets: 50 },
    },
    ...more,
  };
}

function evidence(more: Partial<Evidence> = {}): Evidence {
  return {
    ...{ wanted, receipt: receipt(), keys: [clip.key, `${folder}/event.json`], receiptsTaken: 1 },
    ...{ digests: new Map([[clip.key, clip.sha256]]), announced: [storedClip(wanted), storedClip(wanted)] },
    ...more,
  };
}

describe('the verdict on an event', () => {
  test('is fine for one clip that is what its receipt says, however often it was announced', () => {
    expect(verdictOf(evidence(), new Set())).toEqual(fine);
  });

  test('is lost without a receipt, and duplicate when two clips were announced or two receipts taken', () => {
    expect(verdictOf(evidence({ receipt: undefined }), new Set())).toMatchObject({ lost: true });
    const other = { ...storedClip(wanted), clipSha256: 'b'.repeat(64) };
    const announced = [storedClip(wanted), other];
    expect(verdictOf(evidence({ announced }), new Set())).toMatchObject({ duplicate: true });
    expect(verdictOf(evidence({ receiptsTaken: 2 }), new Set())).toMatchObject({ duplicate: true });
  });

  test('names a gap that the fault does not explain, and a clip that is missing, another, or in no receipt', () => {
    const { fromUs, toUs } = wanted;
    const gap = receipt({ complete: false, gaps: [{ fromUs, toUs, cause: 'evicted' }] });
    expect(verdictOf(evidence({ receipt: gap }), new Set(['evicted']))).toEqual({
      ...fine,
      causes: ['evicted'],
    });
    expect(verdictOf(evidence({ receipt: gap }), new Set(['camera-lost'])).faults).toEqual([
      'a gap is said to be evicted',
    ]);
    expect(verdictOf(evidence({ digests: new Map() }), new Set()).faults).toEqual([`${clip.key} is missing`]);
    const digests = new Map([[clip.key, 'c'.repeat(64)]]);
    expect(verdictOf(evidence({ digests }), new Set()).faults).toHaveLength(1);
    const keys = [...evidence().keys, `${folder}/clip-2.mp4`];
    expect(verdictOf(evidence({ keys }), new Set()).faults).toEqual([
      `${folder}/clip-2.mp4 is in no receipt`,
    ]);
  });
});

test('events of one camera that share time are the same told twice; those that touch are not', () => {
  const at = (from: number, to: number, camera = 'yard') =>
    wantedClip(camera, 1e15 + from * 1e6, 1e15 + to * 1e6).event;
  expect(overlapping([at(0, 5), at(5, 9), at(2, 3, 'gate')])).toEqual([]);
  expect(overlapping([at(4, 9), at(0, 5)])).toEqual([[at(0, 5).id, at(4, 9).id]]);
});
