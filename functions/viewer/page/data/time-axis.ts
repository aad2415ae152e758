/** A part of a day on a line, in microseconds since the Unix epoch. All pure. */
export interface Span {
  fromUs: number;
  toUs: number;
}

const MINUTE_US = 60_000_000;
/** As near as one can look: more would show single pictures. */
const SHORTEST_US = 2 * MINUTE_US;

export function lengthOf({ fromUs, toUs }: Span): number {
  return toUs - fromUs;
}

/** Where a time lies in the span, 0 to 1 within it. */
export function fractionOf(span: Span, us: number): number {
  return (us - span.fromUs) / Math.max(1, lengthOf(span));
}

export function timeAt(span: Span, fraction: number): number {
  return Math.round(span.fromUs + Math.min(1, Math.max(0, fraction)) * lengthOf(span));
}

/** The part shown, `factor` times as long, with `aroundUs` where it was, and never beyond the day. */
export function zoomed(shown: Span, day: Span, factor: number, aroundUs: number): Span {
  const length = Math.min(lengthOf(day), Math.max(SHORTEST_US, lengthOf(shown) * factor));
  const fromUs = aroundUs - fractionOf(shown, aroundUs) * length;
  return within({ fromUs, toUs: fromUs + length }, day);
}

/** The part shown, moved just so far that it holds `us`. */
export function including(shown: Span, day: Span, us: number): Span {
  if (us >= shown.fromUs && us <= shown.toUs) return shown;
  const margin = lengthOf(shown) / 10;
  const byUs = us < shown.fromUs ? us - margin - shown.fromUs : us + margin - shown.toUs;
  return panned(shown, day, byUs);
}

export function panned(shown: Span, day: Span, byUs: number): Span {
  return within({ fromUs: shown.fromUs + byUs, toUs: shown.toUs + byUs }, day);
}

function within(span: Span, day: Span): Span {
  const length = Math.min(lengthOf(span), lengthOf(day));
  const fromUs = Math.round(Math.min(Math.max(span.fromUs, day.fromUs), day.toUs - length));
  return { fromUs, toUs: fromUs + Math.round(length) };
}

const STEPS_MIN = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360];

/** Round times for marks on the line, at most `most` of them. */
export function marksOf(shown: Span, day: Span, most: number): number[] {
  const minutes = lengthOf(shown) / MINUTE_US;
  const step = (STEPS_MIN.find((each) => minutes / each <= most) ?? 360) * MINUTE_US;
  // Counted from midnight here, which is no multiple of an hour in every time zone.
  const first = Math.ceil((shown.fromUs - day.fromUs) / step);
  const last = Math.floor((shown.toUs - day.fromUs) / step);
  return Array.from(
    { length: Math.max(0, last - first + 1) },
    (_, index) => day.fromUs + (first + index) * step,
  );
}

/** Of spans sorted by their begin, the last that began at or before `us` if it reaches `us`. */
export function at<T extends Span>(spans: readonly T[], us: number): T | undefined {
  return spans.findLast(({ fromUs, toUs }) => fromUs <= us && us <= toUs);
}
