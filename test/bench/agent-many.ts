import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { testRecording } from './agent-footage.ts';
import { openBenchSite, until, watchFrames, type BenchSite, type SeenFrame } from './agent-site.ts';
import { atMost, type Figure } from './figures.ts';
import { cpuTimeOf, memoryOf } from './processes.ts';

const COUNTS = [1, 2, 4, 8, 16] as const;
const SECONDS = 20;

/**
 * 1 to 16 cameras of 640x360@15 on one agent, everything decoded, one frame a second of each: whether one is lost, and
 * how the cost grows.
 */
export async function benchAgentMany(scratch: string): Promise<Figure[]> {
  const video = testRecording(scratch, 'h264', '640x360', 15);
  const site = await openBenchSite(join(scratch, 'many'));
  try {
    const figures: Figure[] = [];
    const costs: [cameras: number, cpu: number][] = [];
    let lost = 0;
    for (const count of COUNTS) {
      const found = await oneCount(site, video, count);
      costs.push([count, found.cpu]);
      lost += found.lost;
      figures.push(
        { name: `${count} cameras: CPU a minute`, value: found.cpu, unit: 's' },
        { name: `${count} cameras: of it node`, value: found.node, unit: 's' },
        { name: `${count} cameras: node memory`, value: found.memory, unit: 'MB' },
      );
    }
    const { base, each, share } = lineThrough(costs);
    return [
      ...figures,
      atMost('frames lost, of all', lost, '', 0),
      { name: 'the line through the cost: for the agent itself', value: base, unit: 's' },
      { name: 'the line through the cost: for each camera', value: each, unit: 's' },
      {
        name: 'part of the cost that the line explains (R2)',
        value: share,
        unit: '',
        aim: 'at least 0.99',
        met: share >= 0.99,
      },
    ];
  } finally {
    await site.close();
  }
}

async function oneCount(
  site: BenchSite,
  video: string,
  count: number,
): Promise<{ cpu: number; node: number; memory: number; lost: number }> {
  const id = `of-${count}`;
  const frames = new Map<string, SeenFrame[]>();
  for (let n = 0; n < count; n++) {
    const camera = `${id}-${n}`;
    watchFrames(site.messaging, camera, (frame) =>
      frames.set(camera, [...(frames.get(camera) ?? []), frame]),
    );
  }
  // The picture moves all the time: a frame each second must come, whatever is left out of still ones.
  const settings = { source: `file:${video}`, decode: 'all', frames: { fps: 1, idleFps: 1 } };
  const names = Array.from({ length: count }, (_, n) => `${id}-${n}`);
  const agent = await site.agent(id, Object.fromEntries(names.map((name) => [name, settings])));
  await until('frames of all cameras', 60_000, () => frames.size === count);
  await wait(3000);
  const before = cpuTimeOf(agent.pid);
  await wait(SECONDS * 1000);
  const after = cpuTimeOf(agent.pid);
  const memory = memoryOf(agent.pid);
  const lost = [...frames.values()].reduce(
    (sum, seen) => sum + lostOf(seen.filter(({ kind }) => kind === 'image')),
    0,
  );
  await agent.stop();
  const aMinute = (seconds: number): number => (seconds * 60) / SECONDS;
  return {
    cpu: aMinute(after.allSeconds - before.allSeconds),
    node: aMinute(after.ownSeconds - before.ownSeconds),
    memory,
    lost,
  };
}

/** Frames that are missing between the first and the last of one a second: by their times, or by their numbers. */
function lostOf(frames: readonly SeenFrame[]): number {
  const inOrder = [...frames].sort((a, b) => a.capturedAtUs - b.capturedAtUs);
  const [first, last] = [inOrder[0], inOrder.at(-1)];
  if (first === undefined || last === undefined) return SECONDS;
  const byTime = Math.round((last.capturedAtUs - first.capturedAtUs) / 1e6) + 1;
  const byNumber = Math.max(...frames.map(({ seq }) => seq)) - Math.min(...frames.map(({ seq }) => seq)) + 1;
  return Math.max(0, byTime - frames.length, byNumber - frames.length);
}

/** Least squares: what is spent anyway, what each more costs, and the share of the variance that this explains. */
export function lineThrough(points: readonly (readonly [x: number, y: number])[]): {
  base: number;
  each: number;
  share: number;
} {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(points.map(([value]) => value)), mean(points.map(([, value]) => value))];
  const sum = (of: (point: readonly [number, number]) => number): number =>
    points.reduce((total, point) => total + of(point), 0);
  const each = sum(([a, b]) => (a - x) * (b - y)) / sum(([a]) => (a - x) ** 2);
  const base = y - each * x;
  const share = 1 - sum(([a, b]) => (b - base - each * a) ** 2) / sum(([, b]) => (b - y) ** 2);
  return { base, each, share };
}
