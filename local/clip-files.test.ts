import { manifestOf } from '@faascam/core/event-fixture';
import { eventKey, type EventObject } from '@faascam/core/ids';
import { describe, expect, test } from 'vitest';
import { clipFilesOf, clipKindsOf } from './clip-files.ts';

const bytes = Buffer.from('bytes');
const plain = manifestOf({ camera: 'yard', startUs: 1_780_000_000_000_000, clip: bytes, snapshot: bytes });
const { id } = plain.event;
const video = (name: EventObject) => ({
  ...{ key: eventKey(id, name), sha256: 'ab'.repeat(32), sizeBytes: 5, durationMs: 1000 },
  video: { codec: 'h264', width: 320, height: 240, packets: 25 },
});
const namesOf = (receipt: typeof plain, what: string): string[] =>
  clipFilesOf(receipt, clipKindsOf(what)).map(({ name }) => name);

describe('the files of an event', () => {
  test('are its clip alone where nothing else is asked for', () => {
    expect(namesOf(plain, 'clip')).toEqual([`${id}.mp4`]);
    expect(namesOf(plain, 'h264,preview,strip')).toEqual([]);
  });

  test('are all that its receipt names, each under a name of its own that tells its part', () => {
    const span = { fromUs: 1, toUs: 2 };
    const receipt = {
      ...plain,
      parts: (['clip.mp4', 'clip-2.mp4'] as const).map((name) => ({ ...video(name), delivered: span })),
      // The first part needs none.
      renditions: [video('clip-h264-2.mp4')],
      preview: { ...video('preview.mp4'), width: 320, height: 240 },
    };
    expect(namesOf(receipt, 'all')).toEqual([
      `${id}.mp4`,
      `${id}-2.mp4`,
      `${id}-2.h264.mp4`,
      `${id}.preview.mp4`,
      `${id}.jpg`,
      `${id}.json`,
    ]);
    expect(namesOf(receipt, 'receipt, h264')).toEqual([`${id}-2.h264.mp4`, `${id}.json`]);
  });

  test('cannot be of a kind that there is not', () => {
    expect(() => clipKindsOf('clip,video')).toThrow(
      '--what clip,video: "video" is none of clip, h264, preview, strip, snapshot, receipt',
    );
    expect(() => clipKindsOf('')).toThrow('is none of');
  });
});
