import type { Step } from '../rules.ts';
import { decodeTracks, encodeTracks, type CameraTracks } from '../state.ts';

/** The state after a frame, as the store gives it to another replica. Throws for a frame that was not looked at. */
export function stateAfter(step: Step): CameraTracks {
  if (!('state' in step)) throw new Error(`the frame was taken as ${step.kind}`);
  const state = decodeTracks(Uint8Array.from(encodeTracks(step.state)), step.state.camera);
  if (state === 'damaged') throw new Error('the state cannot be read back');
  return state;
}
