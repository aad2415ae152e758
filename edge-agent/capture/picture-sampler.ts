/** Picks pictures, `fps` a second on average and never more, by the rules of `samplingExpression`; or every one. */
export class PictureSampler {
  readonly #periodUs: number;
  #dueUs = Number.NEGATIVE_INFINITY;

  constructor(fps: number | undefined) {
    this.#periodUs = fps === undefined ? 0 : 1e6 / fps;
  }

  /** Whether the picture of this time is one of them. Times may jump either way. */
  takes(streamUs: number): boolean {
    const period = this.#periodUs;
    const due = streamUs + period / 10 >= this.#dueUs || streamUs < this.#dueUs - 2 * period;
    if (due) this.#dueUs = (Math.abs(streamUs - this.#dueUs) < period ? this.#dueUs : streamUs) + period;
    return due;
  }
}
