/** Figures of a bench, told as one line each. */
export interface Figure {
  name: string;
  value: number;
  unit: string;
  /** What it should be, as text; figures without an aim inform. */
  aim?: string;
  met?: boolean;
}

export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** The nearest-rank percentile; NaN of nothing. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? NaN;
}

/** A figure that should be at most `limit`. */
export function atMost(name: string, value: number, unit: string, limit: number): Figure {
  return { name, value, unit, aim: `at most ${limit}`, met: value <= limit };
}

/** Runs `work` over and over and answers each run's milliseconds, the first runs left out. */
export async function timeRuns(work: () => Promise<unknown>, runs: number): Promise<number[]> {
  const times: number[] = [];
  for (let run = -5; run < runs; run++) {
    const begun = performance.now();
    await work();
    if (run >= 0) times.push(performance.now() - begun);
  }
  return times;
}

/** Runs two pieces of work in turn, so that both meet the same noise of the machine. */
export async function timeInTurn(
  a: () => Promise<unknown>,
  b: () => Promise<unknown>,
  runs: number,
): Promise<{ a: number[]; b: number[] }> {
  const times = { a: [] as number[], b: [] as number[] };
  for (let run = 0; run < runs; run++) {
    times.a.push(...(await timeRuns(a, 1)).slice(-1));
    times.b.push(...(await timeRuns(b, 1)).slice(-1));
  }
  return times;
}

export function lineOf({ name, value, unit, aim, met }: Figure): string {
  const shown = Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(2);
  const judged = aim === undefined ? '' : `   aim: ${aim}${met === true ? '' : '   NOT MET'}`;
  return `${name.padEnd(58)} ${shown.padStart(9)} ${unit.padEnd(7)}${judged}`.trimEnd();
}
