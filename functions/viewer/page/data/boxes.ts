import { listOf, number, record, ShapeError, text, truth, type Check, type Checked } from '../shape.ts';

/** Which box to draw over which picture. All pure but `BoxTrail`, which holds what was told. */

/** Left, top, width and height as shares of the picture. */
export type Box = readonly [number, number, number, number];

const box: Check<Box> = (value, place) => {
  const [x, y, width, height] = listOf(number)(value, place);
  if (x === undefined || y === undefined || width === undefined || height === undefined)
    throw new ShapeError(`${place} is no box.`);
  return [x, y, width, height];
};

export const boxesCheck = record({
  capturedAtUs: number,
  inferred: truth,
  objects: listOf(record({ track: number, label: text, score: number, box, confirmed: truth })),
});
export type BoxesFrame = Checked<typeof boxesCheck>;
export type SeenObject = BoxesFrame['objects'][number];

/** Frames this far apart, or less, tell where an object was between them. */
const BRIDGED_US = 2_000_000;
/** An object that is in one frame and not in the next is shown this long: it left some time between them. */
const HELD_US = 150_000;
const KEPT_US = 20_000_000;

/** Where the objects are in the picture taken at `atUs`: between two frames, on the way from one to the other. */
export function boxesAt(frames: readonly BoxesFrame[], atUs: number): SeenObject[] {
  const index = frames.findLastIndex(({ capturedAtUs }) => capturedAtUs <= atUs);
  const before = frames[index];
  if (before === undefined) return [];
  const after = frames[index + 1];
  const sinceUs = atUs - before.capturedAtUs;
  const spanUs = after === undefined ? Infinity : after.capturedAtUs - before.capturedAtUs;
  return before.objects.flatMap((seen) => {
    const next = spanUs > BRIDGED_US ? undefined : after?.objects.find(({ track }) => track === seen.track);
    if (next !== undefined) return [{ ...seen, box: between(seen.box, next.box, sinceUs / spanUs) }];
    return sinceUs <= HELD_US ? [seen] : [];
  });
}

function between(a: Box, b: Box, share: number): Box {
  const mix = (from: number, to: number): number => from + (to - from) * share;
  return [mix(a[0], b[0]), mix(a[1], b[1]), mix(a[2], b[2]), mix(a[3], b[3])];
}

/** The frames of the last seconds that were looked at, in order of time. */
export class BoxTrail {
  #frames: BoxesFrame[] = [];

  get newestUs(): number | undefined {
    return this.#frames.at(-1)?.capturedAtUs;
  }

  add(frame: BoxesFrame): void {
    const at = this.#frames.findLastIndex(({ capturedAtUs }) => capturedAtUs < frame.capturedAtUs) + 1;
    // Told twice, as after a break.
    if (this.#frames[at]?.capturedAtUs === frame.capturedAtUs) return;
    this.#frames.splice(at, 0, frame);
    const oldestUs = (this.newestUs ?? 0) - KEPT_US;
    this.#frames = this.#frames.filter(({ capturedAtUs }) => capturedAtUs >= oldestUs);
  }

  at(us: number): SeenObject[] {
    return boxesAt(this.#frames, us);
  }
}

/** Until it is known how late boxes come, in seconds; then never less, nor more, than this. */
const FIRST_S = 1.2;
const LEAST_S = 0.3;
const MOST_S = 6;
/** Boxes may come this much later than those before. */
const MARGIN_S = 0.1;
/** Frames further apart than this are not waited for: where nothing moves they are rare. */
const AWAITED_US = 500_000;
const JUDGED = 30;

/** How far behind the newest picture to show, so that a picture's boxes are there when it is shown. */
export class Lateness {
  #latesS: number[] = [];
  #fromUs = 0;

  /**
   * Boxes come from now on, when the newest picture is that of `newestUs`. What was taken before is told late because nobody
   * listened, and says nothing of how late boxes come.
   */
  begin(newestUs: number | undefined): void {
    this.#fromUs = newestUs ?? 0;
  }

  /**
   * A frame's boxes have come, when the newest picture was that of `newestUs`. `beforeUs`: of the frame before, up to which
   * pictures could be shown with boxes until now.
   */
  note(frameUs: number, newestUs: number, beforeUs: number | undefined): void {
    // What was held up that long is not waited for.
    if (frameUs < Math.max(this.#fromUs, newestUs - MOST_S * 1e6)) return;
    const knownUs = Math.max(beforeUs ?? frameUs, frameUs - AWAITED_US);
    this.#latesS = [...this.#latesS, (newestUs - knownUs) / 1e6].slice(-JUDGED);
  }

  get behindS(): number {
    if (this.#latesS.length === 0) return FIRST_S;
    return Math.min(MOST_S, Math.max(LEAST_S, Math.max(...this.#latesS) + MARGIN_S));
  }
}
