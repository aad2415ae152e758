import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@faascam/core/clock';
import { createLogger } from '@faascam/core/log';
import { sendMultipart, startHttpCamera } from '@faascam/test-servers/http-camera';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { processor } from '../capture/hardware.ts';
import { runSession, type ClosedSegment, type SampledFrame } from '../capture/session.ts';
import { packetsOf } from '../capture/test-video.ts';
import { JOIN_US } from '../ring/ring.ts';
import { openInput } from './input.ts';
import { parseSource } from './source.ts';
import { openOptions, testJpegs } from './test-play.ts';

let directory: string;
let jpegs: Buffer[];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-recorded-'));
  jpegs = await testJpegs(4);
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

interface Recorded {
  frames: SampledFrame[];
  segments: ClosedSegment[];
}

/** Records a source as the agent does, until three segments are closed. */
async function record(
  text: string,
  mode: 'all' | 'keyframes' | 'pass-through',
  pollMs = 200,
): Promise<Recorded> {
  const incoming = await mkdtemp(join(directory, 'incoming-'));
  const stop = new AbortController();
  const frames: SampledFrame[] = [];
  const segments: ClosedSegment[] = [];
  const input = await openInput(
    parseSource(text),
    openOptions({ allowExec: true, settings: { transport: 'tcp', format: 'auto', pollMs } }),
  );
  try {
    await runSession({
      capture: {
        input,
        frames: {
          mode,
          picture: { width: 1280, quality: 5, rotate: 0 },
          fps: 5,
          thumbnails: false,
          decoder: processor,
        },
        segments: { segmentMs: 1000, incoming },
      },
      ...(input.stdin === undefined ? {} : { stdin: input.stdin }),
      stallMs: 30_000,
      clock: systemClock,
      log: createLogger('test'),
      signal: stop.signal,
      onFrame: (frame) => void frames.push(frame),
      onSegment: (segment) => {
        segments.push(segment);
        if (segments.length === 3) stop.abort();
      },
    });
  } finally {
    await input.close();
  }
  return { frames, segments };
}

/** Footage without holes, pictures in it, and frames at the times of pictures that are in it. */
async function expectRecorded({ frames, segments }: Recorded): Promise<void> {
  expect(segments.length).toBeGreaterThanOrEqual(3);
  const pictures: number[] = [];
  for (const [index, segment] of segments.entries()) {
    const before = segments[index - 1];
    // The first picture does not know how long it lasts.
    if (before !== undefined && index > 1) expect(segment.startUs - before.endUs).toBeLessThan(JOIN_US);
    const packets = await packetsOf(segment.path);
    expect(packets[0]?.keyframe).toBe(true);
    pictures.push(...packets.map(({ ptsUs }) => ptsUs ?? Number.NaN));
  }
  expect(pictures.filter((us, index) => !(us > (pictures[index - 1] ?? -1)))).toEqual([]);
  const endUs = segments.at(-1)?.endUs ?? 0;
  const inFootage = frames.filter(({ streamUs }) => streamUs < endUs);
  expect(inFootage.length).toBeGreaterThan(2);
  // Matroska counts whole milliseconds.
  const nearest = (us: number): number => Math.min(...pictures.map((picture) => Math.abs(picture - us)));
  expect(inFootage.filter(({ streamUs }) => nearest(streamUs) > 1000)).toEqual([]);
}

describe('recorded is', () => {
  test.each(['all', 'keyframes'] as const)('a picture that had to be encoded; frames of %s', async (mode) => {
    await expectRecorded(await record('test:?size=320x240&rate=10', mode));
  });

  test.each([
    ['/stream', 150],
    ['/stream', 1300],
    ['/snap.jpg', 150],
    ['/snap.jpg', 1300],
  ])('a web camera of pictures, which are passed on: %s every %i ms', async (path, everyMs) => {
    let count = 0;
    const camera = await startHttpCamera({
      routes: {
        '/stream': (_request, response) => sendMultipart(response, jpegs, { everyMs }),
        '/snap.jpg': (_request, response) => {
          response.writeHead(200, { 'content-type': 'image/jpeg' }).end(jpegs[count++ % 4]);
        },
      },
    });
    try {
      const recorded = await record(`${camera.origin}${path}`, 'pass-through', everyMs);
      await expectRecorded(recorded);
      // As they came, not encoded again.
      expect(jpegs.some((jpeg) => recorded.frames[0]?.jpeg.equals(jpeg))).toBe(true);
    } finally {
      await camera.stop();
    }
  });

  test('a bare H.264 stream without times', async () => {
    const command =
      'ffmpeg -v error -re -f lavfi -i testsrc2=size=320x240:rate=20 -c:v libx264 -preset ultrafast ' +
      '-tune zerolatency -g 20 -f h264 -flush_packets 1 pipe:1';
    await expectRecorded(await record(`exec+h264:${command}`, 'all'));
  });
});
