import type { Box } from '@faascam/core/box';
import type { DetectionsMessage, EventMessage } from '@faascam/core/messages';
import { eventSettings, type EventSettings } from '@faascam/core/settings';
import { advance, noPlaces, type Places } from '../rules.ts';
import type { CameraTracks, Outgoing } from '../state.ts';
import { stateAfter } from './play.ts';

export const SCENE_START_US = 1_700_000_000_000_000;
const FPS = 5;

export interface Sight {
  label?: string;
  score?: number;
  box: Box;
  /** Motion around it, if not of its box. */
  motion?: Box | 'none';
}

/** What there is to see at a second. */
export type Scene = (second: number) => {
  objects?: Sight[];
  low?: Sight[];
  motion?: DetectionsMessage['motion'];
  /** Motion that belongs to none of the objects. */
  motionBoxes?: Box[];
  inferred?: boolean;
};

/** The frame that a scene gives, five a second. */
export function frameOf(scene: Scene, index: number): DetectionsMessage {
  const { objects = [], low = [], motion, motionBoxes = [], inferred = true } = scene(index / FPS);
  const plain = ({ label = 'person', score = 0.8, box }: Sight) => ({ label, score, box });
  const moves = objects.flatMap(({ box, motion: own = box }) => (own === 'none' ? [] : [own]));
  const kind = motion ?? (moves.length + motionBoxes.length > 0 ? 'moving' : 'still');
  return {
    v: 1,
    camera: 'yard',
    capturedAtUs: SCENE_START_US + (index * 1_000_000) / FPS,
    seq: index,
    motion: kind,
    motionBoxes: kind === 'moving' ? [...moves, ...motionBoxes] : [],
    inferred,
    objects: inferred ? objects.map(plain) : [],
    low: inferred ? low.map(plain) : [],
    model: { name: 'test', sha256: 'a'.repeat(64), demo: false },
  };
}

export interface PlayOptions {
  settings?: Partial<EventSettings>;
  places?: Partial<Places>;
  /** Whether a frame is sent at all. */
  sent?: (second: number) => boolean;
}

export interface Played {
  sent: Outgoing[];
  state: CameraTracks | undefined;
}

/** Plays a scene through the rules, each frame from what the store gives back. */
export function playOn(scene: Scene, seconds: number, options: PlayOptions = {}): Played {
  const settings = eventSettings.parse(options.settings ?? {});
  let state: CameraTracks | undefined;
  const sent: Outgoing[] = [];
  for (let index = 0; index < seconds * FPS; index++) {
    if (options.sent?.(index / FPS) === false) continue;
    const step = advance(state, frameOf(scene, index), settings, { ...noPlaces, ...options.places });
    state = stateAfter(step);
    if (step.kind === 'advanced') sent.push(...step.outgoing);
  }
  return { sent, state };
}

export function play(scene: Scene, seconds: number, options: PlayOptions = {}): Outgoing[] {
  return playOn(scene, seconds, options).sent;
}

export function eventsIn(sent: readonly Outgoing[], phase: EventMessage['phase']): EventMessage[] {
  return sent.flatMap((each) =>
    each.kind === 'event' && each.message.phase === phase ? [each.message] : [],
  );
}

export function endsOf(scene: Scene, seconds: number, options: PlayOptions = {}): EventMessage[] {
  return eventsIn(play(scene, seconds, options), 'end');
}

export function secondsOf(us: number): number {
  return (us - SCENE_START_US) / 1_000_000;
}

/** A person who walks from left to right between two times. */
export function walk(from: number, to: number, y = 0.4): Scene {
  return (second) =>
    second >= from && second <= to
      ? { objects: [{ box: [0.05 + (0.8 * (second - from)) / (to - from), y, 0.08, 0.4] }] }
      : { inferred: second < to + 3 };
}

/** What several scenes show at once; looked at when one of them is. */
export function together(...scenes: Scene[]): Scene {
  return (second) => {
    const shown = scenes.map((scene) => scene(second));
    return {
      objects: shown.flatMap(({ objects = [] }) => objects),
      low: shown.flatMap(({ low = [] }) => low),
      motionBoxes: shown.flatMap(({ motionBoxes = [] }) => motionBoxes),
      inferred: shown.some(({ inferred = true }) => inferred),
    };
  };
}
