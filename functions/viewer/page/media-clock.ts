/** When the pictures of a live stream were taken. */

/** Of the stream's own time `ms`, its picture was taken at `capturedAtUs`. */
interface Mark {
  ms: number;
  capturedAtUs: number;
}

/** Older ones belong to pictures that were let go. */
const MOST_MARKS = 60;

/** What the agent tells before each keyframe, for the pictures from there to the next. */
export class MediaClock {
  readonly #marks: Mark[] = [];

  /** A text message of the stream; any other than of its time is passed over. */
  note(text: string): void {
    const message: unknown = JSON.parse(text);
    if (typeof message !== 'object' || message === null || !('type' in message)) return;
    if (message.type !== 'time' || !('ms' in message) || !('capturedAtUs' in message)) return;
    const { ms, capturedAtUs } = message;
    if (typeof ms !== 'number' || typeof capturedAtUs !== 'number') return;
    this.#marks.push({ ms, capturedAtUs });
    if (this.#marks.length > MOST_MARKS) this.#marks.shift();
  }

  /** When the picture at so many seconds of the stream was taken; undefined while that was not told. */
  capturedAtUs(mediaS: number): number | undefined {
    const ms = mediaS * 1000;
    // The browser gives times in whole microseconds or less.
    const mark = this.#marks.findLast((each) => each.ms <= ms + 1) ?? this.#marks[0];
    return mark === undefined ? undefined : Math.round(mark.capturedAtUs + (ms - mark.ms) * 1000);
  }
}
