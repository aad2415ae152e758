import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assemble } from './assemble.ts';
import { encodeH264 } from './rendition.ts';
import { beepsAfterFlashes, beepsAndFlashes } from './testing/beeps.ts';
import { hasEncoder, record, type Recording } from './testing/recording.ts';

const noAbort = new AbortController().signal;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'faascam-sound-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

const SECONDS = 8;
const sounds = [
  { name: 'AAC', audio: ['-c:a', 'aac', '-b:a', '64k'], rate: 16_000, encoder: 'aac' },
  { name: 'G.711', audio: ['-c:a', 'pcm_mulaw'], rate: 8000, encoder: 'pcm_mulaw' },
  { name: 'G.726', audio: ['-c:a', 'g726', '-b:a', '32k'], rate: 8000, encoder: 'g726' },
  { name: 'PCM', audio: ['-c:a', 'pcm_s16le'], rate: 16_000, encoder: 'pcm_s16le' },
  { name: 'MP3', audio: ['-c:a', 'libmp3lame'], rate: 16_000, encoder: 'libmp3lame' },
  { name: 'Opus', audio: ['-c:a', 'libopus'], rate: 16_000, encoder: 'libopus' },
];
const known = await Promise.all(
  sounds.map(async (each) => ({ ...each, has: await hasEncoder(each.encoder) })),
);

describe.each(known.filter(({ has }) => has))('$name', ({ name, audio, rate }) => {
  let recording: Recording;
  /** Of the segments, as they came. */
  let offset: number;

  beforeAll(async () => {
    recording = await newRecording();
    offset = middle(await beepsAfterFlashes(recording.segments[1]?.path ?? ''));
  });

  test('stays in step with the picture through a hole, a reconnect, and a clock set back', async () => {
    const [first, , third, fourth] = recording.segments;
    const { originUs } = recording;
    // Its files begin at 0 again, and its clock is a second behind.
    const again = await newRecording(originUs + (SECONDS - 1) * 1_000_000, true);
    const later = await newRecording(originUs + 30_000_000, true);
    const files = [first, third, fourth, ...again.segments, ...later.segments].filter(
      (segment) => segment !== undefined,
    );
    const directory = await mkdtemp(join(folder, 'clip-'));
    const { clips, damaged } = await assemble(files, directory, noAbort);
    expect(damaged).toEqual([]);
    const [clip] = clips;
    if (clip === undefined || clips.length > 1) throw new Error('one clip');
    const offsets = await beepsAfterFlashes(clip.path);
    // One a second, but for what is missing.
    expect(offsets.length).toBe(3 * SECONDS - 2);
    for (const each of offsets) expect(Math.abs(each - offset)).toBeLessThanOrEqual(0.02);

    if (name !== 'AAC') return;
    const rendition = await encodeH264({ clip, pictures: clip.video.packets }, 0, directory, noAbort);
    const encoded = await beepsAfterFlashes(rendition.path);
    expect(encoded.length).toBe(offsets.length);
    for (const each of encoded) expect(Math.abs(each - offset)).toBeLessThanOrEqual(0.02);
  });

  async function newRecording(originUs?: number, resetTimestamps = false): Promise<Recording> {
    return await record({
      directory: await mkdtemp(join(folder, 'recording-')),
      seconds: SECONDS,
      video: ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '25', '-bf', '0'],
      audio,
      ...beepsAndFlashes(SECONDS, rate),
      resetTimestamps,
      ...(originUs === undefined ? {} : { originUs }),
    });
  }
});

function middle(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
