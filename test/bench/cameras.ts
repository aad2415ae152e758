import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { connectNats } from '@faascam/core/messaging';
import { freePort } from '@faascam/core/ports';
import { cameraOf } from '@faascam/core/subjects';
import { busyRecording } from './agent-footage.ts';
import { lineThrough } from './agent-many.ts';
import { natsUrlOf, startUp } from './up.ts';
import { cpuTimeOf } from './processes.ts';
import type { Figure } from './figures.ts';

const COUNTS = [1, 4, 16] as const;
const SECONDS = 30;
const FPS = 5;
const WARM_UP_MS = 8000;

/**
 * The whole of faascam on this machine with 1, 4 and 16 cameras of 640x360 in which something moves most of the time,
 * five frames a second of each looked at: how the cost grows, and whether every camera gets its share when the machine
 * has too much to do.
 */
export async function benchCameras(model: string, scratch: string): Promise<Figure[]> {
  const video = smallRecording(scratch, await busyRecording(scratch));
  const figures: Figure[] = [];
  const costs: [cameras: number, cpu: number][] = [];
  for (const count of COUNTS) {
    const { cpu, answered } = await oneCount(model, video, count, join(scratch, `cameras-${count}`));
    const rates = answered.map((frames) => frames / SECONDS);
    const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
    // Those that are worked off within the measurement cost what they cost; where frames are dropped, the line is void.
    costs.push([count, cpu]);
    const least = Math.min(...rates) / mean;
    figures.push(
      { name: `${count} cameras: CPU a minute, all in all`, value: cpu, unit: 's' },
      { name: `${count} cameras: frames looked at, a camera`, value: mean, unit: '/s' },
      {
        name: `${count} cameras: CPU a frame looked at`,
        value: (cpu * 1000) / 60 / (mean * count),
        unit: 'ms',
      },
      {
        name: `${count} cameras: the one with the fewest, of the mean`,
        value: least,
        unit: 'x',
        ...(count === 1 ? {} : { aim: 'at least 0.8', met: least >= 0.8 }),
      },
    );
  }
  const { base, each, share } = lineThrough(costs);
  return [
    ...figures,
    { name: 'the line through the cost: for faascam itself', value: base, unit: 's' },
    { name: 'the line through the cost: for each camera', value: each, unit: 's' },
    { name: 'part of the cost that the line explains (R2)', value: share, unit: '' },
  ];
}

function smallRecording(scratch: string, video: string): string {
  const path = join(scratch, 'busy-small.mp4');
  const coding = '-c:v libx264 -preset veryfast -g 20 -bf 0 -pix_fmt yuv420p'.split(' ');
  const args = ['-v', 'error', '-y', '-i', video, '-vf', 'scale=640:360', '-r', '10', ...coding, path];
  if (!existsSync(path)) execFileSync('ffmpeg', args);
  return path;
}

/** CPU seconds a minute, and the frames of each camera that were looked at to the end, still ones too. */
async function oneCount(
  model: string,
  video: string,
  count: number,
  data: string,
): Promise<{ cpu: number; answered: number[] }> {
  const names = Array.from({ length: count }, (_, n) => `camera-${n}`);
  const camera = { source: `file:${video}`, decode: 'all', frames: { fps: FPS, idleFps: FPS } };
  const up = await startUp(data, {
    page: { port: await freePort() },
    detect: { model },
    cameras: Object.fromEntries(names.map((name) => [name, camera])),
  });
  try {
    const { nc } = await connectNats(await natsUrlOf(up.pid), 'bench');
    const answered = new Map(names.map((name) => [name, 0]));
    nc.subscribe('detections.*', {
      callback: (_error, { subject }) => {
        const name = cameraOf(subject);
        answered.set(name, (answered.get(name) ?? 0) + 1);
      },
    });
    await wait(WARM_UP_MS);
    for (const name of names) answered.set(name, 0);
    const before = cpuTimeOf(up.pid).allSeconds;
    await wait(SECONDS * 1000);
    const cpu = ((cpuTimeOf(up.pid).allSeconds - before) * 60) / SECONDS;
    const counts = [...answered.values()];
    await nc.close();
    return { cpu, answered: counts };
  } finally {
    await up.stop();
  }
}
