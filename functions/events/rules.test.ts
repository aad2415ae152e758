import { describe, expect, it } from 'vitest';
import type { Box } from '@faascam/core/box';
import { eventSettings } from '@faascam/core/settings';
import { advance } from './rules.ts';
import { decodeTracks, encodeTracks, type CameraTracks } from './state.ts';
import { stateAfter } from './testing/play.ts';
import { endsOf, eventsIn, frameOf, play, secondsOf, walk, type Scene } from './testing/scene.ts';

const settings = eventSettings.parse(undefined);

describe('events', () => {
  it('tell of a visit once, from its first to its last sight', () => {
    const sent = play(walk(2, 8), 20);
    const [start] = eventsIn(sent, 'start');
    const ends = eventsIn(sent, 'end');
    expect(eventsIn(sent, 'start')).toHaveLength(1);
    expect(ends).toHaveLength(1);
    expect(ends[0]).toMatchObject({ id: start?.id, labels: ['person'], endReason: 'left' });
    expect(secondsOf(ends[0]?.startUs ?? 0)).toBeCloseTo(2);
    expect(secondsOf(ends[0]?.endUs ?? 0)).toBeCloseTo(8);
  });

  it('begin with the first sight, also when motion takes a while to make up its mind', () => {
    const unsure: Scene = (second) =>
      second >= 2 && second < 2.9
        ? {
            objects: walk(2, 8)(second).objects?.map((each) => ({ ...each, motion: 'none' })) ?? [],
            motion: 'settling',
          }
        : walk(2, 8)(second);
    const [end, ...others] = endsOf(unsure, 20);
    expect(others).toEqual([]);
    expect(secondsOf(end?.startUs ?? 0)).toBeCloseTo(2);
    expect(end?.tracks).toHaveLength(1);
  });

  it('want the clip with pre- and post-roll when the event has ended', () => {
    const wanted = play(walk(10, 14), 25).flatMap((each) => (each.kind === 'wanted' ? [each.message] : []));
    expect(wanted).toHaveLength(1);
    expect(secondsOf(wanted[0]?.fromUs ?? 0)).toBeCloseTo(5);
    expect(secondsOf(wanted[0]?.toUs ?? 0)).toBeCloseTo(19);
  });

  it('are two when someone comes again after three seconds', () => {
    const scene: Scene = (second) => (second < 9 ? walk(2, 8)(second) : walk(11, 15)(second));
    expect(eventsIn(play(scene, 25), 'end').map(({ startUs }) => secondsOf(startUs))).toEqual([
      expect.closeTo(2),
      expect.closeTo(11),
    ]);
  });

  it('last while a person stands still and is not looked at', () => {
    const scene: Scene = (second) => {
      if (second < 5) return walk(1, 5)(second);
      const standing = { box: [0.85, 0.4, 0.08, 0.4] as Box };
      if (second < 8) return { objects: [standing], motion: 'settling' };
      if (second < 30) return { inferred: false, motion: 'still' };
      return second < 33 ? { objects: [{ box: [0.85 - (second - 30) / 4, 0.4, 0.08, 0.4] }] } : {};
    };
    const ends = eventsIn(play(scene, 45), 'end');
    expect(ends).toHaveLength(1);
    expect(secondsOf(ends[0]?.endUs ?? 0)).toBeCloseTo(32.8);
  });

  it('need a good median score: a few lucky frames do not make one', () => {
    const scene: Scene = (second) => ({
      objects: [{ score: Math.round(second * 5) % 4 === 0 ? 0.9 : 0.45, box: [second / 20, 0.4, 0.1, 0.4] }],
    });
    expect(play(scene, 10)).toEqual([]);
  });

  it('ignore labels that nobody asked for', () => {
    const scene: Scene = (second) => ({ objects: [{ label: 'toaster', box: [second / 20, 0.4, 0.1, 0.4] }] });
    expect(play(scene, 10)).toEqual([]);
  });

  it('survive a second without sight, as one track', () => {
    const scene: Scene = (second) => (second > 4 && second < 5 ? { motion: 'moving' } : walk(2, 8)(second));
    const ends = eventsIn(play(scene, 20), 'end');
    expect(ends).toHaveLength(1);
    expect(ends[0]?.tracks).toHaveLength(1);
  });

  it('keep two people who cross apart from each other', () => {
    const scene: Scene = (second) => {
      const there = second / 10;
      return second < 8
        ? { objects: [{ box: [0.05 + there, 0.3, 0.08, 0.4] }, { box: [0.85 - there, 0.45, 0.08, 0.45] }] }
        : {};
    };
    const ends = eventsIn(play(scene, 20), 'end');
    expect(ends).toHaveLength(1);
    expect(ends[0]?.tracks).toHaveLength(2);
  });

  it('do not take a silent camera for an empty scene', () => {
    const scene: Scene = (second) => {
      const at: Box =
        second < 4 ? [0.1 + second / 20, 0.4, 0.1, 0.4] : [0.3 + (second - 8) / 20, 0.4, 0.1, 0.4];
      return second < 12 ? { objects: [{ box: at }] } : {};
    };
    const sent = (second: number): boolean => second < 4 || second > 8;
    expect(endsOf(scene, 20, { sent })).toHaveLength(1);
  });

  it('end with their last sight when the camera is lost', () => {
    const scene: Scene = (second) => (second > 6 ? { motion: 'lost', inferred: false } : walk(2, 8)(second));
    const ends = eventsIn(play(scene, 6.5), 'end');
    expect(ends).toHaveLength(1);
    expect(ends[0]?.endReason).toBe('camera-lost');
    expect(secondsOf(ends[0]?.endUs ?? 0)).toBeCloseTo(6);
  });

  it('are split at their longest without a frame between the parts', () => {
    const scene: Scene = (second) => ({
      objects: [{ box: [0.4 + 0.3 * Math.sin(second / 3), 0.4, 0.1, 0.4] }],
    });
    const sent = play(scene, 70, { settings: { maxMs: 30_000 } });
    const [first, second] = eventsIn(sent, 'end');
    expect(first).toMatchObject({ endReason: 'split', ended: { rule: 'longest' } });
    expect((first?.endUs ?? 0) - (first?.startUs ?? 0)).toBe(30_000_000);
    expect(second?.began).toMatchObject({ rule: 'split', after: first?.id });
    expect(second?.startUs).toBe(first?.endUs);
  });

  it('are said again word for word when a frame comes twice, and a late frame says nothing', () => {
    const frames = Array.from({ length: 20 }, (_, index) => frameOf(walk(0, 5), index));
    let state: CameraTracks | undefined;
    for (const frame of frames) {
      state = stateAfter(advance(state, frame, settings));
      expect(advance(state, frame, settings)).toEqual({ kind: 'again', outgoing: state.outgoing });
    }
    const [early] = frames;
    if (early !== undefined) expect(advance(state, early, settings)).toEqual({ kind: 'late' });
  });

  it('begin anew from a damaged state or one of another version or camera', () => {
    expect(decodeTracks(Buffer.from('{"v":2,'), 'yard')).toBe('damaged');
    expect(decodeTracks(Buffer.from('{"v":1}'), 'yard')).toBe('damaged');
    const state = stateAfter(advance(undefined, frameOf(walk(0, 5), 1), settings));
    expect(decodeTracks(encodeTracks(state), 'yard')).toMatchObject({ camera: 'yard' });
    expect(decodeTracks(encodeTracks(state), 'door')).toBe('damaged');
  });
});
