import { carShapes, type CarLook } from './car.ts';
import { stateAt, type PathState, type Waypoint } from './path.ts';
import { personShapes, strideLength, type PersonLook } from './person.ts';
import type { Shape } from './raster.ts';

/** Someone or something that comes by: there from the first waypoint's time until the last one's. */
export type Actor =
  | { kind: 'person'; path: readonly Waypoint[]; look: PersonLook }
  | { kind: 'car'; path: readonly Waypoint[]; look: CarLook };

export interface ActorView {
  kind: Actor['kind'];
  state: PathState;
  shapes: Shape[];
  /** Half of what touches the ground, in pixels: how wide its shadow is. */
  footprintPx: number;
}

/** What is seen of an actor at a time, farthest shape first; undefined while it is away. */
export function viewOf(actor: Actor, timeMs: number): ActorView | undefined {
  const state = stateAt(actor.path, timeMs);
  if (state === undefined) return undefined;
  const { x, y, pixelsPerMetre } = state;
  const facing = state.velocityX < 0 ? -1 : 1;
  if (actor.kind === 'car') {
    const footprintPx = (actor.look.lengthM / 2) * pixelsPerMetre;
    return {
      kind: 'car',
      state,
      shapes: carShapes(actor.look, { x, y, pixelsPerMetre, facing }),
      footprintPx,
    };
  }
  const shapes = personShapes(actor.look, {
    x,
    y,
    pixelsPerMetre,
    facing,
    turn: turnOf(state),
    phase: (2 * Math.PI * state.distanceM) / (strideLength * actor.look.heightM),
    stride: Math.min(1, state.speedMps / 0.6),
  });
  return { kind: 'person', state, shapes, footprintPx: 0.28 * pixelsPerMetre };
}

/** 0 from the side to 1 from the front. The ground is seen at a flat angle, so a little upward is far away. */
function turnOf({ velocityX, velocityY }: PathState): number {
  const across = Math.abs(velocityX);
  const away = 3 * Math.abs(velocityY);
  return across + away > 0 ? away / (across + away) : 1;
}
