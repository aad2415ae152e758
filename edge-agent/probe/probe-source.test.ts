import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '@faascam/core/ports';
import { cameraSettings } from '@faascam/core/camera-settings';
import { startRtspCamera } from '@faascam/test-servers/rtsp-camera';
import { makeVideo } from '../capture/test-video.ts';
import { parseSource } from '../sources/source.ts';
import { probeSource } from './probe-source.ts';

const scratch = mkdtempSync(join(tmpdir(), 'faascam-probe-'));
const video = join(scratch, 'reordered.mp4');

beforeAll(async () => {
  await makeVideo(
    ...[
      '-f',
      'lavfi',
      '-i',
      'testsrc2=size=640x360:rate=25:duration=12',
      '-f',
      'lavfi',
      '-i',
      'sine=duration=12',
    ],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-profile:v', 'main', '-bf', '2', '-pix_fmt', 'yuv420p'],
    ...['-g', '75', '-keyint_min', '75', '-sc_threshold', '0', '-c:a', 'aac', video],
  );
});
afterAll(() => rmSync(scratch, { recursive: true }));

function probe(source: string, limitMs = 20_000, signal = new AbortController().signal) {
  const settings = cameraSettings.parse({ source });
  return probeSource(parseSource(source), { camera: 'yard', settings, allowExec: true, signal, limitMs });
}

describe('probing', () => {
  test('a file: codec, profile, size, rate, keyframes, sound, as it is', async () => {
    const facts = await probe(`file:${video}`);
    expect(facts).toMatchObject({
      video: {
        ...{ codec: 'h264', profile: 'Main', width: 640, height: 360, claimedRate: 25, rate: 25, even: true },
        ...{ keyframeIntervalMs: 3000, keyframeIntervalOpen: false, allKeyframes: false },
      },
      audio: { codec: 'aac' },
      timesIncrease: true,
    });
    expect(facts.kbps).toBeGreaterThan(50);
    expect(facts.measuredMs).toBeLessThan(9000);
  });

  test('an RTSP camera with a login, over the network', async () => {
    const camera = await startRtspCamera({ user: 'cam', password: 's3cret' });
    try {
      const { video, clockAheadMs } = await probe(camera.url);
      // The camera is this host.
      expect(Math.abs(clockAheadMs ?? Number.NaN)).toBeLessThan(5000);
      expect(video).toMatchObject({ codec: 'h264', width: 640, height: 360, even: true });
      // Times are those of pictures that arrived here and there a little late.
      expect(Math.round((video.keyframeIntervalMs ?? 0) / 500)).toBe(2);
      expect(Math.round(video.rate ?? 0)).toBe(10);
      const refused = probe(camera.url.replace('s3cret', 'wr0ng'));
      await expect(refused).rejects.toMatchObject({ code: 'wrong-password' });
      await expect(refused).rejects.not.toThrow(/wr0ng/);
    } finally {
      await camera.stop();
    }
  });

  test('JPEG pictures, each a keyframe, and sound that MP4 does not hold', async () => {
    const file = join(scratch, 'jpeg.mkv');
    await makeVideo(
      ...[
        '-f',
        'lavfi',
        '-i',
        'testsrc2=size=320x240:rate=10:duration=4',
        '-f',
        'lavfi',
        '-i',
        'sine=r=8000:d=4',
      ],
      ...['-c:v', 'mjpeg', '-c:a', 'pcm_alaw', file],
    );
    const { video, audio } = await probe(`file:${file}`);
    expect(video).toMatchObject({
      codec: 'mjpeg',
      allKeyframes: true,
      rate: 10,
      keyframeIntervalOpen: false,
    });
    expect(audio?.codec).toBe('pcm_alaw');
  });

  test('what a program writes to a pipe', async () => {
    const { video: seen } = await probe(
      `exec+matroska:ffmpeg -v error -i ${video} -c copy -f matroska pipe:1`,
    );
    expect(seen).toMatchObject({ codec: 'h264', width: 640, keyframeIntervalMs: 3000 });
  });

  test('says what is wrong where there is no picture to be had', async () => {
    await expect(probe(`file:${join(scratch, 'none.mp4')}`)).rejects.toMatchObject({ code: 'no-file' });
    const dead = probe(`rtsp://cam:s3cret@127.0.0.1:${await freePort()}/live`);
    await expect(dead).rejects.toThrow(
      /^Camera yard \(rtsp:\/\/cam:\*\*\*@127.*does not listen on this port/,
    );
    const sound = join(scratch, 'sound.mp4');
    await makeVideo('-f', 'lavfi', '-i', 'sine=duration=1', sound);
    await expect(probe(`file:${sound}`)).rejects.toMatchObject({ code: 'no-video' });
  });

  test('ends after its limit where a camera takes the connection and says nothing, and at once with its signal', async () => {
    const silent = createServer((socket) => void socket.on('error', () => undefined));
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const address = silent.address();
    const url = `rtsp://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/live`;
    try {
      await expect(probe(url, 500)).rejects.toMatchObject({ code: 'stalled' });
      const stop = new AbortController();
      const connected = once(silent, 'connection');
      const probing = probe(url, 3_600_000, stop.signal);
      await connected;
      stop.abort(new Error('enough'));
      await expect(probing).rejects.toThrow('enough');
    } finally {
      silent.close();
    }
  });
});
