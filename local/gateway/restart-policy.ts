/** The first restart comes at once for a person's eyes; a function that cannot run must not take the machine's CPU. */
const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 10_000;
/** Whoever ran for this long crashed for a new reason. */
const SETTLED_MS = 30_000;

export interface RestartState {
  /** Ends in a row without having settled. */
  quickEnds: number;
}

/** What to do when a function's process has ended after `ranMs`. */
export function afterEnd(state: RestartState, ranMs: number): { delayMs: number; next: RestartState } {
  const quickEnds = ranMs >= SETTLED_MS ? 0 : state.quickEnds;
  return {
    delayMs: Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** quickEnds),
    next: { quickEnds: quickEnds + 1 },
  };
}
