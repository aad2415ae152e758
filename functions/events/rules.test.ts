import { describe, expect, it } from 'vitest';
import type { Box } from '@faascam/core/box';
import type { DetectionsMessage, EventMessage } from '@faascam/core/messages';
import { eventSettings } from '@faascam/core/settings';
import { advance } from './rules.ts';
import { decodeTracks, encodeTracks, type CameraTracks, type Outgoing } from './state.ts';
import { stateAfter } from './testing/play.ts';

const settings = eventSettings.parse(undefined);
const START_US = 1_700_000_000_000_000;
const STEP_US = 200_000;

interface Sight {
  label?: string;
  score?: number;
  box: Box;
}
type Scene = (second: number) => {
  objects?: Sight[];
  motion?: DetectionsMessage['motion'];
  inferred?: boolean;
};

function frameOf(scene: Scene, index: number): DetectionsMessage {
  const { objects = [], motion, inferred = true } = scene(index / 5);
  const found = objects.map(({ label = 'person', score = 0.8, box }) => ({ label, score, box }));
  const kind = motion ?? (found.length > 0 ? 'moving' : 'still');
  return {
    v: 1,
    camera: 'yard',
    capturedAtUs: START_US + index * STEP_US,
    seq: index,
    motion: kind,
    motionBoxes: kind === 'moving' ? found.map(({ box }) => box) : [],
    inferred,
    objects: found,
    model: { name: 'test', sha256: 'a'.repeat(64), demo: false },
  };
}

function play(
  scene: Scene,
  seconds: number,
  each: (frame: DetectionsMessage) => boolean = () => true,
): Outgoing[] {
  let state: CameraTracks | undefined;
  const sent: Outgoing[] = [];
  for (let index = 0; index < seconds * 5; index++) {
    const frame = frameOf(scene, index);
    if (!each(frame)) continue;
    // Each frame starts from what the store would give back.
    state = stateAfter(advance(state, frame, settings));
    sent.push(...state.outgoing);
  }
  return sent;
}

const eventsIn = (sent: Outgoing[], phase: EventMessage['phase']): EventMessage[] =>
  sent.flatMap((each) => (each.kind === 'event' && each.message.phase === phase ? [each.message] : []));
const secondsOf = (us: number): number => (us - START_US) / 1_000_000;

/** A person who walks from left to right between two times. */
const walk =
  (from: number, to: number, y = 0.4): Scene =>
  (second) =>
    second >= from && second <= to
      ? { objects: [{ box: [0.05 + (0.8 * (second - from)) / (to - from), y, 0.08, 0.4] }] }
      : { inferred: second < to + 3 };

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

  it('end soon after a car has parked, and begin anew when it leaves', () => {
    const scene: Scene = (second) => {
      const parked: Box = [0.5, 0.5, 0.3, 0.2];
      if (second < 4) return { objects: [{ label: 'car', box: [0.1 + second / 10, 0.5, 0.3, 0.2] }] };
      if (second < 30) return { objects: [{ label: 'car', box: parked }], motion: 'settling' };
      return second < 34
        ? { objects: [{ label: 'car', box: [0.5 - (second - 30) / 10, 0.5, 0.3, 0.2] }] }
        : {};
    };
    const ends = eventsIn(play(scene, 45), 'end');
    expect(ends.map(({ endReason }) => endReason)).toEqual(['still', 'left']);
    expect(secondsOf(ends[0]?.endUs ?? 0)).toBeLessThan(11);
    expect(secondsOf(ends[1]?.startUs ?? 0)).toBeGreaterThan(29);
  });

  it('never tell of what was always there, whatever moves beside it', () => {
    const scene: Scene = (second) => ({
      objects: [{ label: 'car', box: [0.1, 0.5, 0.3, 0.2] }],
      motion: second % 4 < 2 ? 'moving' : 'settling',
    });
    const aside = (frame: DetectionsMessage): boolean => {
      frame.motionBoxes = frame.motion === 'moving' ? [[0.7, 0.1, 0.1, 0.1]] : [];
      return true;
    };
    expect(play(scene, 30, aside)).toEqual([]);
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
    const silent = (frame: DetectionsMessage): boolean => {
      const second = secondsOf(frame.capturedAtUs);
      return second < 4 || second > 8;
    };
    const scene: Scene = (second) => {
      const at: Box =
        second < 4 ? [0.1 + second / 20, 0.4, 0.1, 0.4] : [0.3 + (second - 8) / 20, 0.4, 0.1, 0.4];
      return second < 12 ? { objects: [{ box: at }] } : {};
    };
    expect(eventsIn(play(scene, 20, silent), 'end')).toHaveLength(1);
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
    const [first, second] = eventsIn(play(scene, 620), 'end');
    expect(first?.endReason).toBe('split');
    expect((first?.endUs ?? 0) - (first?.startUs ?? 0)).toBe(settings.maxMs * 1000);
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
