import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { systemClock } from '@faascam/core/clock';
import { createLogger } from '@faascam/core/log';
import { startHttpCamera, type HttpCamera } from '@faascam/test-servers/http-camera';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { openCameraTest, type CameraTest } from '../capture/test-camera.ts';
import { makeVideo, packetsOf } from '../capture/test-video.ts';
import { LiveTap } from '../live/live-tap.ts';
import { HlsStreams } from './hls-stream.ts';
import { HlsTimeline } from './hls-timeline.ts';

const run = promisify(execFile);
const limit = { timeout: 60_000 };

function timelineOf(pictures: number, everyMs: number, group: number): HlsTimeline {
  const timeline = new HlsTimeline();
  timeline.beginStream(Buffer.from('head of the first'));
  for (let n = 0; n < pictures; n++) {
    const data = Buffer.from([n]);
    timeline.add({ durationMs: everyMs, keyframe: n % group === 0, capturedAtUs: undefined, data });
  }
  return timeline;
}

describe('the segments of a stream', () => {
  test('are whole groups of pictures, their parts no longer than is told', () => {
    const playlist = timelineOf(35, 100, 10).playlist('?token=a') ?? '';
    expect(playlist).toContain('#EXTINF:1.000,\nsegment-0.m4s?token=a\n');
    expect(playlist.match(/#EXTINF/g)).toHaveLength(3);
    expect(playlist).toContain('#EXT-X-PART-INF:PART-TARGET=0.300');
    expect(playlist).toContain('#EXT-X-PART:DURATION=0.300,URI="part-1-0.m4s?token=a",INDEPENDENT=YES\n');
    expect(playlist).toContain('#EXT-X-PART:DURATION=0.100,URI="part-1-3.m4s?token=a"\n');
    expect(playlist).toContain('#EXT-X-PRELOAD-HINT:TYPE=PART,URI="part-3-1.m4s?token=a"\n');
  });

  test('hold each picture once, in order, whether they are asked for whole or by parts', () => {
    const timeline = timelineOf(31, 100, 10);
    const parts = [0, 1, 2, 3].map((part) => timeline.bytes(1, part) ?? Buffer.alloc(0));
    expect([...Buffer.concat(parts)]).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
    expect(timeline.bytes(1)).toEqual(Buffer.concat(parts));
    expect(timeline.bytes(3)).toBeUndefined();
  });

  test('are forgotten but for the newest', () => {
    const timeline = timelineOf(200, 100, 10);
    expect(timeline.playlist('')).toContain('#EXT-X-MEDIA-SEQUENCE:13\n');
    expect(timeline.bytes(12)).toBeUndefined();
  });

  test('of another stream have a head of their own, and begin with a keyframe', () => {
    const timeline = timelineOf(25, 100, 10);
    timeline.beginStream(Buffer.from('head of the second'));
    for (const keyframe of [false, true, false, false, false, false])
      timeline.add({ durationMs: 100, keyframe, capturedAtUs: 1_000_000, data: Buffer.from('x') });
    expect([1, 2].map((stream) => timeline.head(stream)?.toString())).toEqual([
      'head of the first',
      'head of the second',
    ]);
    const playlist = timeline.playlist('') ?? '';
    expect(playlist).toContain(
      '#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI="head-2.mp4"\n#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:01.000Z\n#EXT-X-PART:DURATION=0.300,URI="part-3-0.m4s",INDEPENDENT=YES\n',
    );
  });
});

test('players know how many changes of the stream have gone out of the playlist', () => {
  const timeline = timelineOf(25, 100, 10);
  /** Changes until the newest segment, as a player counts them. */
  const changes = (): [string | undefined, number] => {
    const playlist = timeline.playlist('') ?? '';
    const [, past] = /^#EXT-X-DISCONTINUITY-SEQUENCE:(\d+)$/m.exec(playlist) ?? [];
    return [past, playlist.match(/^#EXT-X-DISCONTINUITY$/gm)?.length ?? 0];
  };
  expect(changes()).toEqual(['0', 0]);
  // The second one has no picture, and so there is no change that a player sees.
  for (const head of ['second', 'third']) timeline.beginStream(Buffer.from(head));
  const seen: string[] = [];
  for (let n = 0; n < 100; n++) {
    const keyframe = n % 10 === 0;
    timeline.add({ durationMs: 100, keyframe, capturedAtUs: undefined, data: Buffer.from('x') });
    const now = changes().join();
    if (now !== seen.at(-1)) seen.push(now);
  }
  expect(seen).toEqual(['0,1', '1,0']);
  expect(timeline.head(1)).toBeUndefined();
  expect(timeline.head(3)?.toString()).toBe('third');
});

describe('a camera’s HLS', () => {
  let directory: string;
  let camera: CameraTest | undefined;
  let server: HttpCamera | undefined;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'faascam-hls-'));
    const picture = ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=10:duration=20'];
    // Pictures stored in another order than they are shown.
    const sound = ['-f', 'lavfi', '-i', 'anoisesrc=duration=20', '-c:a', 'aac'];
    const h264 = ['-g', '10', '-bf', '2', '-pix_fmt', 'yuv420p'];
    await makeVideo(...picture, ...sound, ...h264, join(directory, 'h264.mp4'));
    await makeVideo(...picture, '-c:v', 'mjpeg', join(directory, 'mjpeg.mkv'));
  });

  afterEach(async () => {
    await server?.stop();
    await camera?.stop();
  });

  afterAll(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  async function record(file: string): Promise<LiveTap> {
    const tap = new LiveTap(systemClock, createLogger('test'));
    camera = await openCameraTest(directory, { source: `file:${join(directory, file)}` }, { tap });
    return tap;
  }

  test('plays, tells what comes next, and ends when nobody asks', limit, async () => {
    const tap = await record('h264.mp4');
    const hls = new HlsStreams(10_000);
    const serve = async (name: string, search: URLSearchParams): Promise<Buffer> =>
      Buffer.from((await hls.answer(tap, name, search)).body);
    server = await startHttpCamera({
      routes: new Proxy(
        {},
        {
          get: (_, path) => async (request: { url?: string }, response: { end(body: Buffer): void }) => {
            const { searchParams } = new URL(request.url ?? '/', 'http://agent');
            response.end(await serve(String(path).slice(1), searchParams));
          },
        },
      ),
    });
    const probe = [
      '-v',
      'error',
      '-f',
      'hls',
      '-count_frames',
      '-select_streams',
      'v:0',
      '-show_entries',
      'stream=codec_name,nb_read_frames',
    ];
    const { stdout } = await run('ffprobe', [
      ...[...probe, '-read_intervals', '%+#25', '-of', 'csv=p=0'],
      `${server.origin}/index.m3u8`,
    ]);
    expect(stdout).toMatch(/^h264,2[0-9]/);
    const playlist = String(await serve('index.m3u8', new URLSearchParams()));
    const [, number = '', part = ''] = /PRELOAD-HINT:TYPE=PART,URI="part-(\d+)-(\d+)/.exec(playlist) ?? [];
    // Both wait until it is there.
    const [next, hinted] = await Promise.all([
      serve('index.m3u8', new URLSearchParams({ _HLS_msn: number, _HLS_part: part })),
      serve(`part-${number}-${part}.m4s`, new URLSearchParams()),
    ]);
    expect(String(next)).toContain(`URI="part-${number}-${part}.m4s"`);
    expect(hinted.length).toBeGreaterThan(100);
    await expect(serve('part-0-0.m4s', new URLSearchParams())).rejects.toThrow('no such piece');
    await vi.waitFor(() => expect(tap.takers).toBe(0), { timeout: 30_000 });
    hls.close();
  });

  test('has the camera’s sound, as far from the pictures as it was recorded', limit, async () => {
    const tap = await record('h264.mp4');
    const hls = new HlsStreams(10_000);
    const serve = async (name: string): Promise<string | Buffer> =>
      (await hls.answer(tap, name, new URLSearchParams())).body;
    let names: string[] = [];
    await vi.waitFor(
      async () => {
        names = String(await serve('index.m3u8')).match(/^segment-\d+\.m4s$/gm) ?? [];
        expect(names.length).toBeGreaterThanOrEqual(3);
      },
      { timeout: 30_000, interval: 100 },
    );
    const pieces = [await serve('head-1.mp4')];
    for (const name of names) pieces.push(await serve(name));
    hls.close();
    const served = join(directory, 'served.mp4');
    await writeFile(served, Buffer.concat(pieces.map((piece) => Buffer.from(piece))));
    const { stdout } = await run('ffprobe', [
      ...['-v', 'error', '-show_entries', 'stream=codec_name', '-of', 'csv=p=0', served],
    ]);
    expect(stdout.trim().split('\n')).toEqual(['h264', 'aac']);
    const recorded = join(directory, 'h264.mp4');
    /** How much later each packet is here than in the recording. */
    const shifts = async (stream: string): Promise<number[]> => {
      const times = new Map(
        (await packetsOf(recorded, stream)).map(({ dataHash, ptsUs }) => [dataHash, ptsUs]),
      );
      return (await packetsOf(served, stream)).map(
        ({ dataHash, ptsUs = NaN }) => (ptsUs - (times.get(dataHash) ?? NaN)) / 1000,
      );
    };
    const pictures = await shifts('v:0');
    const sounds = await shifts('a:0');
    expect(sounds.length).toBeGreaterThan(100);
    const all = [...pictures, ...sounds];
    expect(Math.max(...all) - Math.min(...all)).toBeLessThan(50);
  });

  test('is refused for a camera whose codec HLS has not', limit, async () => {
    const hls = new HlsStreams();
    const asked = hls.answer(await record('mjpeg.mkv'), 'index.m3u8', new URLSearchParams());
    await expect(asked).rejects.toThrow('The camera sends Motion JPEG, which HLS has not: use MJPEG.');
    hls.close();
  });
});
