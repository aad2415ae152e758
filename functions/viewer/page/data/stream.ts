import { effect, signal } from '@preact/signals';
import { addressOf } from '../place.ts';
import { shutOut } from './session.ts';

/** Whether the server tells of new events by itself at the moment. */
export const told = signal(false);

const RETRY_MS = 15_000;
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
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const close = (): void => {
    clearTimeout(timer);
    source?.close();
    source = undefined;
    told.value = false;
  };
  const open = (): void => {
    if (document.hidden || source !== undefined || shutOut.peek()) return;
    const opened = new EventSource(addressOf('api/stream'));
    source = opened;
    opened.addEventListener('open', () => {
      told.value = true;
      // What came between the last look and now.
      tellAll();
    });
    for (const kind of ['stored', 'reset']) {
      opened.addEventListener(kind, tellAll);
    }
    opened.addEventListener('error', () => {
      told.value = false;
      // A browser goes on by itself after a broken connection, but not after a refusal.
      if (opened.readyState !== EventSource.CLOSED) return;
      close();
      timer = setTimeout(open, RETRY_MS);
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
