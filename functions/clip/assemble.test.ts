import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assemble, extractFrame, type Clip } from './assemble.ts';
import { without } from './coverage.ts';
import { decode } from './ffmpeg.ts';
import { lookThrough } from './look.ts';
import type { SegmentFile } from './segment.ts';
import { noPictures } from './testing/no-pictures.ts';
import { packetsOf } from './testing/packets.ts';
import { hasEncoder, record, type Recording, type RecordingOptions } from './testing/recording.ts';
import { nearestFrame } from './timeline.ts';

const noAbort = new AbortController().signal;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'faascam-assemble-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

const x264 = ['-c:v', 'libx264', '-preset', 'veryfast', '-g', '25'];
const x265 = ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=error:keyint=25'];

const cameras: { name: string; options: Omit<RecordingOptions, 'directory' | 'seconds'>; sound?: string }[] =
  [
    { name: 'H.264', options: { video: [...x264, '-bf', '0'] } },
    {
      name: 'H.264, times begun anew',
      options: { video: [...x264, '-bf', '0'], resetTimestamps: true },
    },
    { name: 'H.264 with B-frames', options: { video: [...x264, '-bf', '2'] } },
    {
      name: 'B-frames, times begun anew, AAC',
      options: { video: [...x264, '-bf', '3'], audio: ['-c:a', 'aac'], resetTimestamps: true },
      sound: 'aac',
    },
    {
      name: 'H.264 with AAC',
      options: { video: [...x264, '-bf', '0'], audio: ['-c:a', 'aac'] },
      sound: 'aac',
    },
    {
      name: 'H.264 with G.711 A-law',
      options: { video: [...x264, '-bf', '0'], audio: ['-c:a', 'pcm_alaw'] },
      sound: 'aac',
    },
    {
      name: 'H.264 with Opus',
      options: { video: [...x264, '-bf', '2'], audio: ['-c:a', 'libopus'] },
      sound: 'opus',
    },
    {
      name: 'H.264 with uneven B-frames',
      options: { video: [...x264, '-bf', '2'], filter: "setpts='PTS+(mod(N*7,5)-2)*0.006/TB'" },
    },
    { name: 'MJPEG', options: { video: ['-c:v', 'mjpeg', '-q:v', '8'] } },
    { name: 'HEVC with an open GOP', options: { video: x265 } },
    { name: 'MPEG-4', options: { video: ['-c:v', 'mpeg4', '-g', '25'] } },
    {
      name: 'AV1',
      options: { video: ['-c:v', 'libaom-av1', '-cpu-used', '8', '-usage', 'realtime', '-g', '25'] },
    },
    {
      name: 'VP9',
      options: { video: ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-g', '25'] },
    },
  ];

const encoders = new Map([
  ['AV1', await hasEncoder('libaom-av1')],
  ['VP9', await hasEncoder('libvpx-vp9')],
]);
const hasHevc = await hasEncoder('libx265');
const hasOpus = await hasEncoder('libopus');
const testable = cameras.filter(
  ({ name }) =>
    (hasHevc || !name.includes('HEVC')) &&
    (hasOpus || !name.includes('Opus')) &&
    encoders.get(name) !== false,
);

describe.each(testable)('a clip of $name', ({ options, sound }) => {
  let recording: Recording;
  let clip: Clip;

  beforeAll(async () => {
    recording = await recordNew(options);
    clip = await assembled(recording.segments);
  });

  test('has every packet of its segments, unchanged and in order, the first a keyframe', async () => {
    const { video } = await packetsOf(clip.path);
    expect(video.map((packet) => packet.data_hash)).toEqual(
      recording.video.map((packet) => packet.data_hash),
    );
    expect(video[0]?.flags).toMatch(/^K/);
    expect(clip.video.packets).toBe(recording.video.length);
  });

  test('shows every picture at its capture time, from its beginning on', async () => {
    const { video } = await packetsOf(clip.path);
    const [first] = video;
    expect(first?.pts_time).toBeLessThan(150_000);
    for (const [index, packet] of video.entries()) {
      const sinceFirst = (packet.pts_time ?? 0) - (first?.pts_time ?? 0);
      const captured = (recording.video[index]?.pts_time ?? 0) - (recording.video[0]?.pts_time ?? 0);
      expect(Math.abs(sinceFirst - captured)).toBeLessThanOrEqual(2000);
    }
    const shown = video.map((packet) => packet.pts_time ?? 0).sort((a, b) => a - b);
    expect(new Set(shown).size).toBe(shown.length);
  });

  test('plays to its end', async () => {
    expect(await decode(clip.path, noAbort)).toEqual({ frames: recording.video.length, complaints: [] });
    expect(clip.durationMs).toBeGreaterThan(7900);
    expect(clip.durationMs).toBeLessThan(8300);
    expect(clip.video).toMatchObject({ width: 320, height: 240 });
  });

  test('is named as players look for it', async () => {
    // Of H.265, phones and browsers of one maker take no other name.
    const names = new Map([
      ['h264', 'avc1'],
      ['hevc', 'hvc1'],
      ['av1', 'av01'],
      ['vp9', 'vp09'],
    ]);
    const bytes = await readFile(clip.path);
    const index = bytes.subarray(0, bytes.indexOf('mdat'));
    // In the movie's box of sample descriptions, behind its version and count, and the first one's length.
    const at = index.indexOf('stsd') + 16;
    expect(index.toString('latin1', at, at + 4)).toBe(names.get(clip.video.codec) ?? 'mp4v');
  });

  test('has its sound, in step with its pictures', async () => {
    expect(clip.audio?.codec).toBe(sound);
    if (sound === undefined) return;
    const { video, audio } = await packetsOf(clip.path);
    if (audio.length === recording.audio.length) {
      expect(audio.map((packet) => packet.data_hash)).toEqual(
        recording.audio.map((packet) => packet.data_hash),
      );
    }
    const lead = (audio[0]?.pts_time ?? 0) - (video[0]?.pts_time ?? 0);
    const leadAtCapture = (recording.audio[0]?.pts_time ?? 0) - (recording.video[0]?.pts_time ?? 0);
    // An AAC encoder begins with 1024 samples of its own: 128 ms at 8 kHz.
    expect(Math.abs(lead - leadAtCapture)).toBeLessThanOrEqual(130_000);
    const last = audio.at(-1);
    expect((last?.pts_time ?? 0) + (last?.duration_time ?? 0)).toBeGreaterThan(7_800_000);
  });

  test('is the same file when it is made again', async () => {
    const again = await assembled(recording.segments);
    expect(again.sha256).toBe(clip.sha256);
    expect((await readFile(again.path)).equals(await readFile(clip.path))).toBe(true);
  });
});

test('a camera that froze for some seconds within a segment has not delivered them', async () => {
  const video = [...x264, '-bf', '2'];
  const { segments } = await recordNew({ video, filter: "setpts='PTS+if(gt(N,60),5,0)/TB'" });
  const { delivered, usualIntervalUs } = await assembled(segments);
  const holes = without({ fromUs: delivered[0]?.fromUs ?? 0, toUs: delivered.at(-1)?.toUs ?? 0 }, delivered);
  const long = holes.filter(({ fromUs, toUs }) => toUs - fromUs > 4 * usualIntervalUs);
  expect(long.map(({ fromUs, toUs }) => Math.round((toUs - fromUs) / 1_000_000))).toEqual([5]);
});

describe.each(
  [
    { name: 'H.264 with B-frames and AAC', video: [...x264, '-bf', '2'], audio: ['-c:a', 'aac'] },
    { name: 'H.264 with G.711', video: [...x264, '-bf', '0'], audio: ['-c:a', 'pcm_mulaw'] },
    { name: 'HEVC with an open GOP', video: x265, audio: undefined },
  ].filter(({ name }) => hasHevc || !name.includes('HEVC')),
)('when footage is missing in the middle of $name', ({ video, audio }) => {
  test('the last picture stands until the footage goes on, at its true time', async () => {
    const recording = await recordNew({ video, ...(audio === undefined ? {} : { audio }) });
    const [first, , third, fourth] = recording.segments;
    const clip = await assembled([first, third, fourth].filter((segment) => segment !== undefined));
    const tracks = await packetsOf(clip.path);
    const missing = clip.frames.find((frame) => frame.capturedAtUs >= (third?.ref.startUs ?? 0));
    const origin = clip.frames[0];
    expect((missing?.clipUs ?? 0) - (origin?.clipUs ?? 0)).toBe(
      (third?.ref.startUs ?? 0) - (first?.ref.startUs ?? 0),
    );
    for (const frame of clip.frames) {
      expect(tracks.video.some((packet) => Math.abs((packet.pts_time ?? 0) - frame.clipUs) <= 2000)).toBe(
        true,
      );
    }
    expect(clip.durationMs).toBeGreaterThan(7900);
    if (audio !== undefined) {
      const last = tracks.audio.at(-1);
      const soundEndUs = (last?.pts_time ?? 0) + (last?.duration_time ?? 0);
      expect(Math.abs(soundEndUs - clip.durationMs * 1000)).toBeLessThan(300_000);
    }
  });
});

test('segments whose times overlap are laid end to end without losing a packet', async () => {
  const recording = await recordNew({ video: [...x264, '-bf', '2'], audio: ['-c:a', 'aac'] });
  const files = recording.segments.map((segment, index) => ({
    ...segment,
    ref: { ...segment.ref, startUs: segment.ref.startUs - index * 30_000 },
  }));
  const clip = await assembled(files);
  const { video } = await packetsOf(clip.path);
  expect(video.map((packet) => packet.data_hash)).toEqual(recording.video.map((packet) => packet.data_hash));
});

test('a segment that cannot be read is left out and named', async () => {
  const recording = await recordNew({ video: [...x264, '-bf', '0'] });
  const broken = recording.segments[1];
  await writeFile(broken?.path ?? '', 'not a segment');
  const { clips, damaged } = await assemble(recording.segments, await emptyFolder(), noAbort);
  expect(damaged.map(({ ref }) => ref.object)).toEqual([broken?.ref.object]);
  expect(clips[0]?.delivered).toHaveLength(recording.segments.length - 1);
});

test('a segment with damaged pictures stays in the clip and is named', async () => {
  const recording = await recordNew({ video: [...x264, '-bf', '0'] });
  const hurt = recording.segments[2];
  // In the middle of the keyframe.
  await overwrite(hurt?.path ?? '', 0.05, 300);
  const clip = await assembled(recording.segments);
  expect(clip.delivered).toHaveLength(recording.segments.length);
  const { damaged } = await lookThrough(clip, await emptyFolder(), noPictures, noAbort);
  expect(damaged.map(({ ref }) => ref.object)).toEqual([hurt?.ref.object]);
});

test('of a segment whose structure is damaged the clip has what ffmpeg can save, and it is named', async () => {
  const recording = await recordNew({ video: [...x264, '-bf', '0'] });
  const hurt = recording.segments[1];
  // All of several packets, heads included.
  await overwrite(hurt?.path ?? '', 0.3, 20_000);
  const { clips, damaged } = await assemble(recording.segments, await emptyFolder(), noAbort);
  expect(damaged.map(({ ref }) => ref.object)).toEqual([hurt?.ref.object]);
  expect(clips[0]?.video.packets).toBeGreaterThan(recording.video.length - 50);
  expect(clips[0]?.video.packets).toBeLessThan(recording.video.length);
});

test('a segment whose end a crash cut off gives what it has', async () => {
  const recording = await recordNew({ video: [...x264, '-bf', '0'] });
  const last = recording.segments.at(-1);
  const { length } = await readFile(last?.path ?? '');
  await truncate(last?.path ?? '', Math.floor(length * 0.6));
  const clip = await assembled(recording.segments);
  expect(clip.video.packets).toBeGreaterThan(150);
  expect(clip.video.packets).toBeLessThan(200);
  expect((await decode(clip.path, noAbort)).complaints).toEqual([]);
});

test('without a usable segment there is no clip, and no error', async () => {
  const path = join(await emptyFolder(), 'x.mkv');
  await writeFile(path, 'x');
  const file = {
    path,
    ref: { object: 'x', sha256: '0'.repeat(64), sizeBytes: 1, startUs: 0, durationUs: 1 },
  };
  expect(await assemble([file], await emptyFolder(), noAbort)).toMatchObject({
    clips: [],
    damaged: [{ ref: file.ref }],
  });
  expect(await assemble([], await emptyFolder(), noAbort)).toEqual({ clips: [], damaged: [] });
});

test('an aborted assembly ends without a clip', async () => {
  const recording = await recordNew({ video: [...x264, '-bf', '0'] });
  const abort = new AbortController();
  const assembly = assemble(recording.segments, await emptyFolder(), abort.signal);
  abort.abort(new Error('closing'));
  await expect(assembly).rejects.toThrow();
});

test.each([
  { name: 'without B-frames', video: [...x264, '-bf', '0'] },
  { name: 'with B-frames', video: [...x264, '-bf', '2'] },
])('the picture taken from a clip $name is exactly the one asked for', async ({ video }) => {
  // Picture n is a plain grey of its own, so that it can be told by its brightness.
  const recording = await recordNew({
    video: [...video, '-crf', '1'],
    filter: 'geq=lum=16+mod(N*4\\,219):cb=128:cr=128',
    audio: ['-c:a', 'aac'],
  });
  const clip = await assembled(recording.segments.slice(1));
  for (const index of [0, 1, 2, 24, 25, 26, 77, 148, 149]) {
    const frame = clip.frames[index];
    if (frame === undefined) throw new Error(`no picture ${index}`);
    const nearest = nearestFrame(clip.frames, frame.capturedAtUs + 15_000);
    expect(nearest).toEqual(frame);
    const output = join(folder, `frame-${index}.png`);
    await extractFrame(clip, frame.clipUs, output, noAbort);
    const { channels } = await sharp(output).greyscale().stats();
    const number = Math.round(
      (frame.capturedAtUs - recording.originUs - (recording.video[0]?.pts_time ?? 0)) / 40_000,
    );
    const expected = (((number * 4) % 219) * 255) / 219;
    expect(Math.abs((channels[0]?.mean ?? 0) - expected)).toBeLessThan(2);
    await rm(output);
  }
});

async function recordNew(
  options: Omit<RecordingOptions, 'directory' | 'seconds'>,
  seconds = 8,
): Promise<Recording> {
  return await record({ ...options, directory: await emptyFolder(), seconds });
}

async function assembled(files: SegmentFile[]): Promise<Clip> {
  const { clips, damaged } = await assemble(files, await emptyFolder(), noAbort);
  expect(damaged).toEqual([]);
  const [clip] = clips;
  if (clip === undefined) throw new Error('no clip');
  return clip;
}

async function emptyFolder(): Promise<string> {
  return await mkdtemp(join(folder, 'a-'));
}

async function overwrite(path: string, from: number, length: number): Promise<void> {
  const bytes = await readFile(path);
  const at = Math.floor(bytes.length * from);
  bytes.fill(0x55, at, at + length);
  await writeFile(path, bytes);
}
