import { effect, signal } from '@preact/signals';
import { keepListening } from './lasting-source.ts';
import { shutOut } from './session.ts';

/** Whether the server tells of new events by itself at the moment. */
export const told = signal(false);

const listeners = new Set<() => void>();

/** Calls `listener` whenever something may be new. Gives what ends that. */
export function onNews(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function tellAll(): void {
  for (const listener of listeners) listener();
}

/** Listens to the server's events as long as the page is visible. Where it has none, everything is asked for instead. */
export function startStream(): void {
  let end: (() => void) | undefined;
  const close = (): void => {
    end?.();
    end = undefined;
    told.value = false;
  };
  const open = (): void => {
    if (document.hidden || end !== undefined || shutOut.peek()) return;
    end = keepListening('api/stream', {
      events: { stored: tellAll, reset: tellAll },
      opened: () => {
        told.value = true;
        // What came between the last look and now.
        tellAll();
      },
      lost: () => {
        told.value = false;
      },
    });
  };
  document.addEventListener('visibilitychange', () => {
    close();
    open();
  });
  effect(() => {
    if (shutOut.value) close();
    else open();
  });
}
