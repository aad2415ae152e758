import { describe, expect, it } from 'vitest';
import type { Box } from '@faascam/core/box';
import { eventSettings } from '@faascam/core/settings';
import { advance } from './rules.ts';
import type { CameraTracks } from './state.ts';
import { withParkedRow } from './testing/parked-row.ts';
import { ordinaryWorld, worldFrames } from './testing/world.ts';
import { endsOf, eventsIn, play, playOn, secondsOf, together, walk, type Scene } from './testing/scene.ts';

const settings = eventSettings.parse(undefined);
const PARKED: Box = [0.5, 0.5, 0.3, 0.2];
const ROW: readonly Box[] = [0.02, 0.22, 0.42, 0.62, 0.82].map((x): Box => [x, 0.5, 0.16, 0.15]);

/** A car that drives in, stands at its place, and drives off. */
const visit =
  (from: number, leaves: number, while_: Scene = () => ({ inferred: false })): Scene =>
  (second) => {
    const at = (x: number): Box => [Math.max(0, x), 0.5, Math.min(0.3, x + 0.3), 0.2];
    if (second < from) return { inferred: false };
    if (second < from + 4) return { objects: [{ label: 'car', box: at(0.1 + (second - from) / 10) }] };
    if (second < from + 12)
      return { objects: [{ label: 'car', box: PARKED, motion: 'none' }], motion: 'settling' };
    if (second < leaves) return while_(second);
    const driven = 0.5 - (second - leaves) / 10;
    return driven > -0.2 ? { objects: [{ label: 'car', box: at(driven) }] } : {};
  };

const parkedCar =
  (box: Box, score = 0.8): Scene =>
  () => ({
    objects: [{ label: 'car', score, box, motion: 'none' }],
  });

/** The part of a box that a person who walks before it leaves visible, as a detector boxes it. */
function behind(box: Box, person: Box): Box | undefined {
  const [left, right] = [box[0], box[0] + box[2]];
  const [from, to] = [Math.max(left, person[0]), Math.min(right, person[0] + person[2])];
  if (to <= from) return box;
  const rest: Box =
    from - left > right - to ? [left, box[1], from - left, box[3]] : [to, box[1], right - to, box[3]];
  return rest[2] > 0.03 ? rest : undefined;
}

describe('a car that parks', () => {
  it('is told once when it comes, which ends soon, and once again when it leaves', () => {
    const ends = endsOf(visit(1, 40), 60);
    expect(ends.map(({ endReason }) => endReason)).toEqual(['still', 'left']);
    expect(secondsOf(ends[0]?.startUs ?? 0)).toBeLessThan(1.5);
    expect(secondsOf(ends[0]?.endUs ?? 0)).toBeLessThan(11);
    expect(secondsOf(ends[1]?.startUs ?? 0)).toBeGreaterThan(39);
    expect(secondsOf(ends[1]?.startUs ?? 0)).toBeLessThan(42);
  });

  it('is not told again after an hour in which nobody looked, until it leaves', () => {
    const leavesAtS = 3600;
    const scene = visit(1, leavesAtS);
    // One frame a second while nothing happens.
    const sent = (second: number): boolean =>
      second < 20 || second > leavesAtS - 5 || Number.isInteger(second);
    const ends = endsOf(scene, leavesAtS + 20, { sent });
    expect(ends.map(({ startUs }) => Math.round(secondsOf(startUs) / 60))).toEqual([0, 60]);
  });

  it('is not told again when the detector blinks on it for minutes while someone walks past', () => {
    const blinking = visit(1, 400, (second) => {
      const seen = second > 340 || (second > 50 && second < 51);
      return { objects: seen ? [{ label: 'car', box: PARKED, motion: 'none' }] : [], motion: 'settling' };
    });
    const passing: Scene = (second) =>
      second > 340 && second < 350 ? walk(340, 350, 0.45)(second) : { inferred: false };
    const ends = endsOf(together(blinking, passing), 420);
    expect(ends.map(({ labels }) => labels)).toEqual([['car'], ['person'], ['car']]);
  });

  it('is still known when its camera was lost meanwhile', () => {
    const scene = visit(1, 100, (second) => {
      if (second > 30 && second < 31) return { motion: 'lost', inferred: false };
      return { objects: [{ label: 'car', box: PARKED, motion: 'none' }], motion: 'settling' };
    });
    const sent = (second: number): boolean => second < 31 || second > 60;
    expect(endsOf(scene, 120, { sent }).map(({ endReason }) => endReason)).toEqual(['still', 'left']);
  });

  it('is not told again when the light changes over the whole picture and its box trembles', () => {
    const scene = visit(1, 100, (second) => {
      const shake = 0.02 * Math.sin(second * 9);
      const box: Box = [PARKED[0] + shake, PARKED[1] - shake / 2, PARKED[2] - shake, PARKED[3]];
      return { objects: [{ label: 'car', box, motion: [0, 0, 1, 1] }] };
    });
    const ends = endsOf(scene, 115);
    expect(ends.map(({ endReason }) => endReason)).toEqual(['still', 'left']);
    expect(secondsOf(ends[1]?.startUs ?? 0)).toBeGreaterThan(99);
  });
});

describe('what was always there', () => {
  it('is never told, whatever moves beside it', () => {
    const scene: Scene = (second) => ({
      objects: [{ label: 'car', box: [0.1, 0.5, 0.3, 0.2], motion: 'none' }],
      motionBoxes: second % 4 < 2 ? [[0.7, 0.1, 0.1, 0.1]] : [],
    });
    expect(play(scene, 30)).toEqual([]);
  });

  it('is a row of cars that nobody hears of while people walk past and hide parts of them', () => {
    const scene: Scene = (second) => {
      const people = [walk(2, 20, 0.35)(second), walk(8, 30, 0.4)(second), walk(15, 40, 0.3)(second)];
      const walkers = people.flatMap(({ objects = [] }) => objects);
      const cars = ROW.flatMap((car, index) => {
        const seen = walkers.reduce<Box | undefined>((left, { box }) => left && behind(left, box), car);
        // A detector that now and then misses one.
        if (seen === undefined || Math.floor(second * 5 + index * 3) % 7 === 0) return [];
        return [{ label: 'car', score: 0.75, box: seen, motion: 'none' as const }];
      });
      return { objects: [...walkers, ...cars] };
    };
    const { sent, state } = playOn(scene, 50);
    expect(eventsIn(sent, 'end').flatMap(({ labels }) => labels)).toEqual(['person']);
    expect(state?.tracks.filter(({ votes }) => 'car' in votes).every(({ moved }) => !moved)).toBe(true);
  });

  it('is a row of cars of which none is told in half an hour, with people before them and a detector that blinks and trembles', () => {
    const detectors = [
      { missed: 0.1, jitter: 0.03 },
      { missed: 0.4, jitter: 0.03 },
      { missed: 0.7, jitter: 0.03 },
    ];
    let people = 0;
    const cars = new Set<string>();
    for (let seed = 501; seed <= 515; seed++) {
      const frames = worldFrames({ ...ordinaryWorld, seed, people: 3, seconds: 120 });
      let state: CameraTracks | undefined;
      for (const { message } of withParkedRow(frames, {
        seed,
        ...(detectors[seed % 3] ?? { missed: 0, jitter: 0 }),
      })) {
        const step = advance(state, message, settings);
        if (step.kind !== 'advanced') throw new Error('frames of a world are in order');
        state = step.state;
        for (const { label, id } of eventsIn(step.outgoing, 'end').flatMap(({ tracks }) => tracks))
          if (label === 'person') people += 1;
          else cars.add(`${seed} ${id}`);
      }
      for (const { label, id } of state?.open?.members ?? [])
        if (label === 'person') people += 1;
        else cars.add(`${seed} ${id}`);
    }
    expect(people).toBeGreaterThan(50);
    expect([...cars]).toEqual([]);
  });

  it('is not told when the light goes on and the detector sees it for the first time', () => {
    const scene = (second: number) =>
      second < 5
        ? { inferred: false }
        : { ...parkedCar(PARKED)(second), motionBoxes: second < 8 ? [[0, 0, 1, 1] as Box] : [] };
    expect(play(scene, 30)).toEqual([]);
  });

  it('begins to count when it moves at last', () => {
    const scene: Scene = (second) =>
      second < 20
        ? parkedCar(PARKED)(second)
        : { objects: [{ label: 'car', box: [0.5 - (second - 20) / 10, 0.5, 0.3, 0.2] }] };
    const [start] = eventsIn(play(scene, 24), 'start');
    expect(start?.labels).toEqual(['car']);
    expect(secondsOf(start?.startUs ?? 0)).toBeGreaterThanOrEqual(20);
    expect(secondsOf(start?.startUs ?? 0)).toBeLessThan(21);
  });
});
