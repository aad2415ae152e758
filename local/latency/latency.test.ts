import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { openAgentTest, type AgentTest } from '@faascam/edge-agent/test-agent';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Simulation } from '../simulate/simulation.ts';
import { PgmSplitter } from './grey-pictures.ts';
import { LatencySamples } from './samples.ts';
import { watchFrames, watchRing, watchSource } from './watches.ts';

describe('ages of pictures', () => {
  test('are counted from the first sight of each moment, and told by nearest rank', () => {
    const samples = new LatencySamples();
    expect(samples.summary).toEqual({ pictures: 0, p50Ms: undefined, p95Ms: undefined });
    for (let ms = 1; ms <= 20; ms++) samples.add(ms * 1_000_000, ms * 1_000_000 + ms * 1000);
    samples.add(1_000_000, 99_000_000);
    expect(samples.summary).toEqual({ pictures: 20, p50Ms: 10, p95Ms: 19 });
  });

  test('come from pictures however their bytes arrive', () => {
    const bytes = Buffer.concat([Buffer.from('P5\n3 2\n255\nabcdef'), Buffer.from('P5\n2 1\n255\nxy')]);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const splitter = new PgmSplitter();
      const pictures = [bytes.subarray(0, cut), bytes.subarray(cut)].flatMap((part) => splitter.push(part));
      expect(pictures.map(({ data, width, height }) => `${String(data)} ${width}x${height}`)).toEqual([
        'abcdef 3x2',
        'xy 2x1',
      ]);
    }
  });
});

describe('a camera with a time code', () => {
  let agents: AgentTest;
  let simulation: Simulation;

  beforeAll(async () => {
    agents = await openAgentTest();
    simulation = await Simulation.plan({ recordings: [], host: '127.0.0.1', port: 0, timeCode: true });
    await simulation.start();
  }, 60_000);

  afterAll(async () => {
    await agents.stopAll();
    await simulation.stop();
    await agents.close();
  });

  test(
    'tells how old its pictures are as frames, in the ring, and at an address',
    { timeout: 90_000 },
    async () => {
      const address = simulation.addresses[0]?.mpegts ?? '';
      agents.start({ yard: address });
      const stop = new AbortController();
      const { signal } = stop;
      const all = { frames: new LatencySamples(), ring: new LatencySamples(), address: new LatencySamples() };
      const ring = join(agents.site.directory, 'data', 'ring', 'yard');
      const watching = Promise.all([
        watchFrames(agents.site.messaging, 'yard', { samples: all.frames, signal }),
        watchRing(ring, { samples: all.ring, signal }),
        watchSource(address, { samples: all.address, signal }),
      ]);
      const enough = (): boolean => Object.values(all).every(({ summary }) => summary.pictures >= 3);
      while (!enough() && !signal.aborted) await Promise.race([wait(50), watching]);
      stop.abort();
      expect(await watching).toEqual([undefined, undefined, undefined]);
      for (const { summary } of Object.values(all)) {
        expect(summary.p50Ms).toBeGreaterThan(0);
        // Of now, not of some other clock.
        expect(summary.p95Ms).toBeLessThan(60_000);
      }
    },
  );

  test('is told from one that does not answer', async () => {
    const { signal } = new AbortController();
    const why = await watchSource('http://127.0.0.1:1/', { samples: new LatencySamples(), signal });
    expect(why).toMatch(/does not listen on this port/);
  });
});
