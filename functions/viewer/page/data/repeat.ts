export interface Repeated {
  /** Runs it now, or right after the run that is under way. */
  now: () => void;
  stop: () => void;
}

/**
 * Runs `task` now and again `everyMs()` after it has ended, as long as the page is visible; coming back to it runs
 * it at once. `task` must not reject.
 */
export function repeat(everyMs: () => number, task: () => Promise<void>): Repeated {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running = false;
  let again = false;
  let stopped = false;
  const run = (): void => {
    clearTimeout(timer);
    if (document.hidden || stopped) return;
    if (running) {
      again = true;
      return;
    }
    running = true;
    again = false;
    void task().finally(() => {
      running = false;
      if (!stopped) timer = setTimeout(run, again ? 0 : everyMs());
    });
  };
  document.addEventListener('visibilitychange', run);
  run();
  return {
    now: run,
    stop: () => {
      stopped = true;
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', run);
    },
  };
}
