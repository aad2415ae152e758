import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { busyRecording, visitRecording } from './agent-footage.ts';
import { lineThrough } from './agent-many.ts';
import { openBenchSite, until, watchFrames } from './agent-site.ts';
import { percentile, type Figure } from './figures.ts';
import { cpuTimeOf, memoryOf } from './processes.ts';

const EVERY_S = 10;
/** Until then caches fill and code is compiled. */
const WARM_UP_MINUTES = 3;

/** An agent with four cameras for many minutes: whether memory and CPU time stay as they are. */
export async function benchAgentSoak(scratch: string, minutes: number): Promise<Figure[]> {
  const busy = await busyRecording(scratch);
  const { path: visit } = await visitRecording(scratch);
  const site = await openBenchSite(join(scratch, 'soak'));
  try {
    const seen = new Map<string, number>();
    watchFrames(site.messaging, '*', ({ camera }) => seen.set(camera, (seen.get(camera) ?? 0) + 1));
    const agent = await site.agent('soak', {
      'busy-all': { source: `file:${busy}`, decode: 'all' },
      'busy-auto': { source: `file:${busy}`, decode: 'auto' },
      'visit-auto': { source: `file:${visit}`, decode: 'auto' },
      'visit-keyframes': { source: `file:${visit}`, decode: 'keyframes' },
    });
    await until('frames of all cameras', 60_000, () => seen.size === 4);
    await wait(Math.min(WARM_UP_MINUTES, minutes / 4) * 60_000);
    const memory: [hours: number, megabytes: number][] = [];
    const cpu: [hours: number, secondsAMinute: number][] = [];
    let before = cpuTimeOf(agent.pid).allSeconds;
    for (let s = EVERY_S; s <= minutes * 60; s += EVERY_S) {
      await wait(EVERY_S * 1000);
      memory.push([s / 3600, memoryOf(agent.pid)]);
      const now = cpuTimeOf(agent.pid).allSeconds;
      cpu.push([s / 3600, ((now - before) * 60) / EVERY_S]);
      before = now;
    }
    const megabytes = memory.map(([, value]) => value);
    const costs = cpu.map(([, value]) => value);
    return [
      { name: 'minutes', value: minutes, unit: '' },
      { name: 'node memory, p50', value: percentile(megabytes, 50), unit: 'MB' },
      { name: 'node memory, highest', value: Math.max(...megabytes), unit: 'MB' },
      { name: 'node memory, slope', value: lineThrough(memory).each, unit: 'MB/h' },
      { name: 'CPU a minute, p50', value: percentile(costs, 50), unit: 's' },
      { name: 'CPU a minute, slope', value: lineThrough(cpu).each, unit: 's/h' },
    ];
  } finally {
    await site.close();
  }
}
