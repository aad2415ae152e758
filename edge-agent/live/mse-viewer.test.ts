import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { makeVideo, packetsOf, type Packet } from '../capture/test-video.ts';
import type { LivePacket } from './live-stream.ts';
import { MatroskaPackets, type StreamStart } from './matroska-stream.ts';
import { FOREIGN_CODEC, MseViewer } from './mse-viewer.ts';

const run = promisify(execFile);
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-mse-'));
});

afterAll(async () => {
  await rm(directory, { recursive: true });
});

const PICTURES = ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=10:duration=4'];
const SOUND = ['-f', 'lavfi', '-i', 'sine=sample_rate=44100:duration=4'];
const H264 = [
  '-c:v',
  'libx264',
  '-preset',
  'ultrafast',
  '-level:v',
  '1.2',
  '-pix_fmt',
  'yuv420p',
  '-g',
  '10',
];
const B_FRAMES = [
  '-c:v',
  'libx264',
  '-preset',
  'veryfast',
  '-level:v',
  '1.2',
  '-pix_fmt',
  'yuv420p',
  '-g',
  '20',
  '-bf',
  '2',
];
const H265 = ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=none:bframes=2'];

async function recorded(name: string, codecs: readonly string[]): Promise<string> {
  const path = join(directory, `${name}.mkv`);
  await makeVideo(...PICTURES, ...SOUND, ...codecs, path);
  return path;
}

const message = z.looseObject({ type: z.string() });

/** What a viewer is sent of a recording: its messages, and all bytes one after the other. */
async function sentOf(
  path: string,
  options: { sound: boolean; soundFromUs?: number },
): Promise<{ told: z.infer<typeof message>[]; bytes: Buffer; closed: [number, string] | undefined }> {
  const told: z.infer<typeof message>[] = [];
  const bytes: Buffer[] = [];
  let closed: [number, string] | undefined;
  const socket = {
    bufferedAmount: 0,
    send: (data: string | Buffer) => {
      if (typeof data === 'string') told.push(message.parse(JSON.parse(data)));
      else bytes.push(data);
    },
    close: (code: number, reason: string) => (closed = [code, reason]),
  };
  const viewer = new MseViewer(socket, 'yard', options);
  const { start, packets } = await readMatroska(path);
  viewer.begin({ ...start, capturedAtUs: (streamUs) => 1_000_000 + streamUs });
  for (const packet of packets)
    if (packet.kind === 'video' || packet.streamUs >= (options.soundFromUs ?? 0)) viewer.packet(packet);
  viewer.end();
  return { told, bytes: Buffer.concat(bytes), closed };
}

async function readMatroska(path: string): Promise<{ start: StreamStart; packets: LivePacket[] }> {
  const reader = new MatroskaPackets();
  const packets = reader.push(await readFile(path));
  if (reader.start === undefined) throw new Error('no head was read');
  return { start: reader.start, packets };
}

/** The names of the boxes side by side, whose lengths must add up. */
function boxesOf(bytes: Buffer): string[] {
  const names: string[] = [];
  let at = 0;
  while (at < bytes.length) {
    names.push(bytes.toString('latin1', at + 4, at + 8));
    at += bytes.readUInt32BE(at);
  }
  expect(at).toBe(bytes.length);
  return names;
}

/** The times of packets in ms since a moment, by what they are. */
function timesOf(packets: readonly Packet[], sinceUs: number): Map<string, number> {
  return new Map(packets.map(({ dataHash, ptsUs = 0 }) => [dataHash, (ptsUs - sinceUs) / 1000]));
}

describe('fragmented MP4 of what a camera sends', () => {
  test.each([
    ['h264-aac', [...H264, '-c:a', 'aac'], 'AAC', /^video\/mp4; codecs="avc1\.42c00c, mp4a\.40\.2"$/],
    ['b-frames-aac', [...B_FRAMES, '-c:a', 'aac', '-ar', '16000'], 'AAC', /"avc1\.64000c, mp4a\.40\.2"$/],
    ['h265-aac', [...H265, '-c:a', 'aac', '-ar', '48000'], 'AAC', /"hvc1\.1\.6\.L60\.90, mp4a\.40\.2"$/],
    ['opus', [...H264, '-c:a', 'libopus'], 'Opus', /"avc1\.42c00c, opus"$/],
  ])('%s has every packet as it was recorded, at its time', async (name, codecs, soundCodec, mime) => {
    const path = await recorded(name, codecs);
    const { told, bytes } = await sentOf(path, { sound: true });
    expect(told[0]).toMatchObject({ type: 'stream', width: 320, height: 180, sound: 'plays', soundCodec });
    expect(told[0]?.['mime']).toMatch(mime);
    expect(told[1]).toMatchObject({ type: 'time', ms: 500 });
    expect(told.at(-1)).toEqual({ type: 'end' });
    const boxes = boxesOf(bytes);
    expect(boxes.slice(0, 4)).toEqual(['ftyp', 'moov', 'moof', 'mdat']);

    const out = join(directory, `${name}.mp4`);
    await writeFile(out, bytes);
    await run('ffmpeg', ['-v', 'error', '-xerror', '-i', out, '-f', 'null', '-']);
    const [pictures, sent] = [await packetsOf(path), await packetsOf(out)];
    const begunUs = pictures[0]?.ptsUs ?? 0;
    expect(sent.map(({ keyframe, dataHash }) => [keyframe, dataHash])).toEqual(
      pictures.map(({ keyframe, dataHash }) => [keyframe, dataHash]),
    );
    const recordedTimes = timesOf(pictures, begunUs);
    for (const [hash, ms] of timesOf(sent, sent[0]?.ptsUs ?? 0))
      expect(Math.abs(ms - (recordedTimes.get(hash) ?? Infinity))).toBeLessThan(1.1);

    const [sounds, sentSounds] = [await packetsOf(path, 'a:0'), await packetsOf(out, 'a:0')];
    const soundTimes = timesOf(sounds, begunUs);
    expect(sentSounds.length).toBeGreaterThanOrEqual(sounds.length - 2);
    expect(sounds.length).toBeGreaterThan(50);
    for (const [hash, ms] of timesOf(sentSounds, sent[0]?.ptsUs ?? 0))
      expect(Math.abs(ms - (soundTimes.get(hash) ?? Infinity))).toBeLessThan(41);
  });

  test('whoever does not ask for sound gets pictures alone', async () => {
    const path = await recorded('quiet', [...H264, '-c:a', 'aac']);
    const { told, bytes } = await sentOf(path, { sound: false });
    expect(told[0]).toEqual({
      ...{ type: 'stream', mime: 'video/mp4; codecs="avc1.42c00c"', width: 320, height: 180 },
    });
    const out = join(directory, 'quiet.mp4');
    await writeFile(out, bytes);
    expect(await packetsOf(out, 'a:0')).toEqual([]);
    expect((await packetsOf(out)).length).toBe(40);
  });

  test('sound that browsers do not play is named, and the pictures come without it', async () => {
    const path = await recorded('alaw', [...H264, '-c:a', 'pcm_alaw', '-ar', '8000']);
    const { told, bytes } = await sentOf(path, { sound: true });
    const mime = 'video/mp4; codecs="avc1.42c00c"';
    expect(told[0]).toMatchObject({ mime, sound: 'foreign', soundCodec: 'G.711 A-law' });
    expect(boxesOf(bytes).filter((name) => name === 'moof')).toHaveLength(40);
  });

  test('a track of sound to which nothing comes is left out, so that pictures do not wait for it', async () => {
    const path = await recorded('mute', [...H264, '-c:a', 'aac']);
    const { told, bytes } = await sentOf(path, { sound: true, soundFromUs: Infinity });
    expect(told[0]).toMatchObject({ mime: 'video/mp4; codecs="avc1.42c00c"', sound: 'none' });
    expect(boxesOf(bytes).filter((name) => name === 'moof')).toHaveLength(40);
  });

  test('sound that begins after players were told of none is left out: they would end at it', async () => {
    const path = await recorded('late', [...H264, '-c:a', 'aac']);
    const { told, bytes } = await sentOf(path, { sound: true, soundFromUs: 2_000_000 });
    expect(told[0]).toMatchObject({ mime: 'video/mp4; codecs="avc1.42c00c"', sound: 'none' });
    expect(boxesOf(bytes).filter((name) => name === 'moof')).toHaveLength(40);
  });

  test('a codec that no browser plays in it closes the connection with a sentence', async () => {
    const path = await recorded('mjpeg', ['-c:v', 'mjpeg', '-c:a', 'aac']);
    const { closed, bytes } = await sentOf(path, { sound: true });
    expect(closed).toEqual([FOREIGN_CODEC, 'Camera yard sends Motion JPEG: use MJPEG.']);
    expect(bytes).toHaveLength(0);
  });
});
