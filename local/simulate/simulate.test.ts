import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openCameraTest, type CameraTest } from '@faascam/edge-agent/capture/test-camera';
import { makeVideo } from '@faascam/edge-agent/capture/test-video';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { readTimeCode } from '../time-code.ts';
import sharp from 'sharp';
import { Simulation, type CameraAddresses, type SimulationOptions } from './simulation.ts';

const run = promisify(execFile);
const patience = 90_000;
const PICTURES_A_LOOP = 30;

let directory: string;
let yard: string;
const simulations: Simulation[] = [];
const cameras: CameraTest[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-simulate-test-'));
  yard = join(directory, 'My Yard.mp4');
  const picture = ['-f', 'lavfi', '-i', 'testsrc2=size=320x240:rate=10:duration=3'];
  const sound = ['-f', 'lavfi', '-i', 'sine=frequency=440:duration=3', '-c:a', 'aac'];
  // Pictures stored in another order than they are shown.
  await makeVideo(...picture, ...sound, '-g', '10', '-bf', '2', '-pix_fmt', 'yuv420p', yard);
});

afterEach(async () => {
  await Promise.all(cameras.splice(0).map((camera) => camera.stop()));
  await Promise.all(simulations.splice(0).map((simulation) => simulation.stop()));
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

async function started(options: Partial<SimulationOptions>): Promise<Simulation> {
  const simulation = await Simulation.plan({ recordings: [yard], host: '127.0.0.1', port: 0, ...options });
  simulations.push(simulation);
  await simulation.start();
  return simulation;
}

function addressesOf({ addresses: [first] }: Simulation): CameraAddresses {
  if (first === undefined) throw new Error('no camera');
  return first;
}

async function recorded(source: string): Promise<CameraTest> {
  const camera = await openCameraTest(
    directory,
    { source, decode: 'all', pollMs: 100 },
    { lostMs: 1000, random: () => 0 },
  );
  cameras.push(camera);
  return camera;
}

describe('a simulated camera', () => {
  test(
    'is recorded by the agent over RTSP, HLS, MPEG-TS, MJPEG and as single pictures',
    { timeout: patience },
    async () => {
      const simulation = await started({});
      expect(simulation.withoutRtsp).toBeUndefined();
      const { id, rtsp = '', hls, mpegts, mjpeg, jpeg } = addressesOf(simulation);
      expect(id).toBe('my-yard');
      const all = await Promise.all([rtsp, hls, mpegts, mjpeg, jpeg].map(recorded));
      for (const camera of all) {
        await camera.until(({ frames, footage }) => frames.length >= 5 && footage.ring.stats.segments >= 1);
      }
    },
  );

  test(
    'goes on in even steps of time where its recording begins again, and ends when it was shown as often as asked',
    { timeout: patience },
    async () => {
      const simulation = await started({ plays: 3 });
      const { mpegts } = addressesOf(simulation);
      const looked = PICTURES_A_LOOP + 10;
      const probe = [
        '-v',
        'error',
        '-select_streams',
        'v:0',
        '-show_entries',
        'packet=dts_time',
        '-of',
        'csv=p=0',
      ];
      const { stdout } = await run('ffprobe', [...probe, '-read_intervals', `%+#${looked}`, mpegts]);
      const times = stdout
        .split('\n')
        .filter((line) => line !== '')
        .map(parseFloat);
      const steps = times.slice(1).map((time, index) => time - (times[index] ?? NaN));
      expect(times.length).toBeGreaterThanOrEqual(looked - 1);
      expect(Math.min(...steps)).toBeGreaterThan(0.05);
      expect(Math.max(...steps)).toBeLessThan(0.25);
      await simulation.over();
    },
  );

  test(
    'is there again at the same address after it dropped out, and the agent finds it',
    { timeout: patience },
    async () => {
      const simulation = await started({});
      const { mpegts } = addressesOf(simulation);
      const camera = await recorded(mpegts);
      await camera.until(({ frames }) => frames.length >= 2);
      await simulation.stop();
      await camera.until(({ lost }) => lost > 0);
      const before = camera.frames.length;
      await simulation.start();
      await camera.until(({ frames }) => frames.length > before);
    },
  );

  test(
    'puts the moment at which it was made into each picture, when asked',
    { timeout: patience },
    async () => {
      const fromUs = Date.now() * 1000;
      const simulation = await started({ recordings: [yard, yard], timeCode: true });
      expect(simulation.addresses.map(({ id }) => id)).toEqual(['my-yard', 'my-yard-2']);
      const camera = await recorded(simulation.addresses[1]?.mpegts ?? '');
      await camera.until(({ frames }) => frames.length >= 5);
      let last = fromUs - 1;
      for (const { jpeg } of camera.frames.slice(0, 5)) {
        const { data, info } = await sharp(jpeg)
          .toColourspace('b-w')
          .raw()
          .toBuffer({ resolveWithObject: true });
        const us = readTimeCode({ data, width: info.width, height: info.height }) ?? NaN;
        expect(us).toBeGreaterThan(last);
        expect(us).toBeLessThanOrEqual(Date.now() * 1000);
        last = us;
      }
    },
  );

  test('is refused for a file that is no recording', async () => {
    const plan = Simulation.plan({ recordings: [import.meta.filename], host: '127.0.0.1', port: 0 });
    await expect(plan).rejects.toThrow('is no recording that ffmpeg can read');
  });
});
