import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventSettings } from '@faascam/core/settings';
import { advance } from './rules.ts';
import type { CameraTracks } from './state.ts';
import { judgeIdentities, type IdentityScores } from './testing/identity.ts';
import { endsOf, together, walk, type Scene } from './testing/scene.ts';
import { ordinaryWorld, worldFrames, type WorldOptions } from './testing/world.ts';

const settings = eventSettings.parse(undefined);

function judge(options: Partial<WorldOptions> & { seed: number }, withLow = true): IdentityScores {
  let state: CameraTracks | undefined;
  const frames = worldFrames({ ...ordinaryWorld, ...options }).map(({ message, truth }) => {
    const step = advance(state, withLow ? message : { ...message, low: undefined }, settings);
    if (step.kind !== 'advanced') throw new Error('frames of a world are in order');
    state = step.state;
    const seen = state.tracks.filter((track) => track.confirmed && track.lastUs === message.capturedAtUs);
    return { truth, told: seen.map(({ id, box }) => ({ track: id, box })) };
  });
  return judgeIdentities(frames);
}

const sum = (all: readonly IdentityScores[], key: keyof IdentityScores): number =>
  all.reduce((total, each) => total + each[key], 0);

describe('following', () => {
  it('keeps the identities of people who walk, turn, stop and cross before an erring detector', () => {
    const all = Array.from({ length: 6 }, (_, seed) => judge({ seed: 1000 + seed }));
    const mota = 1 - (sum(all, 'missed') + sum(all, 'invented') + sum(all, 'switches')) / sum(all, 'objects');
    expect(mota).toBeGreaterThan(0.8);
    expect(sum(all, 'hota') / all.length).toBeGreaterThan(0.6);
    expect(sum(all, 'switches') / sum(all, 'objects')).toBeLessThan(0.02);
  });

  it('misses fewer for sights of low score, and follows nothing that only they show', () => {
    const [with_, without] = [true, false].map((low) =>
      Array.from({ length: 4 }, (_, seed) => judge({ seed: 2000 + seed }, low)),
    );
    expect(sum(with_ ?? [], 'missed')).toBeLessThan(0.8 * sum(without ?? [], 'missed'));
    expect(sum(with_ ?? [], 'invented')).toBeLessThanOrEqual(1.2 * sum(without ?? [], 'invented') + 5);
    const faint: Scene = (second) => ({
      low: walk(0, 20)(second).objects?.map((each) => ({ ...each, score: 0.3 })) ?? [],
    });
    expect(endsOf(faint, 25)).toEqual([]);
  });

  it('never gives one track to two objects of a frame, and never loses count', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100_000 }), fc.integer({ min: 1, max: 12 }), (seed, people) => {
        let state: CameraTracks | undefined;
        for (const { message } of worldFrames({ ...ordinaryWorld, seed, people, seconds: 8, invented: 1 })) {
          const step = advance(state, message, settings);
          if (step.kind !== 'advanced') throw new Error('frames of a world are in order');
          const ids = step.state.tracks.map(({ id }) => id);
          expect(new Set(ids).size).toBe(ids.length);
          expect(ids.every((id) => id < step.state.nextTrack)).toBe(true);
          const seen = step.state.tracks.filter(({ lastUs }) => lastUs === message.capturedAtUs);
          expect(seen.length).toBeLessThanOrEqual(message.objects.length + (message.low?.length ?? 0));
          state = step.state;
        }
      }),
      { numRuns: 25 },
    );
  });

  it('follows who walks behind something for a second and a half as the same', () => {
    const scene: Scene = (second) => (second > 4 && second < 5.5 ? { motion: 'moving' } : walk(2, 8)(second));
    const ends = endsOf(scene, 20);
    expect(ends.map(({ tracks }) => tracks.length)).toEqual([1]);
  });

  it('keeps two apart who cross while one hides the other', () => {
    const other: Scene = (second) => {
      const shown = walk(1, 9, 0.42)(10 - second);
      const hidden = second > 4.7 && second < 5.3;
      return hidden ? {} : shown;
    };
    const [end] = endsOf(together(walk(1, 9), other), 20);
    expect(end?.tracks.map(({ label }) => label)).toEqual(['person', 'person']);
    const spans = end?.tracks.map(({ startUs, endUs }) => (endUs - startUs) / 1_000_000) ?? [];
    expect(Math.min(...spans)).toBeGreaterThan(7);
  });

  it('takes two boxes of one object for one', () => {
    const scene: Scene = (second) => {
      const { objects = [] } = walk(1, 9)(second);
      return {
        objects: objects.flatMap((each) => [
          each,
          { ...each, box: [each.box[0], 0.4, 0.08, 0.24], score: 0.7 },
        ]),
      };
    };
    const [end] = endsOf(scene, 20);
    expect(end?.tracks).toHaveLength(1);
  });
});
