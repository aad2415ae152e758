import { beforeAll, describe, expect, it } from 'vitest';
import { motionSettings } from '@faascam/core/settings';
import { createRandom } from '@faascam/local/demo/random';
import { watchLuma } from '@faascam/motion/watch';
import { eventsOf, type Span } from './accuracy-events.ts';
import { troubled } from './hard-cases-footage.ts';
import { caseFps } from './hard-cases-pixels.ts';
import { leftAndTaken, walkers, type Footage } from './hard-cases-scenes.ts';
import { hardCases, type HardCase } from './hard-cases.ts';

/** Around a visit it is a matter of taste whether someone is in the picture. */
const SLACK_S = 1;
/**
 * Cases in which something false may be told of, and for how much of the time outside visits, in %. The footage is so
 * short that the first gust in the leaves counts for four.
 */
const mostFalse: Record<string, number> = { rain: 3, snow: 3, foliage: 6, shake: 5, "spider's web": 10 };

const settings = motionSettings.parse(undefined);
let footage: Footage;

beforeAll(() => {
  footage = walkers(0, { count: 1, gapS: 7, low: 100, high: 110 });
});

/** Whether each frame moves. */
async function movingIn(source: Footage, trouble: HardCase): Promise<boolean[]> {
  const watch = watchLuma(settings);
  const moving: boolean[] = [];
  for await (const luma of troubled(source, trouble)) {
    const atUs = 1_000_000 + Math.round((moving.length * 1e6) / caseFps);
    moving.push(watch(luma, atUs).said.kind === 'moving');
  }
  return moving;
}

/** The moving frames with nobody in the picture. */
function outside(moving: readonly boolean[], visits: readonly Span[]): boolean[] {
  const near = (s: number): boolean => visits.some(([from, to]) => s >= from - SLACK_S && s <= to + SLACK_S);
  return moving.map((is, frame) => is && !near(frame / caseFps));
}

describe('motion sees a walker, and nothing else', () => {
  it.each(hardCases.filter(({ quietOnly }) => quietOnly !== true).map((trouble) => [trouble.name, trouble]))(
    'under the hard case: %s',
    async (name, trouble) => {
      if (typeof name !== 'string' || typeof trouble === 'string') throw new Error('no case');
      const [visit] = footage.visits;
      if (visit === undefined) throw new Error('nobody walks');
      const moving = await movingIn(footage, trouble);
      const seen = moving.filter(
        (is, frame) => is && frame / caseFps >= visit[0] && frame / caseFps <= visit[1],
      );
      expect(seen.length / caseFps, 'seconds of the visit that are seen').toBeGreaterThan(1.5);
      const others = outside(moving, [visit]);
      const share = (100 * others.filter(Boolean).length) / others.length;
      expect(share, '% of the time that moves with nobody there').toBeLessThanOrEqual(mostFalse[name] ?? 0);
    },
  );
});

describe('motion sees visits one after the other through the same door', () => {
  // The place where people come in is restless, and frames are dropped by whoever is behind.
  it('with half of the frames dropped at random', async () => {
    const source = walkers(0, { count: 4, gapS: 3, low: 100, high: 110 });
    const random = createRandom(5);
    const watch = watchLuma(settings);
    const seen = source.visits.map(() => 0);
    let index = -1;
    for await (const luma of troubled(source, { name: 'clean' })) {
      index++;
      // Five a second are sent.
      if (index % 2 === 1 || random.chance(0.5)) continue;
      const { said } = watch(luma, 1_000_000 + Math.round((index * 1e6) / caseFps));
      source.visits.forEach(([from, to], visit) => {
        const within = index / caseFps >= from && index / caseFps <= to;
        if (within && said.kind === 'moving') seen[visit] = (seen[visit] ?? 0) + 1;
      });
    }
    for (const frames of seen) expect(frames).toBeGreaterThanOrEqual(3);
  });
});

describe('motion leaves no ghost', () => {
  it('where someone stood for twenty seconds, or where a case was left and taken', async () => {
    const clean: HardCase = { name: 'clean' };
    const standing = walkers(0, { count: 1, gapS: 5, low: 100, high: 110, standS: 20 });
    for (const source of [standing, leftAndTaken(0)]) {
      const moving = await movingIn(source, clean);
      expect(eventsOf(moving, caseFps).length).toBeGreaterThan(0);
      expect(outside(moving, source.visits).filter(Boolean)).toEqual([]);
    }
  });

  it('and tells of someone who stands and shifts his weight as of one visit', async () => {
    const source = shifting(walkers(0, { count: 1, gapS: 4, low: 100, high: 110, standS: 12 }));
    const events = eventsOf(await movingIn(source, { name: 'clean' }), caseFps);
    expect(events).toHaveLength(1);
  });
});

/** Every two seconds half of the picture's middle is moved to the side by a few pixels for a moment. */
function shifting({ frames, ...rest }: Footage): Footage {
  const [width, height] = [640, 360];
  return {
    ...rest,
    frames: frames.map((frame, index) => {
      const step = index % 20 < 4 ? 4 : 0;
      if (step === 0) return frame;
      const changed = Uint8Array.from(frame);
      for (let y = 200; y < height; y++) {
        for (let x = 160; x < 480; x++) changed[y * width + x] = frame[y * width + x - step] ?? 0;
      }
      return changed;
    }),
  };
}
