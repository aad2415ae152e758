import { describe, expect, it } from 'vitest';
import { eventMessage } from '@faascam/core/messages';
import type { Box } from '@faascam/core/box';
import { endOfForgotten, growEvent } from './event.ts';
import { eventSettings } from '@faascam/core/settings';
import { endsOf, eventsIn, play, playOn, secondsOf, together, walk, type Scene } from './testing/scene.ts';

describe('an event', () => {
  it('says why it began and why it ended, with scores, frames, model and the revision of the config', () => {
    const sent = play(walk(2, 8), 20, { places: { revision: 'abcd1234' } });
    const [start] = eventsIn(sent, 'start');
    const [end] = eventsIn(sent, 'end');
    expect(start?.began).toEqual({
      rule: 'object-moved',
      atUs: start?.began?.sightings.at(-1)?.atUs,
      seq: 12,
      track: 0,
      label: 'person',
      sightings: [10, 11, 12].map((seq) => ({
        atUs: 1_700_000_000_000_000 + seq * 200_000,
        seq,
        score: 0.8,
      })),
      medianScore: 0.8,
      needed: { hits: 3, medianScore: 0.6 },
      model: 'a'.repeat(64),
      configRevision: 'abcd1234',
    });
    expect(end?.began).toEqual(start?.began);
    expect(end?.ended).toMatchObject({
      rule: 'objects-left',
      seq: 50,
      lastSight: { seq: 40, score: 0.8, track: 0, label: 'person' },
      quietMs: 2000,
      configRevision: 'abcd1234',
    });
    expect(eventMessage.parse(end)).toEqual(end);
  });

  it('goes on when the next object comes within the merge gap, and not when it comes after', () => {
    const scene = (gapS: number): Scene => together(walk(2, 6), walk(6 + gapS, 12 + gapS));
    const events = (gapS: number, mergeGapMs: number) =>
      endsOf(scene(gapS), 40, { settings: { mergeGapMs } }).length;
    expect([events(1.6, 2000), events(3, 2000), events(8, 10_000), events(8, 7000)]).toEqual([1, 2, 1, 2]);
  });

  it('goes on for who came within the gap and is sure only after it', () => {
    // The last sight is at 6.0, the first of the next at 7.8, and the third at 8.2.
    expect(endsOf(together(walk(2, 6), walk(7.8, 13)), 30)).toHaveLength(1);
  });

  it('offers the frames in which its object is large, clear and whole as pictures, best first', () => {
    const scene: Scene = (second) => {
      if (second > 8) return {};
      // Comes nearer, is largest at 6 s, and is cut by the border from 7 s on.
      const size = Math.min(1, 0.3 + second / 8);
      const box: Box = [
        second < 7 ? 0.1 + second / 20 : 1 - 0.2 * size,
        0.5 - size / 3,
        0.2 * size,
        0.6 * size,
      ];
      return { objects: [{ box, score: Math.abs(second - 3) < 0.3 ? 0.85 : 0.8 }] };
    };
    const [end] = endsOf(scene, 15);
    const times = end?.candidates?.map(({ atUs }) => secondsOf(atUs)) ?? [];
    expect(end?.best).toEqual(end?.candidates?.[0]);
    expect(times).toHaveLength(5);
    expect(times[0]).toBeGreaterThan(5);
    expect(times[0]).toBeLessThan(7);
    expect(new Set(times.map((time) => Math.floor(2 * time))).size).toBe(5);
  });

  it('whose state was lost ends with what was told of it last, and its clip is asked for', () => {
    const [start] = eventsIn(play(walk(2, 8), 20), 'start');
    if (start === undefined) throw new Error('there is a visit');
    const outgoing = endOfForgotten(start, eventSettings.parse(undefined));
    expect(outgoing.map(({ kind, msgID }) => [kind, msgID])).toEqual([
      ['event', `${start.id}-end`],
      ['wanted', `wanted-${start.id}`],
    ]);
    expect(outgoing[0]?.message).toMatchObject({ phase: 'end', ended: { rule: 'state-lost' } });
  });

  it('of a busy hour holds a hundred tracks and counts the others', () => {
    const { state } = playOn(walk(2, 8), 5);
    if (state?.open === undefined) throw new Error('the visit has begun');
    const [one] = state.open.members;
    if (one === undefined) throw new Error('the event has a member');
    const crowd = Array.from({ length: 130 }, (_, id) => ({
      ...one,
      id,
      best: { ...one.best, score: (id % 97) / 100 },
    }));
    const activity = { members: crowd, crossings: [], candidate: undefined, lastSight: undefined };
    const grown = growEvent(state.open, activity);
    expect(grown.members).toHaveLength(100);
    expect(grown.membersLeftOut).toBe(30);
    expect(Math.min(...grown.members.map(({ best }) => best.score))).toBeGreaterThan(0.1);
  });
});

describe('motion without an object', () => {
  const blowing =
    (from: number, to: number): Scene =>
    (second) =>
      second >= from && second < to ? { motionBoxes: [[0.2, 0.2, 0.3, 0.1]] } : {};

  it('makes no event unless it is asked for', () => {
    expect(play(blowing(2, 10), 20)).toEqual([]);
  });

  it('makes one when it goes on for a second, which ends when it has ceased', () => {
    const [end, ...others] = endsOf(blowing(2, 10), 20, { settings: { motionEvents: true } });
    expect(others).toEqual([]);
    expect(end).toMatchObject({
      labels: ['motion'],
      began: { rule: 'motion' },
      ended: { rule: 'motion-ceased' },
    });
    expect(secondsOf(end?.startUs ?? 0)).toBeCloseTo(2);
    expect(secondsOf(end?.endUs ?? 0)).toBeCloseTo(9.8);
    expect(endsOf(blowing(2, 2.6), 20, { settings: { motionEvents: true } })).toEqual([]);
  });

  it('is the same event when an object is made out in it, and none of its own when one was there before', () => {
    const settings = { motionEvents: true };
    const [both, ...others] = endsOf(together(blowing(2, 10), walk(5, 9)), 25, { settings });
    expect(others).toEqual([]);
    expect(both?.labels).toEqual(['motion', 'person']);
    expect(endsOf(walk(2, 8), 20, { settings }).map(({ labels }) => labels)).toEqual([['person']]);
  });
});
