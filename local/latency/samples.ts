/** How old pictures were where they were seen, in milliseconds. */
export interface LatencySummary {
  pictures: number;
  p50Ms: number | undefined;
  p95Ms: number | undefined;
}

/**
 * Ages of pictures by the moments that their codes tell. Each moment counts once, when it is first seen: a filmed clock
 * shows a moment for a while, and only its first picture tells how long the way was.
 */
export class LatencySamples {
  readonly #seen = new Set<number>();
  readonly #agesMs: number[] = [];

  /** `codeUs`: the moment in the picture; `seenUs`: when the picture had arrived. */
  add(codeUs: number, seenUs: number): void {
    if (this.#seen.has(codeUs)) return;
    this.#seen.add(codeUs);
    this.#agesMs.push((seenUs - codeUs) / 1000);
  }

  get summary(): LatencySummary {
    const sorted = [...this.#agesMs].sort((a, b) => a - b);
    // Nearest rank: an age that was really seen.
    const percentile = (share: number): number | undefined => {
      const age = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
      return age === undefined ? undefined : Math.round(age);
    };
    return { pictures: sorted.length, p50Ms: percentile(0.5), p95Ms: percentile(0.95) };
  }
}
