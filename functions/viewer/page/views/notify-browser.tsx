import type { JSX } from 'preact';
import { pushBusy, pushFault, pushState, turnPushOff, turnPushOn } from '../data/push.ts';
import { words } from '../words/words.ts';

/** Whether this browser is told of events, and the way to change that; nothing where nobody sends notifications. */
export function NotifyBrowser(): JSX.Element | null {
  const { push: say } = words.value;
  const state = pushState.value;
  if (state === undefined) return null;
  const fault = pushFault.value;
  return (
    <div class="notify" role="group" aria-label={say.name}>
      <p class="notify-state" role="status" data-state={state}>
        {say.states[state]}
      </p>
      {(state === 'off' || state === 'on') && (
        <button
          class="button"
          type="button"
          disabled={pushBusy.value}
          onClick={() => void (state === 'on' ? turnPushOff() : turnPushOn())}
        >
          {state === 'on' ? say.turnOff : say.turnOn}
        </button>
      )}
      {fault !== undefined && (
        <p class="cause" role="alert">
          {fault}
        </p>
      )}
    </div>
  );
}
