/**
 * Whether a picture shows something that an earlier one did not, judged on thumbnails of their brightness. Errs on the
 * side of change: a frame too many costs some bytes, one too few an event. What the change is, functions say.
 */

/** Size of a thumbnail, whatever the picture's shape. A person 24 pixels high in 720 lines is three cells high here. */
export const THUMBNAIL = { width: 160, height: 90 } as const;
export const THUMBNAIL_BYTES = THUMBNAIL.width * THUMBNAIL.height;

/** A cell must differ by this many times the picture's noise, and by this many of 255 grey levels. */
const NOISE_TIMES = 5;
const LEAST_LEVELS = 6;
/** A cell that is always restless (leaves, water, a clock in the picture) must differ by this many times its unrest. */
const UNREST_TIMES = 3;
/** One restless moment weighs this much in a cell's unrest: some 4 s of frames at 5 a second. */
const UNREST_RATE = 0.05;
/** Changed cells side by side that make a change; fewer are noise. */
const LEAST_CELLS = 3;
/** The median of |a - b| of two normal noises is this many times their standard deviation. */
const MAD_OF_DIFFERENCE = 0.954;

/** Learns how restless each cell of a camera's picture is. */
export class ChangeMeter {
  readonly #unrest = new Float32Array(THUMBNAIL_BYTES);
  readonly #mask = new Uint8Array(THUMBNAIL_BYTES);
  #previous: Uint8Array | undefined;
  /** Standard deviation of a cell from picture to picture. */
  #noise = 1;

  /** Looks at the camera's next picture. Call it once for each, in order of time. */
  learn(thumbnail: Uint8Array): void {
    const previous = this.#previous;
    this.#previous = thumbnail;
    if (previous === undefined) return;
    const { median: offset, mad } = spread(thumbnail, previous);
    const noise = Math.max(0.3, mad / MAD_OF_DIFFERENCE);
    // A single odd pair, such as one across a keyframe, says little.
    this.#noise += 0.2 * (Math.min(noise, this.#noise * 2) - this.#noise);
    const unrest = this.#unrest;
    for (let at = 0; at < THUMBNAIL_BYTES; at++) {
      const step = Math.abs((thumbnail[at] ?? 0) - (previous[at] ?? 0) - offset);
      const before = unrest[at] ?? 0;
      unrest[at] = before + UNREST_RATE * (step - before);
    }
  }

  /**
   * Cells of the largest region of `thumbnail` in which it differs from `reference`; 0 when there is none to speak of.
   * `keen` counts restless cells like all others.
   */
  change(thumbnail: Uint8Array, reference: Uint8Array, keen: boolean): number {
    const { median: offset } = spread(thumbnail, reference);
    const least = Math.max(LEAST_LEVELS, NOISE_TIMES * this.#noise * Math.SQRT2);
    const mask = this.#mask;
    let any = 0;
    mask.fill(0);
    const unrest = this.#unrest;
    for (let at = 0; at < THUMBNAIL_BYTES; at++) {
      const difference = Math.abs((thumbnail[at] ?? 0) - (reference[at] ?? 0) - offset);
      // Most cells are done with here.
      if (difference <= least) continue;
      if (!keen && difference <= least + UNREST_TIMES * (unrest[at] ?? 0)) continue;
      mask[at] = 1;
      any += 1;
    }
    // All of it, as when the light goes on, is a change even where a median hides the half that did not.
    if (any < LEAST_CELLS) return Math.abs(offset) > 3 * LEAST_LEVELS ? THUMBNAIL_BYTES : 0;
    const cells = largestRegion(mask);
    return cells >= LEAST_CELLS ? cells : 0;
  }
}

/** Every so many cells are enough for a median; no divisor of the width, so that they lie in all columns. */
const SPREAD_STEP = 7;

/** Used for one look after the other. */
const counts = new Uint32Array(511);
const distances = new Uint32Array(511);

/** Median of the differences a - b, and the median distance from it. */
function spread(a: Uint8Array, b: Uint8Array): { median: number; mad: number } {
  counts.fill(0);
  const total = Math.ceil(a.length / SPREAD_STEP);
  for (let at = 0; at < a.length; at += SPREAD_STEP) {
    const slot = (a[at] ?? 0) - (b[at] ?? 0) + 255;
    counts[slot] = (counts[slot] ?? 0) + 1;
  }
  const median = medianOf(counts, total) - 255;
  distances.fill(0);
  for (let slot = 0; slot < counts.length; slot++) {
    const distance = Math.round(Math.abs(slot - 255 - median));
    distances[distance] = (distances[distance] ?? 0) + (counts[slot] ?? 0);
  }
  return { median, mad: medianOf(distances, total) };
}

/** The median of whole numbers given how often each comes, between them as if they were spread evenly. */
function medianOf(counts: Uint32Array, total: number): number {
  let below = 0;
  for (let value = 0; value < counts.length; value++) {
    const here = counts[value] ?? 0;
    if (below + here >= total / 2) return here === 0 ? value : value - 0.5 + (total / 2 - below) / here;
    below += here;
  }
  return 0;
}

/** Size of the largest set of cells that touch, corners included. Clears the mask. */
function largestRegion(mask: Uint8Array): number {
  const { width, height } = THUMBNAIL;
  const open: number[] = [];
  let largest = 0;
  for (let seed = mask.indexOf(1); seed >= 0; seed = mask.indexOf(1, seed)) {
    mask[seed] = 0;
    open.push(seed);
    let cells = 0;
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      cells += 1;
      const x = at % width;
      const y = (at - x) / width;
      for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny++) {
        for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx++) {
          const next = ny * width + nx;
          if (mask[next] !== 1) continue;
          mask[next] = 0;
          open.push(next);
        }
      }
    }
    largest = Math.max(largest, cells);
  }
  return largest;
}
