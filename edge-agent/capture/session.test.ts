import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@faascam/core/clock';
import { createLogger } from '@faascam/core/log';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sourceArgs, type Pace } from '../sources/source-args.ts';
import { parseSource, type Source } from '../sources/source.ts';
import type { CaptureArgs } from './ffmpeg-args.ts';
import { processor } from './hardware.ts';
import { runSession, type ClosedSegment, type SampledFrame, type SessionEnd } from './session.ts';
import { makeVideo, packetsOf, sharedVideo, type Packet } from './test-video.ts';

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-session-'));
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

function captureOf(
  source: Source,
  pace: Pace,
  asked: { fps: number; width: number; quality: number; segmentMs: number; incoming: string },
): CaptureArgs {
  const { input, copy } = sourceArgs(source, pace);
  const picture = { width: asked.width, quality: asked.quality, rotate: 0 } as const;
  return {
    input: { args: input, copy },
    frames: { mode: 'all', picture, fps: asked.fps, thumbnails: false, decoder: processor },
    segments: asked,
  };
}

interface Captured {
  frames: SampledFrame[];
  segments: ClosedSegment[];
  end: SessionEnd;
}

async function capture(video: string, fps: number): Promise<Captured> {
  const incoming = await mkdtemp(join(directory, 'incoming-'));
  const frames: SampledFrame[] = [];
  const segments: ClosedSegment[] = [];
  const end = await runSession({
    capture: captureOf(parseSource(`file:${video}`), 'replay', {
      ...{ fps, width: 1280, quality: 5, segmentMs: 2000, incoming },
    }),
    stallMs: 60_000,
    clock: systemClock,
    log: createLogger('test'),
    signal: new AbortController().signal,
    onFrame: (frame) => void frames.push(frame),
    onSegment: (segment) => void segments.push(segment),
  });
  return { frames, segments, end };
}

/** What must hold of any recording: real times, every packet, one time base. */
async function expectFaithful(video: string, captured: Captured, startUs: number): Promise<void> {
  const source = await packetsOf(video);
  const sourceUs = source.map(({ ptsUs }) => Math.round((ptsUs ?? Number.NaN) - startUs));
  // ffprobe prints microseconds rounded, of a time base that may be finer.
  const isSourceTime = (us: number) => sourceUs.some((ptsUs) => Math.abs(ptsUs - us) <= 1);
  expect(captured.frames.filter(({ streamUs }) => !isSourceTime(streamUs))).toEqual([]);
  expect(captured.frames[0]?.streamUs).toBe(Math.min(...sourceUs));

  const kept: Packet[] = [];
  for (const { path } of captured.segments) kept.push(...(await packetsOf(path)));
  expect(kept.map(({ dataHash }) => dataHash)).toEqual(source.map(({ dataHash }) => dataHash));
  // Matroska counts milliseconds.
  for (const [i, packet] of kept.entries()) {
    expect(Math.abs((packet.ptsUs ?? Number.NaN) - (sourceUs[i] ?? Number.NaN))).toBeLessThanOrEqual(1000);
  }
  const keyframesUs = source.flatMap(({ keyframe, ptsUs }) => (keyframe ? [(ptsUs ?? 0) - startUs] : []));
  for (const { startUs: segmentUs } of captured.segments) {
    expect(Math.min(...keyframesUs.map((us) => Math.abs(us - segmentUs)))).toBeLessThanOrEqual(1000);
  }
}

describe('capture session', () => {
  test('samples real pictures with their own times and keeps every packet of a real recording', async () => {
    const video = sharedVideo('one-by-one-person-detection.mp4');
    if (video === undefined) return;
    const captured = await capture(video, 5);
    expect(captured.frames.map(({ streamUs }) => streamUs)).toEqual(
      Array.from({ length: 697 }, (_, i) => i * 200_000),
    );
    expect(captured.end).toMatchObject({ ending: 'ended', exit: 'exit code 0', frames: 697 });
    await expectFaithful(video, captured, 0);
    for (const [i, { endUs }] of captured.segments.entries()) {
      expect(captured.segments[i + 1]?.startUs ?? endUs).toBe(endUs);
    }
  });

  test('a frame rate that is no multiple of the sampling is sampled at that rate on average', async () => {
    const video = sharedVideo('car-detection.mp4');
    if (video === undefined) return;
    const captured = await capture(video, 5);
    await expectFaithful(video, captured, 0);
    expect(captured.frames.length).toBe(151);
    expect(captured.frames.slice(0, 4).map(({ streamUs }) => streamUs)).toEqual([
      0, 240_000, 400_000, 640_000,
    ]);
  });

  test('reordered pictures, open groups of pictures and audio come through whole', async () => {
    const video = join(directory, 'reordered.mp4');
    await makeVideo(
      ...[
        '-f',
        'lavfi',
        '-i',
        'testsrc2=size=320x240:rate=30:duration=9',
        '-f',
        'lavfi',
        '-i',
        'sine=duration=9',
      ],
      ...['-c:v', 'libx264', '-bf', '3', '-g', '45', '-x264-params', 'open-gop=1', '-c:a', 'aac', video],
    );
    const captured = await capture(video, 5);
    await expectFaithful(video, captured, 0);
    expect(captured.frames.length).toBe(45);
    const audio = (await Promise.all(captured.segments.map(({ path }) => packetsOf(path, 'a:0')))).flat();
    const source = await packetsOf(video, 'a:0');
    expect(audio.map(({ dataHash }) => dataHash)).toEqual(source.map(({ dataHash }) => dataHash));
  });

  test('times count from the beginning of the recording, wherever its own clock stands', async () => {
    const plain = join(directory, 'plain.mp4');
    const video = join(directory, 'offset.mkv');
    await makeVideo('-f', 'lavfi', '-i', 'testsrc2=size=160x120:rate=25:duration=5', '-g', '25', plain);
    await makeVideo('-itsoffset', '100', '-i', plain, '-c', 'copy', '-copyts', video);
    const captured = await capture(video, 5);
    const [first] = await packetsOf(video);
    expect(captured.frames[0]?.streamUs).toBe(0);
    expect(captured.frames.length).toBe(25);
    expect(captured.segments[0]?.startUs).toBe(0);
    expect(first?.ptsUs).toBe(100_000_000);
  });

  test('a picture that begins after the audio keeps its delay', async () => {
    const plain = join(directory, 'both.mp4');
    const video = join(directory, 'late.mp4');
    await makeVideo(
      ...[
        '-f',
        'lavfi',
        '-i',
        'testsrc2=size=160x120:rate=25:duration=5',
        '-f',
        'lavfi',
        '-i',
        'sine=duration=5',
      ],
      ...['-g', '25', '-c:a', 'aac', plain],
    );
    await makeVideo(
      '-itsoffset',
      '1.5',
      '-i',
      plain,
      '-i',
      plain,
      '-map',
      '0:v',
      '-map',
      '1:a',
      '-c',
      'copy',
      video,
    );
    const captured = await capture(video, 5);
    expect(captured.frames[0]?.streamUs).toBe(1_500_000);
    expect(captured.segments[0]?.startUs).toBe(1_500_000);
  });

  test('PCM audio and a picture of odd size are taken as they are', async () => {
    const video = join(directory, 'odd.mkv');
    await makeVideo(
      ...[
        '-f',
        'lavfi',
        '-i',
        'testsrc2=size=321x241:rate=10:duration=3',
        '-f',
        'lavfi',
        '-i',
        'sine=duration=3',
      ],
      ...['-pix_fmt', 'yuv444p', '-c:v', 'libx264', '-g', '10', '-c:a', 'pcm_alaw', '-ar', '8000', video],
    );
    const captured = await capture(video, 5);
    await expectFaithful(video, captured, 0);
    expect(captured.frames.length).toBe(15);
  });

  test('pictures whose container does not tell when they are shown are kept whole', async () => {
    const video = join(directory, 'reordered.avi');
    const picture = 'testsrc2=size=160x120:rate=30:duration=5';
    await makeVideo('-f', 'lavfi', '-i', picture, '-c:v', 'libx264', '-bf', '2', '-g', '30', video);
    const captured = await capture(video, 5);
    const kept = (await Promise.all(captured.segments.map(({ path }) => packetsOf(path)))).flat();
    expect(kept.length).toBe(150);
    expect(Math.abs(captured.frames.length - 25)).toBeLessThanOrEqual(1);
  });

  test('a file played over and over goes on where it began', async () => {
    const video = join(directory, 'short.mp4');
    await makeVideo(
      ...[
        '-f',
        'lavfi',
        '-i',
        'testsrc2=size=160x120:rate=10:duration=2',
        '-f',
        'lavfi',
        '-i',
        'sine=duration=2',
      ],
      ...['-c:v', 'libx264', '-bf', '2', '-g', '10', '-c:a', 'aac', video],
    );
    const incoming = await mkdtemp(join(directory, 'incoming-'));
    const stop = new AbortController();
    const timesUs: number[] = [];
    const segments: ClosedSegment[] = [];
    await runSession({
      capture: captureOf(parseSource(video), 'live', {
        fps: 5,
        width: 640,
        quality: 5,
        segmentMs: 1000,
        incoming,
      }),
      stallMs: 60_000,
      clock: systemClock,
      log: createLogger('test'),
      signal: stop.signal,
      onFrame: ({ streamUs }) => {
        timesUs.push(streamUs);
        if (streamUs > 6_500_000) stop.abort();
      },
      onSegment: (segment) => void segments.push(segment),
    });
    for (const [i, us] of timesUs.entries()) expect(us - (timesUs[i - 1] ?? -200_000)).toBeLessThan(300_000);
    for (const [i, { startUs }] of segments.entries()) {
      expect(Math.abs(startUs - (segments[i - 1]?.endUs ?? 0))).toBeLessThan(200_000);
    }
    expect(segments.at(-1)?.endUs).toBeGreaterThan(6_000_000);
  });

  test('pictures are sampled evenly where they come irregularly, and again after a hole', async () => {
    const video = join(directory, 'irregular.mkv');
    await makeVideo(
      ...['-f', 'lavfi', '-i', 'testsrc2=size=160x120:rate=50:duration=8'],
      // Every picture up to 15 ms early or late, none from 3 s to 5 s.
      ...[
        '-vf',
        "select='lt(t,3)+gte(t,5)',setpts='PTS+(random(7)-0.5)*0.03/TB'",
        '-fps_mode',
        'passthrough',
      ],
      ...['-enc_time_base', '1/1000', '-g', '50', '-bf', '0', '-c:v', 'libx264', video],
    );
    const { frames } = await capture(video, 5);
    const gapsMs = frames.slice(1).map(({ streamUs }, i) => (streamUs - (frames[i]?.streamUs ?? 0)) / 1000);
    // One more where a picture came a little early just before the hole.
    expect(frames.length).toBeLessThanOrEqual(31);
    expect(gapsMs.filter((ms) => ms > 1000).length).toBe(1);
    expect(gapsMs.every((ms) => ms > 1000 || (ms > 150 && ms < 250))).toBe(true);
  });

  test('ffmpeg waits while a frame is being taken', async () => {
    const video = sharedVideo('one-by-one-person-detection.mp4');
    if (video === undefined) return;
    const incoming = await mkdtemp(join(directory, 'incoming-'));
    let taken = 0;
    let newestUs = 0;
    const stop = new AbortController();
    const end = await runSession({
      capture: captureOf(parseSource(video), 'replay', {
        fps: 5,
        width: 1280,
        quality: 2,
        segmentMs: 2000,
        incoming,
      }),
      stallMs: 60_000,
      clock: systemClock,
      log: createLogger('test'),
      signal: stop.signal,
      onFrame: async ({ streamUs }) => {
        taken += 1;
        if (taken < 30) return;
        // Nothing more may come while this frame waits; what the pipes hold is a few seconds of footage at most. That
        // nothing comes can only be seen over real time; on a slow machine it is seen too early, which fails nothing.
        let before = -1;
        while (before !== newestUs) {
          before = newestUs;
          await systemClock.sleep(300);
        }
        expect(newestUs - streamUs).toBeLessThan(30_000_000);
        stop.abort();
      },
      onSegment: ({ endUs }) => void (newestUs = endUs),
    });
    expect(end.ending).toBe('stopped');
  });

  test('when stopped, the newest segment is closed and handed over', async () => {
    const video = sharedVideo('one-by-one-person-detection.mp4');
    if (video === undefined) return;
    const incoming = await mkdtemp(join(directory, 'incoming-'));
    const stop = new AbortController();
    const segments: ClosedSegment[] = [];
    let lastFrameUs = 0;
    const end = await runSession({
      capture: captureOf(parseSource(video), 'live', {
        fps: 5,
        width: 640,
        quality: 5,
        segmentMs: 2000,
        incoming,
      }),
      stallMs: 60_000,
      clock: systemClock,
      log: createLogger('test'),
      signal: stop.signal,
      onFrame: ({ streamUs }) => {
        lastFrameUs = streamUs;
        if (streamUs >= 3_000_000) stop.abort();
      },
      onSegment: (segment) => void segments.push(segment),
    });
    expect(end.ending).toBe('stopped');
    expect(segments.length).toBe(2);
    expect(segments.at(-1)?.endUs).toBeGreaterThan(lastFrameUs);
    expect((await packetsOf(segments.at(-1)?.path ?? '')).length).toBeGreaterThan(9);
  });

  test('ffmpeg says why a file is no video', async () => {
    const { end } = await capture(join(directory, 'missing.mp4'), 5);
    expect(end).toMatchObject({ ending: 'ended', frames: 0 });
    expect(end.complaints.join('\n')).toContain('No such file');
  });
});
