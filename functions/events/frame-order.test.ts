import { describe, expect, it } from 'vitest';
import type { Box } from '@faascam/core/box';
import type { DetectionsMessage } from '@faascam/core/messages';
import { eventSettings } from '@faascam/core/settings';
import { advance, type Step } from './rules.ts';
import type { CameraTracks, Outgoing } from './state.ts';
import { stateAfter } from './testing/play.ts';
import { eventsIn, frameOf, SCENE_START_US, secondsOf, walk, type Scene } from './testing/scene.ts';

const settings = eventSettings.parse(undefined);
const HOUR_US = 3_600_000_000;

/** Plays frames as they come; those that are not looked at leave the state as it was. */
function take(frames: readonly DetectionsMessage[]): { steps: Step[]; sent: Outgoing[] } {
  let state: CameraTracks | undefined;
  const steps = frames.map((frame) => {
    const step = advance(state, frame, settings);
    if ('state' in step) state = stateAfter(step);
    return step;
  });
  return { steps, sent: steps.flatMap((step) => ('outgoing' in step ? step.outgoing : [])) };
}

const framesOf = (scene: Scene, from: number, to: number): DetectionsMessage[] =>
  Array.from({ length: (to - from) * 5 }, (_, index) => frameOf(scene, from * 5 + index));
const later = (frame: DetectionsMessage, us: number): DetectionsMessage => ({
  ...frame,
  capturedAtUs: frame.capturedAtUs + us,
});

describe('the time of frames', () => {
  const visit = framesOf(walk(2, 8), 0, 15);
  const kindsOf = (steps: readonly Step[]): string[] => [
    ...new Set(steps.map(({ kind }) => kind).filter((kind) => kind !== 'advanced')),
  ];

  it.each([
    ['hours ahead', 5 * HOUR_US],
    ['half a minute ahead', 30_000_000],
    ['an hour behind', -HOUR_US],
    ['before the epoch of cameras', 1 - SCENE_START_US],
  ])('changes nothing when one frame is %s', (_what, us) => {
    const plain = take(visit).sent;
    const odd = later(frameOf(walk(2, 8), 23), us);
    const { steps, sent } = take([...visit.slice(0, 24), odd, ...visit.slice(24)]);
    expect(kindsOf(steps)).toEqual(['strange']);
    expect(sent).toEqual(plain);
  });

  it('is believed from the second frame on when it has really jumped ahead: the event ends, and the next can begin', () => {
    const frames = [...visit.slice(0, 25), ...visit.map((frame) => later(frame, HOUR_US))];
    const { steps, sent } = take(frames);
    expect(steps.filter(({ kind }) => kind !== 'advanced')).toHaveLength(1);
    const ends = eventsIn(sent, 'end');
    expect(ends.map(({ endReason }) => endReason)).toEqual(['camera-lost', 'left']);
    expect(secondsOf(ends[0]?.endUs ?? 0)).toBeLessThan(5);
    expect(secondsOf(ends[1]?.startUs ?? 0)).toBeCloseTo(3602, 0);
  });

  it.each([
    ['an hour', HOUR_US],
    ['half a minute', 30_000_000],
  ])('goes on after the clock was set back by %s', (_what, us) => {
    const after = visit.map((frame, index) => ({ ...later(frame, -us), seq: 1000 + index }));
    const { steps, sent } = take([...visit.slice(0, 25), ...after]);
    expect(steps.filter(({ kind }) => kind !== 'advanced')).toHaveLength(1);
    expect(eventsIn(sent, 'end').map(({ endReason }) => endReason)).toEqual(['camera-lost', 'left']);
  });

  it.each([
    ['an hour', HOUR_US],
    ['half a minute', 30_000_000],
  ])(
    'of what stood there when the clock was set back by %s is forgotten: no event begins in the future',
    (_what, us) => {
      const car = (x: number) => [{ label: 'car', box: [x, 0.5, 0.3, 0.2] satisfies Box }];
      const scene: Scene = (second) => {
        if (second < 10) return { objects: car(0.5).map((each) => ({ ...each, motion: 'none' as const })) };
        return { objects: car(Math.max(0, 0.5 - (second - 10) / 8)) };
      };
      const standing = framesOf(scene, 0, 10);
      const leaving = framesOf(scene, 10, 14).map((frame) => later(frame, -us));
      const empty = framesOf(() => ({}), 14, 40).map((frame) => later(frame, -us));
      const { sent } = take([...standing, ...leaving, ...empty]);
      const [start] = eventsIn(sent, 'start');
      expect(secondsOf(start?.startUs ?? 0)).toBeCloseTo(10 - us / 1e6, 0);
      expect(eventsIn(sent, 'end').map(({ endReason }) => endReason)).toEqual(['left']);
    },
  );

  it('is not believed from a frame that comes twice', () => {
    const odd = later(frameOf(walk(2, 8), 23), HOUR_US);
    const { steps } = take([...visit.slice(0, 24), odd, odd, odd, ...visit.slice(24)]);
    expect(steps.map(({ kind }) => kind).filter((kind) => kind === 'strange')).toHaveLength(3);
    expect(kindsOf(steps)).toEqual(['strange']);
  });

  it('of frames out of order leaves them out, and of frames that come twice changes nothing', () => {
    const plain = take(visit).sent;
    const [first, second] = [visit[20], visit[19]];
    if (first === undefined || second === undefined) throw new Error('the visit is long enough');
    const { steps, sent } = take([...visit.slice(0, 21), second, first, ...visit.slice(21)]);
    expect(steps[21]).toEqual({ kind: 'late' });
    expect(steps[22]?.kind).toBe('again');
    expect(
      sent.filter(({ msgID }, index) => sent.findIndex((each) => each.msgID === msgID) === index),
    ).toEqual(plain);
  });

  it('of a last word hours ahead ends the event, and right frames are looked at again at once', () => {
    const lost: DetectionsMessage = {
      ...later(frameOf(walk(2, 8), 24), HOUR_US),
      motion: 'lost',
      inferred: false,
      objects: [],
    };
    const { steps, sent } = take([...visit.slice(0, 25), lost, ...visit.slice(25)]);
    expect(kindsOf(steps)).toEqual([]);
    expect(eventsIn(sent, 'end').map(({ endReason }) => endReason)).toEqual(['camera-lost', 'left']);
  });

  it.each([
    ['2 s', 2_000_000],
    ['half a minute', 30_000_000],
    ['an hour', HOUR_US],
  ])('is believed at once where its agent said that the camera is lost, and went back by %s', (_what, us) => {
    const lost: DetectionsMessage = {
      ...frameOf(walk(2, 8), 25),
      motion: 'lost',
      inferred: false,
      objects: [],
    };
    const after = visit.slice(26).map((frame) => later(frame, -us));
    const { steps } = take([...visit.slice(0, 25), lost, ...after]);
    expect(kindsOf(steps)).toEqual([]);
    // What was sent before that word, and comes after it, is no word of another time.
    const old = take([...visit.slice(0, 24), lost, later(frameOf(walk(2, 8), 24), 0)]);
    expect(old.steps.at(-1)?.kind).toBe('late');
  });

  it('after a camera came back is believed at once', () => {
    const lost: DetectionsMessage = {
      ...frameOf(walk(2, 8), 25),
      motion: 'lost',
      inferred: false,
      objects: [],
    };
    const { steps } = take([...visit.slice(0, 25), lost, ...visit.map((frame) => later(frame, HOUR_US))]);
    expect(kindsOf(steps)).toEqual([]);
  });
});
