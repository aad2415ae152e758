import { getEventListeners } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, type Clock } from '@faascam/core/clock';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openCameraTest, type CameraTest } from './test-camera.ts';
import { makeVideo, packetsOf } from './test-video.ts';

let directory: string;
let camera: CameraTest | undefined;
const closing: (() => Promise<void>)[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-recorder-'));
});

afterEach(async () => {
  await camera?.stop();
  camera = undefined;
  for (const close of closing.splice(0)) await close();
  await rm(directory, { recursive: true, force: true });
});

async function video(name: string, ...encode: string[]): Promise<string> {
  const path = join(directory, name);
  const source = ['-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=10:duration=20'];
  await makeVideo(...source, ...encode, path);
  return path;
}

const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '10', '-bf', '0'];

/** A web camera: a row of JPEG pictures, ten a second. Answers its address and the pictures. */
async function mjpegCamera(): Promise<{ url: string; pictures: Buffer[] }> {
  const pictures = await Promise.all(
    Array.from({ length: 20 }, (_, at) =>
      sharp({ create: { width: 320, height: 240, channels: 3, background: { r: 12 * at, g: 90, b: 200 } } })
        .jpeg()
        .toBuffer(),
    ),
  );
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'multipart/x-mixed-replace; boundary=cut' });
    let at = 0;
    const timer = setInterval(() => {
      const picture = pictures[at++ % pictures.length] ?? Buffer.alloc(0);
      response.write(`--cut\r\nContent-Type: image/jpeg\r\nContent-Length: ${picture.length}\r\n\r\n`);
      response.write(picture);
      response.write('\r\n');
    }, 100);
    response.once('close', () => clearInterval(timer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(
    () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  );
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/cam`, pictures };
}

describe('recorder', () => {
  test('a camera that sends JPEG has its pictures passed on byte for byte', async () => {
    const { url, pictures } = await mjpegCamera();
    camera = await openCameraTest(directory, { source: url });
    await camera.until(({ frames }) => frames.length >= 8);
    expect(camera.status.decoding).toEqual({ mode: 'pass-through' });
    const sent = camera.frames.map(({ jpeg }) => pictures.some((picture) => picture.equals(jpeg)));
    expect(sent).not.toContain(false);
    const gaps = camera.frames.slice(1).map(({ streamS }, i) => streamS - (camera?.frames[i]?.streamS ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThan(0.05);
  });

  test('frames come from the substream, footage from the main stream', async () => {
    const main = await video('main.mp4', ...h264);
    const sub = await video('sub.mp4', '-vf', 'scale=320:180', ...h264);
    camera = await openCameraTest(directory, { source: `file:${main}`, substream: `file:${sub}` });
    await camera.until(({ frames, footage }) => frames.length > 10 && footage.ring.stats.segments > 1);
    const { width } = await sharp(camera.frames.at(-1)?.jpeg).metadata();
    expect(width).toBe(320);
    const newest = camera.footage.ring.newest;
    const kept = await packetsOf(newest?.path ?? '');
    const source = new Set((await packetsOf(main)).map(({ dataHash }) => dataHash));
    expect(kept.every(({ dataHash }) => source.has(dataHash))).toBe(true);
    // Both are on the agent's clock: what is recorded and what is seen now lie a segment or two apart.
    expect(Math.abs((newest?.endUs ?? 0) - (camera.frames.at(-1)?.capturedAtUs ?? 0))).toBeLessThan(
      5_000_000,
    );
    expect(camera.status).toMatchObject({ state: 'streaming', decoding: { mode: 'all' } });
  });

  test('a substream that fails is told, and footage goes on', async () => {
    const main = await video('main.mp4', ...h264);
    camera = await openCameraTest(directory, { source: `file:${main}`, substream: 'file:/nowhere.mp4' });
    await camera.until(
      ({ footage, status }) => footage.ring.stats.segments > 1 && status.state === 'waiting',
    );
    expect(camera.status.cause).toContain('/nowhere.mp4');
  });

  test('hardware that this host lacks is given up for the processor', async () => {
    const main = await video('main.mp4', ...h264);
    camera = await openCameraTest(directory, { source: `file:${main}`, decode: 'all', hardware: 'cuda' });
    await camera.until(({ frames }) => frames.length > 3);
    expect(camera.status).toMatchObject({ state: 'streaming', decoding: { mode: 'all' } });
    expect(camera.status.decoding?.hardware).toBeUndefined();
  });

  test('frames are cut and turned as asked', async () => {
    const main = await video('main.mp4', ...h264);
    const crop = [0.5, 0, 0.5, 0.5] as [number, number, number, number];
    camera = await openCameraTest(directory, { source: `file:${main}`, decode: 'all', rotate: 90, crop });
    await camera.until(({ frames }) => frames.length > 0);
    const { width, height } = await sharp(camera.frames[0]?.jpeg).metadata();
    expect([width, height]).toEqual([180, 320]);
  });

  test('keyframes alone come at the rate of the keyframes', async () => {
    const main = await video('main.mp4', ...h264);
    camera = await openCameraTest(directory, { source: `file:${main}`, decode: 'keyframes' });
    await camera.until(({ frames }) => frames.length >= 6);
    const gaps = camera.frames.slice(1).map(({ streamS }, i) => streamS - (camera?.frames[i]?.streamS ?? 0));
    for (const gap of gaps) expect(gap).toBeCloseTo(1, 1);
    expect(camera.status.decoding).toEqual({ mode: 'keyframes' });
  });

  test('a camera whose keyframes are further apart than silence may last is not lost while it sends', async () => {
    const source = `file:${await video('far.mp4', ...h264, '-g', '70', '-keyint_min', '70')}`;
    camera = await openCameraTest(directory, { source, decode: 'keyframes' }, { lostMs: 5500 });
    await camera.until(({ frames, lost }) => frames.length >= 3 || lost > 0);
    expect(camera.lost).toBe(0);
    const [first, second] = camera.frames.map(({ streamS }) => streamS);
    expect((second ?? 0) - (first ?? 0)).toBeGreaterThan(6);
  });

  test('however often a stream ends and begins again, nothing is left waiting for the end of the agent', async () => {
    const quick: Clock = {
      nowUs: () => systemClock.nowUs(),
      sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 20), signal),
    };
    const short = 'ffmpeg -v error -f lavfi -i testsrc2=size=64x48:rate=10:duration=0.3 -f mpegts pipe:1';
    const options = { allowExec: true, clock: quick, stallMs: 60_000, lostMs: 60_000 };
    camera = await openCameraTest(directory, { source: `exec:${short}` }, options);
    await camera.until(({ status }) => status.restarts >= 3);
    const early = getEventListeners(camera.signal, 'abort').length;
    await camera.until(({ status }) => status.restarts >= 15);
    expect(getEventListeners(camera.signal, 'abort').length).toBeLessThanOrEqual(Math.max(early, 3));
  });
});
